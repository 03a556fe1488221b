// What is the page's stays the page's: its errors, its globals, its policies.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {world} from './harness.mjs'
import {later, open, script, wrong} from './loading-story.mjs'
import {html, publish} from './upstream.mjs'
import {visit} from './visit.mjs'

// The errors that a page's own listeners see, in their order.
const listeners = `<script>
  onerror = function (message, url, line, column, error) { seen('onerror ' + message + ' ' + (error && error.name) + ' ' + line) }
  addEventListener('error', function (e) { seen('error ' + e.message) })
  addEventListener('unhandledrejection', function (e) { seen('rejection ' + (e.reason && e.reason.message || e.reason)) })
</script>`

async function errors (platform, site, body) {
  let told
  await open(platform, site, listeners + body, async tab => {
    await later(tab)
    told = {seen: await tab.evaluate(() => seen.list), errors: tab.errors}
  }, {judge: async () => ({ok: true})})
  return told
}

const sdk = script('3.2.9', 'umd')
const failing = {
  'in a script': '<script>throw new Error("one")</script><script>throw new TypeError("two")</script>',
  'in listeners': `<script>['DOMContentLoaded', 'load', 'readystatechange'].forEach(function (name) {
    (name === 'load' ? window : document).addEventListener(name, function () { throw new Error(name + document.readyState) })
  })</script>`,
  'in timers': '<script>setTimeout(function () { throw new Error("later") }, 0); Promise.reject(new Error("rejected"))</script>',
  'in dd.ready': sdk + `<script>dd.config(${wrong}); dd.ready(function () { throw new Error('in ready') })</script>`,
  'in a getter of the parameters': '<script>dd = {config: function () {}}; dd.config({get debug () { throw new Error("in a getter") }})</script>',
  'before and after dd.config': sdk + `<script>dd.config(${wrong}); undefinedName()</script><script>addEventListener('load', function () { dd.ready() })</script>`,
  'with a dd.config that throws': `<script>dd = {config: function () { throw new Error('in config') }}; dd.config(${wrong})</script>`,
  'with a dd.config that rejects': `<script>dd = {config: function () { return Promise.reject(new Error('in config')) }}; dd.config(${wrong})</script>`,
  'with a dd.error that throws': `<script>dd = {config: function () { seen('called') }, error: function () { throw new Error('in error') }}; dd.config(${wrong})</script>`
}

describe('a page that fails fails as without us', () => {
  for (const platform of ['browser', 'android']) {
    for (const [where, body] of Object.entries(failing)) {
      test(`${where} (${platform})`, async () => {
        assert.deepEqual(await errors(platform, 'h5', body), await errors(platform, 'plain', body))
      })
    }
  }

  // Where we wait for dd, it is there without a value: another sort of error, and as many.
  const missing = '<script src="/nowhere.js"></script><script>dd.config({})</script><script>seen(typeof dd)</script>'

  test('without a script that has dd (browser)', async () => {
    assert.deepEqual(await errors('browser', 'h5', missing), await errors('browser', 'plain', missing))
  })

  test('without a script that has dd (android)', async () => {
    const [ours, alone] = [await errors('android', 'h5', missing), await errors('android', 'plain', missing)]
    assert.deepEqual([ours.errors.length, ours.seen.length, ours.seen.at(-1)], [alone.errors.length, alone.seen.length, 'undefined'])
  })
})

describe('the globals of a page', () => {
  const names = `<script>
    window.before = Object.getOwnPropertyNames(window)
    seen('dd' in window)
  </script>`
  const globals = async (platform, site) => {
    let told
    await open(platform, site, names, async tab => {
      await later(tab)
      told = await tab.evaluate(() => {
        const enumerable = []
        for (const name in window) enumerable.push(name)
        return {all: Object.getOwnPropertyNames(window).sort(), enumerable: enumerable.sort()}
      })
    })
    return told
  }
  const more = (ours, alone) => ours.filter(name => !alone.includes(name))

  test('outside DingTalk are ddConfig and ddSidecar, and its own', async () => {
    const [ours, alone] = [await globals('browser', 'auto'), await globals('browser', 'plain')]
    assert.deepEqual(more(ours.all, alone.all), ['ddConfig', 'ddSidecar'])
    assert.deepEqual(more(alone.all, ours.all), [])
  })

  test('inside DingTalk nobody meets another one who looks through them', async () => {
    const [ours, alone] = [await globals('android', 'auto'), await globals('android', 'plain')]
    assert.deepEqual(more(ours.enumerable, alone.enumerable), ['ddConfig', 'ddSidecar'])
  })
})

test('a page that has enlarged Object, Array and Function is called for', () =>
  open('android', 'auto', `<script>
    Object.prototype.extra = function () {}
    Array.prototype.extra = function () {}
    Function.prototype.extra = function () {}
  </script>${sdk}`, async tab => {
    await tab.judged()
    await later(tab)
    assert.deepEqual([tab.calls.map(c => c.verdict.ok), tab.errors], [[true], []])
  }))

const strict = "default-src 'none'; base-uri 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'; "
const javascript = (body, target) => publish(body, {target, headers: {'content-type': 'text/javascript'}})

describe('under a strict policy with Trusted Types', () => {
  javascript(`dd = {
    config: function (params) { seen(params.nonceStr === ddConfig.nonceStr ? 'right' : 'wrong') },
    ready: function () {},
    error: function (f) { window.refuse = f }
  }
  dd.config(${wrong})`, '/fake-dd.js')
  javascript('history.replaceState(null, "", location.pathname + "?moved")', '/move.js')

  const strictly = (platform, policy, scripts, story) => visit(platform, world.origin('h5') + publish(
    html(scripts.map(s => `<script nonce="abc" src="${s}"></script>`).join('')), {headers: {'content-security-policy': strict + policy}}), story)

  async function silent (tab) {
    await tab.quiet()
    assert.deepEqual(
      {seen: await tab.evaluate(() => seen.list), violations: await tab.evaluate(() => violations), console: tab.console, errors: tab.errors},
      {seen: ['right'], violations: [], console: [], errors: []})
  }

  for (const [what, policy] of Object.entries({
    'a nonce': "script-src 'nonce-abc'; connect-src 'self'",
    'a nonce and strict-dynamic': "script-src 'nonce-abc' 'strict-dynamic'; connect-src 'self'",
    "'self'": "script-src 'self'; connect-src 'self'"
  })) {
    test(`with ${what} a call is corrected, without a violation`, () => strictly('android', policy, ['/fake-dd.js'], silent))

    test(`with ${what} the sidecar is asked, told and asked for a signature, without a violation`, () =>
      strictly('ios', policy, ['/move.js', '/fake-dd.js'], async tab => {
        assert.deepEqual(await tab.seen(), ['right'])
        await tab.evaluate(() => refuse({errorCode: 3, errorMessage: 'Code:52019 - '}))
        await tab.report(52019)
        assert.equal(await tab.evaluate(() => ddSidecar.sign().then(c => typeof c.signature)), 'string')
        await silent(tab)
      }))
  }

  test('that lets nothing be asked, the call of a moved page goes out all the same', () =>
    strictly('ios', "script-src 'nonce-abc'", ['/move.js', '/fake-dd.js'], async tab => {
      await tab.seen()
      await tab.quiet()
      assert.deepEqual([await tab.evaluate(() => seen.list.length), tab.errors], [1, []])
    }))
})
