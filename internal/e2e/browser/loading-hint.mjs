// What the console says to a page whose dd.config we cannot reach: once, inside
// DingTalk and only there.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {hints, later, listed, open, script} from './loading-story.mjs'
import {until} from './harness.mjs'

// expectHints makes sure that so many hints stand in the console when all is over,
// and nothing else that is ours.
const expectHints = n => async tab => {
  await later(tab)
  await later(tab)
  assert.equal(hints(tab).length, n, tab.console.join('\n'))
  assert.deepEqual({asked: tab.asked, reports: tab.reports, errors: tab.errors}, {asked: [], reports: [], errors: []})
}

const app = run => `<script type="module">import dd from '/sdk/3.2.9.module.js'; window.own = dd; ${run}</script>`

describe('a page without a global dd is told the line to add', () => {
  for (const platform of ['ios', 'android', 'pc', 'harmony']) {
    test(`once, on ${platform}`, () => open(platform, 'h5', app(''), async tab => {
      await expectHints(1)(tab)
      assert.match(hints(tab)[0], /^warning: /)
    }))
  }

  test('once, with js_api_list', () => open('ios', 'auto', app(''), expectHints(1)))

  test('never outside DingTalk', () => open('browser', 'auto', app(''), async tab => {
    await expectHints(0)(tab)
    assert.deepEqual(tab.console, [])
    assert.equal(tab.endpoint, 0)
  }))
})

describe('a page is not told the line to add', () => {
  test('when it has it, after a while', () => open('android', 'h5', app(`
    addEventListener('load', function () { setTimeout(function () { own.config(ddConfig); own.ready(function () { seen('ready') }) }, 20) })
  `), async tab => {
    assert.deepEqual(await tab.seen(), ['ready'])
    await expectHints(0)(tab)
  }))

  test('when it has signed for itself', () => open('android', 'h5', app(`
    ddSidecar.sign().then(function (params) { own.config(params); own.ready(function () { seen('ready') }) })
  `), async tab => {
    assert.deepEqual(await tab.seen(), ['ready'])
    await later(tab)
    assert.deepEqual(hints(tab), [])
  }))

  test('when dd comes after the page has loaded', () => open('android', 'auto', `<script>addEventListener('load', function () {
    var s = document.createElement('script')
    s.src = '/sdk/3.2.9.umd.js'
    document.body.appendChild(s)
  })</script>`, async tab => {
    await tab.judged()
    await expectHints(0)(tab)
    assert.deepEqual(tab.calls[0].params.jsApiList, listed)
  }))

  test('when dd is a const', () => open('android', 'auto', script('3.2.9', 'other') + '<script>const dd = other</script>', async tab => {
    await tab.judged()
    await expectHints(0)(tab)
  }))

  for (const [how, brought] of [
    ['a property', script('3.2.9', 'umd')],
    ['a const', script('3.2.9', 'other') + '<script>const dd = other</script>']
  ]) {
    test(`when the page has written itself anew, where dd is ${how}`, () => open('ios', 'h5', `<script>addEventListener('load', function () {
      setTimeout(function () { document.open(); document.write(${JSON.stringify('<!doctype html><title>new</title>' + brought).replaceAll('<', '\\x3c')}); document.close() }, 0)
    })</script>`, async tab => {
      await until('the new document is there', () => tab.evaluate(() => document.title === 'new'))
      await expectHints(0)(tab)
    }))
  }

  test('when the client app has brought dd', () => open('android', 'auto', '', async tab => {
    await expectHints(0)(tab)
  }, {init: 'window.dd = {config: function () {}, ready: function () {}, error: function () {}}'}))
})
