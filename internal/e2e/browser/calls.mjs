// dd.config as pages call it, or do not, on every platform and with every version
// of DingTalk's script.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {world} from './harness.mjs'
import {platformsOf, versions} from './sdk.mjs'
import {html, listen, publish, sdk} from './upstream.mjs'
import {stays, strange, visit} from './visit.mjs'

const backend = { // what the app's own backend has signed, all of it wrong
  agentId: '1', corpId: 'dingother', timeStamp: 1700000000000, nonceStr: 'theirs', signature: '00', type: 0
}
const call = params => `<script>dd.config(${params}); ${listen}</script>`

async function accepted (tab) {
  await tab.judged()
  assert.deepEqual(await tab.seen(), ['ready'])
  await tab.quiet()
  assert.equal(tab.calls.length, 1)
  assert.equal(tab.calls[0].verdict.ok, true)
  assert.deepEqual({asked: tab.asked, reports: tab.reports, errors: tab.errors}, {asked: [], reports: [], errors: []})
  assert.doesNotMatch(tab.console.join('\n'), /1040|has been executed/)
  return tab.calls[0].params
}

for (const version of versions) {
  for (const platform of platformsOf(version)) {
    describe(`${version} on ${platform}`, () => {
      const open = (site, body, story, options) => visit(platform, world.origin(site) + publish(html(body)), story, options)

      test('a page that writes dd.config(ddConfig) is accepted', () =>
        open('h5', sdk(version) + call('ddConfig'), accepted))

      test('a page that is built with npm and has no global dd is accepted', () =>
        open('h5', sdk(version, 'app'), async tab => {
          await accepted(tab)
          assert.equal(await tab.evaluate(() => typeof dd), 'undefined')
        }))

      test('a call with wrong parameters of the page\'s own backend is corrected', () =>
        open('h5', sdk(version) + call(JSON.stringify({...backend, jsApiList: ['biz.user.get'], extra: 'kept'})), async tab => {
          const {jsApiList, extra} = await accepted(tab)
          assert.deepEqual(jsApiList, ['biz.user.get'])
          if (platform !== 'pc') assert.equal(extra, 'kept') // there DingTalk's script picks the fields
        }))

      test('with js_api_list the call is made for a page that makes none, once', () =>
        open('auto', sdk(version) + `<script>addEventListener('load', function () { ${listen} })</script>`, async tab => {
          const {jsApiList} = await accepted(tab)
          assert.deepEqual(jsApiList, ['biz.contact.choose', 'device.notification.alert'])
        }))

      test('with js_api_list a page\'s own call goes out with both lists', () =>
        open('auto', sdk(version) + call(JSON.stringify({...backend, jsApiList: ['biz.user.get', 'biz.contact.choose']})), async tab => {
          const {jsApiList} = await accepted(tab)
          assert.deepEqual(jsApiList.toSorted(), ['biz.contact.choose', 'biz.user.get', 'device.notification.alert'])
        }))

      test('a refusal reaches the page and is reported', () =>
        open('h5', sdk(version) + call('ddConfig'), async tab => {
          const [{error}] = await tab.seen()
          // iOS gets nothing up to 2.13; the PC client knows no code.
          const silent = platform === 'ios' && version === '2.13.42'
          const {url, signed, message, status} = await tab.report(silent ? '' : platform === 'pc' ? 9 : 52013)
          assert.equal(signed, url)
          assert.equal(status, 204)
          if (silent) {
            assert.equal(error, undefined)
          } else {
            assert.match(error.errorMessage, /签名校验失败/)
            assert.equal(message, error.errorMessage.slice(0, 500))
          }
          await tab.quiet()
          assert.equal(tab.reports.length, 1)
          assert.equal(await tab.evaluate(() => seen.list.length), 1) // no dd.ready
        }, {judge: strange, init: stays}))
    })
  }
}
