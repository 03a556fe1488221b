// The demo of a third-party app: two corps side by side, which authorise and revoke it.
//
//	node --test demo-corps.test.mjs
import {after, before, test} from 'node:test'
import assert from 'node:assert/strict'
import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {launch, startDemo, stop, until} from './harness.mjs'

const out = join(import.meta.dirname, 'out')
let browser, address

before(async () => {
  address = await startDemo()
  browser = await launch()
  mkdirSync(out, {recursive: true})
})

after(async () => {
  await browser?.close()
  await stop()
})

// corp is what one corp sees, once it knows.
async function corp (page, id, mood) {
  const frame = page.locator(`[data-corp=${id}]`).frameLocator('iframe')
  await frame.locator(`#verdict.${mood}`).waitFor()
  return (await frame.locator('#tenant tr').allInnerTexts()).map(row => row.trim().split(/\s+/).join(' '))
}

test('each corp has its own pages, and only while it has authorised the app', async () => {
  const page = await browser.newPage({viewport: {width: 1100, height: 900}})
  await page.goto(address + '/corps')
  const press = (id, state) => page.click(`[data-corp=${id}] button[data-state=${state}]`)
  const [, agent] = await corp(page, 'dingdemo1', 'good')
  assert.match(agent, /^agentId \d+$/)
  assert.deepEqual(await corp(page, 'dingdemo1', 'good'), ['corpId dingdemo1', agent, 'by query'])
  assert.deepEqual(await corp(page, 'dingdemo2', 'bad'), ['error tenant_unknown'])
  assert.equal(await page.isDisabled('[data-corp=dingdemo1] button[data-state=authorized]'), true)

  await press('dingdemo2', 'authorized')
  const second = await corp(page, 'dingdemo2', 'good')
  assert.equal(second[0], 'corpId dingdemo2')
  assert.notEqual(second[1], agent, 'each corp has an agent of its own')

  await press('dingdemo1', 'revoked')
  assert.deepEqual(await corp(page, 'dingdemo1', 'bad'), ['error tenant_unknown'])
  assert.deepEqual(await corp(page, 'dingdemo2', 'good'), second, 'the other corp goes on')
  await page.screenshot({path: join(out, 'demo-corps.png'), fullPage: true})
  await press('dingdemo1', 'authorized')
  assert.deepEqual(await corp(page, 'dingdemo1', 'good'), ['corpId dingdemo1', agent, 'by query'])
  await page.close()
})

test('a tab stays with its corp, whatever another tab has opened meanwhile', async () => {
  const context = await browser.newContext()
  await context.addInitScript(() => { if (window === top) window.name = 'DingTalk' }) // as in the client app
  const asked = []
  context.on('request', request => { if (request.url().includes('/corps/.dingtalk/config')) asked.push(new URL(request.url()).searchParams.get('corpid')) })
  const tabs = [await context.newPage(), await context.newPage()]
  const configured = page => until('dd.config has gone out', () => page.evaluate(() => window.__ddNative.calls[0]?.params.corpId))
  const follow = async (page, to) => {
    await Promise.all([page.waitForURL(address + to), page.evaluate(to => { location.href = to }, to)])
    return configured(page)
  }
  const press = await context.newPage()
  await press.goto(address + '/corps')
  if (await press.isEnabled('[data-corp=dingdemo2] button[data-state=authorized]')) await press.click('[data-corp=dingdemo2] button[data-state=authorized]')
  await corp(press, 'dingdemo2', 'good')
  await press.close()
  for (const [i, id] of ['dingdemo1', 'dingdemo2'].entries()) {
    await tabs[i].goto(`${address}/corps/page?corpid=${id}`)
    assert.equal(await configured(tabs[i]), id)
  }
  assert.equal(await follow(tabs[0], '/corps/page'), 'dingdemo1', 'the page before names it')
  assert.deepEqual(asked, [])
  assert.equal(await follow(tabs[0], '/corps/page?x=1'), 'dingdemo1', 'nothing but the cookie of the other tab names one')
  assert.deepEqual(asked, ['dingdemo1'])
  assert.equal(await follow(tabs[1], '/corps/page?x=2'), 'dingdemo2')
  await context.close()
})

for (const scheme of ['light', 'dark']) {
  test(`it fits a phone, ${scheme}`, async () => {
    const page = await browser.newPage({viewport: {width: 375, height: 720}, colorScheme: scheme})
    await page.goto(address + '/corps')
    await corp(page, 'dingdemo1', 'good')
    for (const of of [page.mainFrame(), ...page.frames().slice(1)]) {
      assert.ok(await of.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${of.url()} is wider than the screen`)
    }
    await page.screenshot({path: join(out, `demo-corps-${scheme}.png`), fullPage: true})
    await page.close()
  })
}
