// What a refused page does by itself: it reloads once, and tries another form of
// signature if the handler says so.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {until, world} from './harness.mjs'
import {html, listen, publish, sdk} from './upstream.mjs'
import {sandboxJudge, strange, visit} from './visit.mjs'

const call = `<script>dd.config(ddConfig); ${listen}</script>`
const page = () => world.origin('heal') + publish(html(sdk('3.2.9') + call))

// judged waits for that many calls of dd.config to be judged, and tells how.
async function judged (tab, n) {
  await until(`${n} dd.configs have been judged`, () => tab.calls.filter(c => c.verdict).length >= n)
  return tab.calls.map(c => c.verdict.ok)
}

test('a page whose ticket has been replaced reloads once and is accepted', async () => {
  const sandbox = world.healing
  const tickets = async () => (await sandbox.call('/sandbox/state')).calls['v1.ticket']
  await visit('ios', page(), async tab => {
    assert.deepEqual(await judged(tab, 1), [true])
    const before = await tickets()

    await sandbox.call('/sandbox/expire', {})
    await tab.page.reload()
    assert.deepEqual(await judged(tab, 3), [true, false, true])
    const report = await tab.report(52013)
    assert.equal(report.url, report.signed)
    assert.equal(await tickets(), before + 1)
    const line = await until('Caddy logs the refusal', () => world.log.find(l => l.code === '52013' && l.url === report.url))
    assert.match(line.msg, /fetched again/)

    await until('the page has forgotten it', () => tab.evaluate(() => !sessionStorage.ddSidecar).catch(() => false))
    await tab.page.reload() // the next one needs no help
    assert.deepEqual(await judged(tab, 4), [true, false, true, true])
    assert.equal(tab.reports.length, 1)
  }, {sandbox})
})

test('a page that is refused whatever it does reloads once, and not again when it is opened anew', () =>
  visit('ios', page(), async tab => {
    assert.deepEqual(await judged(tab, 2), [false, false])
    await until('the second refusal is reported', () => tab.reports.length === 2)
    await tab.quiet()
    assert.equal(tab.calls.length, 2)
    await tab.page.reload()
    assert.deepEqual(await judged(tab, 3), [false, false, false])
    await until('the third refusal is reported', () => tab.reports.length === 3)
    await tab.quiet()
    assert.equal(tab.calls.length, 3)
  }, {judge: strange}))

test('a page that cannot remember what it tried tries nothing', () =>
  visit('ios', page(), async tab => {
    assert.deepEqual(await judged(tab, 1), [false])
    await tab.report(52013)
    await tab.quiet()
    assert.equal(tab.calls.length, 1)
  }, {judge: strange, init: 'Object.defineProperty(window, "sessionStorage", {get: function () { throw new Error("denied") }});'}))

test('where DingTalk wants another hash the page finds it, keeps to it, and the log says what to write', () => {
  const sandbox = world.healing
  const judge = question => question.params.signature.length === 64 ? sandboxJudge(sandbox)(question) : strange(question)
  return visit('pc', page(), async tab => {
    assert.deepEqual(await judged(tab, 2), [false, true])
    assert.equal((await tab.report('healed')).tried, 'hash=sha256')
    await until('Caddy logs the finding', () => world.log.find(l => l.msg?.includes('`hash sha256`')))

    await tab.page.goto(page()) // another page of the same tab
    assert.deepEqual(await judged(tab, 3), [false, true, true])
  }, {judge})
})

test('an Android that goes by the URL shown, not by the entry URL, is understood after one refusal', () => {
  const moved = '<script>if (location.pathname !== "/moved/here") history.replaceState(null, "", "/moved/here")</script>'
  const body = html(moved + sdk('3.2.9') + call)
  publish(body, {target: '/moved/here'})
  const enter = () => world.origin('heal') + publish(body)
  return visit('android', enter(), async tab => {
    assert.deepEqual(await judged(tab, 2), [false, true])
    assert.deepEqual(tab.asked, [])
    await tab.quiet()

    await tab.page.goto(enter())
    assert.deepEqual(await judged(tab, 3), [false, true, true])
    assert.deepEqual(tab.asked, [world.origin('heal') + '/moved/here'])
  }, {sandbox: world.healing, checks: 'current'})
})

test('a page that answers a form is not reloaded, which would send the form again', () => {
  const answer = publish(html(sdk('3.2.9') + call))
  const form = publish(html(`<form method="post" action="${answer}"><button>x</button></form>`))
  return visit('ios', world.origin('heal') + form, async tab => {
    await tab.page.click('button')
    assert.deepEqual(await judged(tab, 1), [false])
    await tab.report(52013)
    await tab.quiet()
    assert.equal(tab.calls.length, 1)
  }, {judge: strange})
})
