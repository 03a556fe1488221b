// The ways in which dd arrives in a page, and what the page has then.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {world} from './harness.mjs'
import {bundle} from './sdk.mjs'
import {html, listen, publish, sdk} from './upstream.mjs'
import {visit} from './visit.mjs'

const version = '3.2.9'
const both = ['biz.contact.choose', 'biz.user.get', 'device.notification.alert']
const own = `dd.config({signature: '00', jsApiList: ['biz.user.get']}); ${listen}`

// open opens a page in the client app of a phone.
const open = (site, body, story, options) => visit('android', world.origin(site) + publish(html(body)), story, options)

// once makes sure that dd.config goes out once and is accepted, with that list.
const once = list => async tab => {
  await tab.judged()
  await tab.quiet()
  assert.equal(tab.calls.length, 1)
  assert.equal(tab.calls[0].verdict.ok, true)
  assert.deepEqual(tab.calls[0].params.jsApiList.toSorted(), list)
  assert.deepEqual({asked: tab.asked, reports: tab.reports, errors: tab.errors}, {asked: [], reports: [], errors: []})
}

// A const is no property of window: nobody can tell when it comes.
const lexical = sdk(version, 'other') + '<script>const dd = other</script>'

const later = `
  addEventListener('load', function () {
    var s = document.createElement('script')
    s.src = '/sdk/${version}.global.js'
    s.onload = function () { HERE }
    document.body.appendChild(s)
  })`

// Each body loads dd in another way and runs its second part when it is there.
const arrivals = {
  'from a script element': run => sdk(version) + `<script>${run}</script>`,
  'as a var at the top level': run => sdk(version, 'var') + `<script>${run}</script>`,
  'as the namespace of an ES module': run => sdk(version, 'namespace') + `<script>${run}</script>`,
  'with defer': run => `<script defer src="/sdk/${version}.global.js"></script><script defer src="data:text/javascript,${encodeURIComponent(run)}"></script>`,
  'in a module': run => `<script type="module">import '/sdk/${version}.global.js'; ${run}</script>`,
  'after the page has loaded': run => `<script>${later.replace('HERE', run)}</script>`
}

for (const [how, body] of Object.entries(arrivals)) {
  test(`dd ${how}: a page's own call is corrected and has both lists`, () => open('auto', body(own), once(both)))

  test(`dd ${how}: a page that calls nothing is called for`, () =>
    open('auto', body(''), once(['biz.contact.choose', 'device.notification.alert'])))
}

test('dd that the client app provides before any script: the call is made', async () => {
  await open('auto', '', once(['biz.contact.choose', 'device.notification.alert']), {init: await bundle(version, 'global')})
})

test('dd that the client app provides before any script: a page\'s own call is corrected', async () => {
  await open('auto', `<script>${own}</script>`, once(both), {init: await bundle(version, 'global')})
})

test('dd as a const at the top level: dd.config(ddConfig) is accepted', () =>
  open('h5', lexical + `<script>dd.config(ddConfig); ${listen}</script>`, once([])))

// A function declaration takes the place of the property of window that waits for dd.
test("dd as a function of the page's before DingTalk's script: a page's own call is corrected", () =>
  open('auto', `<script>function dd () {}</script>${sdk(version)}<script>${own}</script>`, once(both)))

test("dd as a function of the page's before DingTalk's script: a page that calls nothing is called for", () =>
  open('auto', `<script>function dd () {}</script>${sdk(version)}`, once(['biz.contact.choose', 'device.notification.alert'])))

test('dd as a const at the top level: a page that calls nothing is called for', () =>
  open('auto', lexical, once(['biz.contact.choose', 'device.notification.alert'])))

test('dd as a const at the top level: a call that the page makes when it has loaded is corrected', () =>
  open('h5', lexical + `<script>addEventListener('load', function () { setTimeout(function () { ${own} }, 0) })</script>`,
    once(['biz.user.get'])))

test('a page that calls dd.config in its own DOMContentLoaded listener is not called for', () =>
  open('auto', sdk(version) + `<script>document.addEventListener('DOMContentLoaded', function () { ${own} })</script>`, once(both)))

test('a page that loads the script twice makes one call', () =>
  open('auto', sdk(version) + `<script>${own}</script>` + sdk(version), once(both)))

test('a page that sets dd first and dd.config later is corrected', () =>
  open('auto', sdk(version, 'other') + `<script>dd = {ready: other.ready, error: other.error}; dd.config = other.config; ${own}</script>`, once(both)))

