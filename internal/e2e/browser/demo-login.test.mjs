// The demo of sign-in: choose who you are, inside DingTalk or outside, and an app of five
// lines greets you by name.
//
//	node --test demo-login.test.mjs
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

async function visitor (story, options) {
  const context = await browser.newContext({viewport: {width: 375, height: 720}, ...options})
  const strange = []
  context.on('request', request => {
    if (!request.url().startsWith(address + '/') && !request.url().startsWith('data:')) strange.push(request.url())
  })
  try {
    const page = await context.newPage()
    await page.goto(address + '/hello/')
    await story(page)
    assert.deepEqual(strange, [], 'nothing leaves this machine')
  } finally {
    await context.close()
  }
}

async function greeting (page) {
  await page.waitForURL(address + '/hello/me')
  return page.textContent('h1')
}

test('inside DingTalk the chosen one is greeted without a click', () => visitor(async page => {
  await page.screenshot({path: join(out, 'demo-login-zh.png')})
  await page.click('#inside')
  assert.equal(await greeting(page), '你好，张三')
  await page.screenshot({path: join(out, 'demo-login-hello.png')})
  await page.goto(address + '/hello/')
  await page.check('[value=u2]')
  await page.click('#inside')
  assert.equal(await greeting(page), '你好，李四')
  await page.click('#out')
  await page.waitForSelector('html[data-state="signed-out"]', {state: 'attached'})
  await page.screenshot({path: join(out, 'demo-login-out.png')})
}))

test('who is no member is told so, in both languages', () => visitor(async page => {
  await page.check('[value=x1]')
  await page.click('#inside')
  await page.waitForFunction(() => document.getElementById('trouble').textContent.includes('no_answer'), null, {timeout: 30000})
  const told = await page.textContent('#trouble')
  assert.match(told, /不给外部联系人/)
  assert.match(told, /external contacts do not/)
}))

test('outside, DingTalk\'s own page asks at the first click, and after signing out at the second', () => visitor(async page => {
  await page.screenshot({path: join(out, 'demo-login-sign-in.png')})
  await page.click('#outside')
  await page.waitForSelector('a.person')
  await page.screenshot({path: join(out, 'demo-login-approve.png')})
  await page.click('#u2')
  assert.equal(await greeting(page), '你好，李四')
  await page.screenshot({path: join(out, 'demo-login-dark.png')})
  await page.goto(address + '/hello/')
  await page.click('#outside')
  await page.waitForSelector('html[data-state="signed-out"]', {state: 'attached'})
  await page.click('#go')
  await page.click('#u1')
  assert.equal(await greeting(page), '你好，张三')
}, {colorScheme: 'dark', locale: 'en-US'}))
