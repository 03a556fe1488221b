// Tickets that DingTalk no longer takes, or does not give.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import http from 'node:http'
import {until, world} from './harness.mjs'
import {html, listen, publish, sdk} from './upstream.mjs'
import {stays, strange, visit} from './visit.mjs'

const call = `dd.config(ddConfig); ${listen}`

test('a page that calls dd.config twice reports its refusal once', () =>
  visit('android', world.origin('h5') + publish(html(sdk('3.2.9') + `<script>dd.config(ddConfig); ${call}</script>`)), async tab => {
    await tab.seen()
    await tab.report(52013)
    await tab.quiet()
    assert.equal(tab.reports.length, 1)
  }, {judge: strange, init: stays}))

test('a page without a ticket gets one for its dd.config as soon as DingTalk gives it', async () => {
  const dingtalk = world.cold // it gives no ticket until it is told to
  const url = world.origin('cold') + publish(html(sdk('3.2.9')))
  await visit('android', url, async tab => {
    const {config, sidecar} = await tab.evaluate(() => ({config: window.ddConfig, sidecar: ddSidecar}))
    assert.equal(config, undefined)
    assert.equal(sidecar.error.code, 'ticket_unavailable')
    assert.equal(sidecar.url, url)
    await tab.quiet()
    const before = tab.asked.length

    await dingtalk.call('/sandbox/fault', {call: 'ticket', fault: ''})
    await until('the sidecar has a ticket', async () => (await fetchConfig(url)).ok)
    await tab.evaluate(call => { const s = document.createElement('script'); s.textContent = call; document.body.append(s) }, call)
    assert.deepEqual(await tab.seen(), ['ready'])
    assert.deepEqual(tab.calls.map(c => c.verdict.ok), [true])
    assert.deepEqual(tab.asked.slice(before), [url])
    assert.deepEqual(tab.reports, [])
    assert.equal(await tab.evaluate(() => ddSidecar.error), null)
    assert.deepEqual(tab.errors, [])
  }, {sandbox: dingtalk})
})

test('a page without a ticket is called for if DingTalk has given one when the document is there', async () => {
  const dingtalk = world.cold
  await dingtalk.call('/sandbox/fault', {call: 'ticket', fault: 'status:503'})
  const url = world.origin('late') + publish(html('<script src="/slow.js"></script>' + sdk('3.2.9')))
  await visit('android', 'about:blank', async tab => {
    const held = []
    await tab.page.route('**/slow.js', route => held.push(route))
    await tab.page.goto(url, {waitUntil: 'commit'})
    await until('the page waits for its script', () => held.length)
    assert.equal(await tab.evaluate(() => ddSidecar.error.code), 'ticket_unavailable')

    await dingtalk.call('/sandbox/fault', {call: 'ticket', fault: ''})
    await until('the sidecar has a ticket', async () => (await fetchConfig(url)).ok)
    await held[0].fulfill({contentType: 'text/javascript', body: ''})
    await tab.judged()
    await tab.quiet()
    assert.deepEqual(tab.calls.map(c => [c.verdict.ok, c.params.jsApiList]), [[true, ['device.notification.alert']]])
    assert.deepEqual(tab.asked, [url])
  }, {sandbox: dingtalk})
})

// fetchConfig asks the endpoint as a program without a browser does. Node knows
// no *.test, so the host goes in the header.
function fetchConfig (url) {
  const {host, port} = new URL(url)
  return new Promise((resolve, reject) => {
    http.get({host: '127.0.0.1', port, path: '/.dingtalk/config?url=' + encodeURIComponent(url), headers: {host}}, response => {
      let text = ''
      response.setEncoding('utf8').on('data', part => { text += part })
        .on('end', () => resolve({ok: response.statusCode === 200, text}))
    }).on('error', reject)
  })
}