test('a page that sets dd first and dd.config long after is called for', () =>
  open('auto', sdk(version, 'other') + `<script>dd = {}; addEventListener('load', function () {
    setTimeout(function () { dd.error = other.error; dd.config = other.config }, 0)
  })</script>`, once(['biz.contact.choose', 'device.notification.alert'])))

test('dd.config({debug, usePromise}) sets up the script and is not the call', () =>
  open('auto', sdk(version) + `<script>dd.config({debug: false}); dd.config({debug: false, usePromise: true}); ${own}</script>`, once(both)))

test('a second dd.config is left to DingTalk\'s script, which ignores it', () =>
  open('h5', sdk(version) + `<script>${own} dd.config(ddConfig)</script>`, once(['biz.user.get'])))

test('jsapi_url loads the script for a page that does not', () =>
  open('jsapi', '<script>seen(typeof dd.config)</script>', async tab => {
    await once(['device.notification.alert'])(tab)
    assert.deepEqual(await tab.seen(), ['function'])
  }))

test('jsapi_url and a page that loads the script, too, make one call', () =>
  open('jsapi', sdk('2.15.6') + `<script>${own}</script>`, once(['biz.user.get', 'device.notification.alert'])))

test('a page of its own that uses the name dd is not disturbed', () =>
  open('auto', `<script>
    var dd = 5; seen(dd)
    dd = {config: 'text'}; seen(dd.config)
    dd = Object.freeze({config: function () { return 'frozen' }}); seen(dd.config())
    dd = null; seen(dd)
  </script>`, async tab => {
    assert.deepEqual(await tab.seen(4), [5, 'text', 'frozen', null])
    await tab.quiet()
    assert.deepEqual(tab.errors, [])
  }))

test('a dd without a prototype is not disturbed', () =>
  open('auto', `<script>dd = Object.create(null); seen(typeof dd.config); dd.config = function () { seen('called') }</script>`, async tab => {
    assert.deepEqual(await tab.seen(2), ['undefined', 'called'])
    assert.deepEqual(tab.errors, [])
  }))

test('a page that finds its element by the name dd finds it', () =>
  open('h5', '<div id="dd">drag and drop</div><script>seen(dd.textContent)</script>', async tab => {
    assert.deepEqual(await tab.seen(), ['drag and drop'])
    assert.deepEqual(tab.errors, [])
  }))

test('dd.config keeps this, what it returns, and its properties', () =>
  open('h5', `<script>
    function config (params) { seen([this.name, params.nonceStr === ddConfig.nonceStr]); return 'returned' }
    config.own = 'property'
    dd = {name: 'fake', config: config}
    seen(dd.config({nonceStr: 'theirs'}))
    seen(dd.config.own)
    seen(dd.config.call({name: 'another'}))
  </script>`, async tab => {
    assert.deepEqual(await tab.seen(5), [['fake', true], 'returned', 'property', ['another', true], 'returned'])
  }))

test('a dd whose properties cannot be assigned is wrapped', () =>
  open('h5', `<script>
    var own = function (params) { seen(params.nonceStr === ddConfig.nonceStr) }
    var object = {}
    Object.defineProperty(object, 'config', {configurable: true, get: function () { return own }, set: function () { throw Error('of the page') }})
    dd = object
    dd.config({nonceStr: 'theirs'})
  </script>`, async tab => {
    assert.deepEqual(await tab.seen(), [true])
    assert.deepEqual(tab.errors, [])
  }))

test('what dd.config throws reaches the page', () =>
  open('h5', `<script>dd = {config: function () { throw new Error('of the page') }}
    try { dd.config({}) } catch (e) { seen(e.message) }
    dd.config({})
  </script>`, async tab => {
    assert.deepEqual(await tab.seen(), ['of the page'])
    await tab.quiet()
    assert.deepEqual(tab.errors, ['of the page'])
  }))

test('ddConfig and ddSidecar are what the documentation says', () =>
  open('h5', '', async tab => {
    const url = await tab.evaluate(() => location.href)
    const {config, sidecar} = await tab.evaluate(() => ({config: ddConfig, sidecar: ddSidecar}))
    assert.deepEqual(Object.keys(config).sort(), ['agentId', 'corpId', 'jsApiList', 'nonceStr', 'signature', 'timeStamp', 'type'])
    assert.equal(config.agentId, world.sandbox.agent_id)
    assert.equal(config.corpId, world.sandbox.corp_id)
    assert.match(config.timeStamp, /^\d{10}$/)
    assert.deepEqual([config.type, config.jsApiList], [0, []])
    assert.deepEqual(sidecar, {url, endpoint: '/.dingtalk', version: sidecar.version, error: null})
    assert.match(sidecar.version, /^\d+\.\d+\.\d+/)
  }))
