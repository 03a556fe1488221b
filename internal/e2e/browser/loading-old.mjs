// The script of before, open-develop 1.x: dd.config only keeps its parameters, each
// dd.ready authenticates with them, and dd.error keeps one function.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {acceptedOnce, later, listed, open, quietly, script, wrong} from './loading-story.mjs'
import {openDevelop} from './sdk.mjs'

const refuse = async () => ({ok: false, error: {errorCode: 3, errorMessage: 'Code:52019 - Message:无效的agentid'}})
const page = run => script(openDevelop, 'global') + `<script>${run}</script>`
const told = e => [e.errorCode, e.message]
const error = `dd.error(function (e) { seen((${told})(e)) });`

for (const platform of ['ios', 'android']) {
  describe(`open-develop on ${platform}`, () => {
    test('a page that calls dd.ready alone has its list with the next dd.ready', () =>
      open(platform, 'auto', page(`dd.ready(function () { seen('before') });
        addEventListener('load', function () { setTimeout(function () { dd.ready(function () { seen('ready') }) }, 50) })`), async tab => {
        assert.deepEqual(await tab.seen(2), ['before', 'ready'])
        await later(tab)
        assert.ok(tab.calls.length > 0)
        assert.deepEqual(tab.calls.filter(c => !c.verdict.ok), [])
        assert.deepEqual(tab.calls.at(-1).params.jsApiList, listed)
        quietly(tab)
      }))

    test('each dd.ready authenticates with the corrected parameters', () =>
      open(platform, 'h5', page(`dd.config(${wrong}); dd.ready(function () { seen('ready') }); dd.ready(function () { seen('ready') })`), async tab => {
        assert.deepEqual(await tab.seen(2), ['ready', 'ready'])
        await later(tab)
        assert.deepEqual(tab.calls.map(c => c.verdict.ok), [true, true])
        quietly(tab)
      }))

    test('a bridge that comes late is waited for', () =>
      open(platform, 'h5', page(`
        var late = window.WebViewJavascriptBridge || window.nuva
        window.WebViewJavascriptBridge = window.nuva = undefined
        dd.config(${wrong})
        dd.ready(function () { seen('ready') })
        addEventListener('load', function () {
          if (dd.ios) WebViewJavascriptBridge = late
          else nuva = late
          document.dispatchEvent(new Event(dd.ios ? 'WebViewJavascriptBridgeReady' : 'runtimeready'))
        })`), acceptedOnce(['biz.user.get'], {ready: 1})))

    // One function is all that dd.error keeps: ours must not take the page's place.
    for (const [when, run] of Object.entries({
      'before dd.config': `${error} dd.config(${wrong}); dd.ready(function () { seen('ready') })`,
      'after dd.config': `dd.config(${wrong}); ${error} dd.ready(function () { seen('ready') })`,
      'after dd.ready': `dd.config(${wrong}); dd.ready(function () { seen('ready') }); ${error}`
    })) {
      test(`a refusal reaches the function that the page has given to dd.error ${when}, and is reported`, () =>
        open(platform, 'h5', page(run), async tab => {
          assert.deepEqual(await tab.seen(), [[3, '权限校验失败 Code:52019 - Message:无效的agentid']])
          await tab.report(52019)
          await later(tab)
          assert.equal(tab.reports.length, 1)
          assert.equal(await tab.evaluate(() => seen.list.length), 1)
        }, {judge: refuse}))
    }

    test('a refusal that the page does not listen to is reported', () =>
      open(platform, 'h5', page(`dd.config(${wrong}); dd.ready(function () { seen('ready') })`), async tab => {
        await tab.report(52019)
        await later(tab)
        assert.deepEqual([tab.errors, await tab.evaluate(() => seen.list)], [[], []])
      }, {judge: refuse}))

    test('a page with the last function of several is told by that alone', () =>
      open(platform, 'h5', page(`dd.error(function () { seen('first') }); dd.config(${wrong}); dd.error(function () { seen('second') });
        dd.ready(function () { seen('ready') })`), async tab => {
        assert.deepEqual(await tab.seen(), ['second'])
        await later(tab)
        assert.deepEqual(await tab.evaluate(() => seen.list), ['second'])
      }, {judge: refuse}))
  })
}
