// What Firefox does in its own way: documents that come back, alive or from the
// cache, and service workers.
import {after, before, describe, test} from 'node:test'
import assert from 'node:assert/strict'
import * as firefox from './firefox.mjs'
import {until} from './harness.mjs'
import {dead, replaceTicket, spa} from './spa-world.mjs'
import {enter} from './spa-worker.mjs'
import {html, publish, sdk} from './upstream.mjs'
import {bridge, observers} from './visit.mjs'

const hour = 3600_000

// A document that has a listener for unload is not kept alive.
const unkept = '<script>addEventListener("unload", function () {})</script>'
const call = sdk('3.2.9') + '<script>seen(ddConfig.nonceStr); dd.config(ddConfig)</script>'
const reloaded = publish(html(unkept + call))
const other = publish(html(''))

// In every document: the client app of a phone, and a clock that a test can put on.
const init = sandbox => `() => {
  ${observers}
  ${bridge('ios', {userAgent: true, verify: `__ddNative.remote('${sandbox.base}/native/verify')`})}
  window.shows = []
  addEventListener('pageshow', e => shows.push(e.persisted))
  const now = Date.now
  Date.now = () => now() + Number(localStorage.ahead || 0)
}`

// asks calls a function in the page until it answers, which it cannot in between.
function asks (tab, what, f, argument) {
  return until(what, () => tab.evaluate(f, argument).catch(() => undefined))
}

// judged returns what the native side has said of the page's one dd.config.
async function judged (tab) {
  const text = await asks(tab, 'the native side has judged a dd.config', () => {
    const call = __ddNative.calls[0]
    return call && call.verdict && JSON.stringify(__ddNative.calls.map(c => [c.href, c.verdict.ok]))
  })
  return JSON.parse(text)
}

describe('in Firefox', {skip: firefox.skip}, () => {
  let tab
  before(async () => { tab = await firefox.launch(init(spa.replaced)) })
  after(() => tab?.close())

  test('a document that is back alive calls dd.config late: it is accepted', async () => {
    const site = spa.origin('open-long')
    await tab.goto(site + '/')
    await asks(tab, 'the router has moved', () => {
      document.querySelector('nav a[href="/list"]')?.click()
      return location.pathname === '/list' ? 'yes' : ''
    })
    await tab.goto(site + '/list/7')
    await tab.evaluate(() => { history.back() })
    assert.equal(await asks(tab, 'the document is back', () => location.pathname === '/list' && shows.length > 1 && String(shows)), 'false,true')
    await tab.evaluate(() => { document.querySelector('#global').click() })
    assert.deepEqual(await judged(tab), [[site + '/list', true]])
  })

  test('a page that is back from the cache an hour later, when its ticket is dead, is accepted', async () => {
    const url = spa.origin('pages-long') + reloaded
    await tab.goto(url)
    assert.deepEqual(await judged(tab), [[url, true]])
    const first = await tab.evaluate(() => JSON.stringify([seen.list[0], ddConfig]))
    await tab.goto(spa.origin('pages-long') + other)
    await replaceTicket()
    await tab.evaluate(ahead => { localStorage.ahead = ahead }, hour)
    await tab.evaluate(() => { history.back() })
    assert.equal(await asks(tab, 'the document is back', () => seen.list.length === 1 && String(shows)), 'false')
    assert.deepEqual(await judged(tab), [[url, true]])
    const [nonce, params] = JSON.parse(first)
    assert.equal(await tab.evaluate(() => seen.list[0]), nonce) // the document is as old as before
    await dead(params, url)
  })

  for (const [folder, what, paths] of [
    ['keeping', 'a shell that a service worker keeps asks for its own URL', ['first', 'deep/route?x=1']], // the second is on no server
    ['passing', 'a document that a service worker passes on is signed', ['first', 'second?x=1']]
  ]) {
    test(what, async () => {
      const site = spa.origin('pages-long', 'localhost')
      await tab.goto(site + enter(folder))
      assert.equal(await asks(tab, 'the worker is there', () => seen.list[0]), 'controlled')
      for (const path of paths) {
        const url = `${site}/${folder}/${path}`
        await tab.goto(url)
        assert.deepEqual(await judged(tab), [[url, true]])
        assert.equal(await tab.evaluate(() => ddSidecar.url), url)
      }
    })
  }
})
