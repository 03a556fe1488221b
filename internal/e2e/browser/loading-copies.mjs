// Pages with DingTalk's script twice, and client apps that bring their own.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {acceptedOnce, both, later, listed, open, quietly, script, wrong} from './loading-story.mjs'
import {bundle} from './sdk.mjs'

const listen = 'dd.ready(function () { seen("ready") }); dd.error(function (e) { seen({error: e}) })'
const module = (version, run) => `<script type="module">import dd from '/sdk/${version}.module.js'; ${run}</script>`

// eachAccepted makes sure that whatever goes out is right, and that the page is told so once.
async function eachAccepted (tab) {
  assert.deepEqual(await tab.seen(), ['ready'])
  await later(tab)
  assert.ok(tab.calls.length > 0)
  assert.deepEqual(tab.calls.filter(c => !c.verdict.ok), [])
  assert.equal(await tab.evaluate(() => seen.list.length), 1)
  quietly(tab)
}

for (const [cdn, npm] of [['2.10.3', '3.2.9'], ['3.2.9', '2.13.42'], ['3.2.9', '3.2.9']]) {
  test(`${cdn} from the CDN and ${npm} from npm, which calls dd.config(ddConfig): one call`, () =>
    open('android', 'h5', script(cdn, 'umd') + module(npm, `dd.config(ddConfig); ${listen}`), acceptedOnce([], {ready: 1})))

  test(`${cdn} from the CDN and ${npm} from npm, which calls dd.config(ddConfig), with js_api_list: every call is right`, () =>
    open('android', 'auto', script(cdn, 'umd') + module(npm, `dd.config(ddConfig); ${listen}`), eachAccepted))

  test(`${cdn} from the CDN, which is replaced by ${npm}: a call with wrong parameters is corrected`, () =>
    open('ios', 'auto', script(cdn, 'umd') + script(npm, 'global') + `<script>dd.config(${wrong}); ${listen}</script>`, acceptedOnce(both, {ready: 1})))
}

// Scripts of 3.x take the client app's own SDK in the place of theirs.
for (const [what, run, story] of [
  ['a call with wrong parameters is corrected', `dd.config(${wrong}); ${listen}`, acceptedOnce(both, {ready: 1})],
  ['a page that calls nothing is called for', '', acceptedOnce(listed)]
]) {
  test(`with the SDK of the client app behind the page's script: ${what}`, async () =>
    open('android', 'auto', script('3.2.9', 'umd') + `<script>${run}</script>`, async tab => {
      await story(tab)
      assert.ok(await tab.evaluate(() => dd.env === __ddSDK.getExportSdk().env)) // it was taken
    }, {init: await bundle('3.2.9', 'client')}))
}

test('with the SDK of the client app behind two copies of the script one call goes out', async () =>
  open('android', 'auto', script('3.2.9', 'umd') + module('3.2.9', `dd.config(ddConfig); ${listen}`),
    acceptedOnce(listed, {ready: 1}), {init: await bundle('3.2.9', 'client')}))
