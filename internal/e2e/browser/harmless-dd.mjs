// Objects that a page, or the client app, has as dd: whatever they are made of, they
// stay what they were to the page, and dd.config is corrected where that can be.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {acceptedOnce, later, listed, open, script, wrong} from './loading-story.mjs'

const call = `dd.config(${wrong}); dd.ready(function () { seen('ready') }); dd.error(function (e) { seen({error: e}) })`
const sdk = script('3.2.9', 'other')
const made = {
  'a frozen object': 'Object.freeze(other)',
  'a sealed object': 'Object.seal(other)',
  'a frozen object of a class': `Object.freeze(new (class {
    config (params) { return other.config(params) }
    ready (f) { return other.ready(f) }
    error (f) { return other.error(f) }
  })())`,
  'an object of a class': `new (class {
    config (params) { return other.config(params) }
    ready (f) { return other.ready(f) }
    error (f) { return other.error(f) }
  })()`,
  'an object whose config has a getter alone': `{get config () { return other.config }, ready: other.ready, error: other.error}`,
  'an object whose config can be neither written nor configured': `Object.defineProperty({ready: other.ready, error: other.error}, 'config', {value: other.config})`,
  'a proxy': 'new Proxy(other, {})',
  'a proxy that lets nothing be written': 'new Proxy(other, {set: function () { return false }, defineProperty: function () { return false }})',
  'an object that inherits': 'Object.create(other)',
  'a function': 'Object.assign(function () {}, {config: other.config, ready: other.ready, error: other.error})'
}

for (const [what, dd] of Object.entries(made)) {
  test(`dd is ${what}: a call with wrong parameters is corrected`, () =>
    open('android', 'h5', sdk + `<script>window.dd = ${dd}; ${call}</script>`, acceptedOnce(['biz.user.get'], {ready: 1})))

  test(`dd is ${what}: a page that calls nothing is called for`, () =>
    open('android', 'auto', sdk + `<script>window.dd = ${dd}</script>`, acceptedOnce(listed)))
}

describe('a window.dd of the client app', () => {
  const fake = `{
    config: function (params) { seen(params.nonceStr === ddConfig.nonceStr ? 'right' : 'wrong') },
    ready: function () {}, error: function () {}
  }`
  for (const [what, init] of Object.entries({
    'that cannot be written': `Object.defineProperty(window, 'dd', {value: ${fake}})`,
    'with a getter alone': `(function (dd) { Object.defineProperty(window, 'dd', {get: function () { return dd }}) })(${fake})`,
    'with a getter that can be configured': `(function (dd) { Object.defineProperty(window, 'dd', {configurable: true, get: function () { return dd }}) })(${fake})`
  })) {
    test(`${what}: a call with wrong parameters is corrected`, () =>
      open('android', 'h5', `<script>dd.config(${wrong})</script>`, async tab => {
        await later(tab)
        assert.deepEqual([await tab.evaluate(() => seen.list), tab.errors], [['right'], []])
      }, {init}))
  }

  for (const [what, init] of Object.entries({
    'that has no value yet and cannot be configured': `(function (dd) {
      Object.defineProperty(window, 'dd', {get: function () { return dd }, set: function (v) { dd = v }})
      document.addEventListener('readystatechange', function () { dd = dd || ${fake} })
    })()`,
    'whose getter throws at first': `(function (dd) {
      Object.defineProperty(window, 'dd', {get: function () { if (!dd) throw new Error('too early'); return dd }})
      document.addEventListener('readystatechange', function () { dd = dd || ${fake} })
    })()`
  })) {
    test(`${what}: a page that calls nothing is called for`, () =>
      open('android', 'auto', '<script>seen(typeof ddConfig)</script>', async tab => {
        await later(tab)
        assert.deepEqual([await tab.evaluate(() => seen.list), tab.errors], [['object', 'right'], []])
      }, {init}))
  }
})

// observe returns what a page says of itself, with the sidecar and without.
async function observe (platform, site, body) {
  let told
  await open(platform, site, body, async tab => {
    await later(tab)
    told = {seen: await tab.evaluate(() => seen.list.map(String)), errors: tab.errors}
  })
  return told
}

const look = `
  var keys = []
  for (var key in dd) keys.push(key)
  seen(keys); seen(Object.keys(dd)); seen(JSON.stringify(dd)); seen(Object.keys(Object.assign({}, dd)));`

describe('a page that uses the name dd for something of its own finds in it what it has put there', () => {
  for (const platform of ['browser', 'android']) {
    for (const [what, run] of Object.entries({
      'an object': `var dd = {a: 1, b: 2}; ${look}`,
      'an array': `dd = [1, 2]; ${look} seen(dd.map(String))`,
      'a function': `function dd () { return 1 } ${look} seen(dd())`,
      'a const': `const dd = {a: 1}; ${look}`,
      'an object with a config that is none': `window.dd = {config: {a: 1}}; ${look}`,
      'an object with a function of that name': `var dd = {config: function (x) { return x + 1 }}; ${look} seen(dd.config(1)); seen(dd.config.length)`,
      'an object that says how often it is looked at': `var n = 0; window.dd = {get config () { return n++ }}; seen(Object.keys(dd))`,
      'an object that does not want to be looked at': `window.dd = {get config () { throw new Error('of the page') }}; seen(Object.keys(dd))`,
      'a window of another origin': `document.body.innerHTML = '<iframe src="data:text/html,"></iframe>'; window.dd = frames[0]; seen(dd === frames[0])`,
      'what it compares': `var own = Object.freeze({a: 1}); window.dd = own; seen(dd === own); own = new Map(); window.dd = own; seen(dd === own)`,
      'a day of the month': `var dd = new Date(0).getUTCDate(); if (dd < 10) dd = '0' + dd; seen(dd)`
    })) {
      test(`${what} (${platform})`, async () => {
        const body = `<script>${run}</script>`
        assert.deepEqual(await observe(platform, 'auto', body), await observe(platform, 'plain', body))
      })
    }
  }
})

test('dd.config returns the very promise, keeps what is written to it, and its other properties', () =>
  open('android', 'h5', `<script>
    var promise = Promise.resolve()
    var original = function (params) { return promise }
    original.own = 1
    dd = {config: original, error: function () {}}
    seen(dd.config(${wrong}) === promise)
    dd.config.later = 3
    seen([dd.config.own, dd.config.later, dd.config.length])
    seen(Object.keys(dd.config))
  </script>`, async tab => {
    await later(tab)
    assert.deepEqual(await tab.evaluate(() => seen.list), [true, [1, 3, 1], ['own', 'later']])
  }))

describe('a page that names its own parameters ddConfig is corrected', () => {
  for (const word of ['', 'var', 'let', 'const', 'window.']) {
    test(word || 'without a word', () => open('android', 'h5', script('3.2.9', 'umd') + `<script>
      ${word}${/^\w+$/.test(word) ? ' ' : ''}ddConfig = ${wrong}
      ddConfig.extra = 'kept'
      dd.config(ddConfig)
    </script>`, async tab => {
      await acceptedOnce(['biz.user.get'])(tab)
      assert.equal(tab.calls[0].params.extra, 'kept')
    }))
  }
})
