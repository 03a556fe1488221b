// The sign-in page in each of its states as a small phone shows it: in both languages,
// light and dark. PICTURES=folder keeps what it looks like.
import {after, before, test} from 'node:test'
import assert from 'node:assert/strict'
import {join} from 'node:path'
import {legible} from './legible.mjs'
import {come, origin, sandbox, shown, startLogin, stopLogin} from './login-world.mjs'

before(startLogin)
after(stopLogin)

const phone = {width: 375, height: 667}
const silent = {giveCode: () => null}
const says = (errorCode, errorMessage) => ({giveCode: () => ({ok: false, error: {errorCode, errorMessage}})})
const refuses = fault => ({fault})
const blocked = {init: 'Object.defineProperty(window, "sessionStorage", {get: function () { throw new Error("blocked") }});'}

// How to come to each state: the site, the platform, what is strange there, the state, and
// its code.
const states = [
  ['inside', 'ios', silent, 'asking', ''],
  ['inside', 'browser', {}, 'outside', ''],
  ['outside', 'browser', blocked, 'outside', ''],
  ['inside', 'ios', {posted: true}, 'submitted', ''],
  ['inside', 'ios', {signedOut: true, ...silent}, 'signed-out', ''],
  ['admins', 'ios', {}, 'forbidden', 'not_allowed'],
  ['inside', 'ios', says('-1', 'cancel'), 'error', 'cancelled'],
  ['inside', 'ios', says('3', 'redirect_uri domain is not secure domain'), 'error', 'domain'],
  ['inside', 'ios', blocked, 'error', 'waiting'],
  ['inside', 'browser', {userAgent: 'Mozilla/5.0 (Linux; Android 12) Mobile Safari/537.36 TaurusApp(TaurusApp/3.0)'}, 'error', 'unsupported_client'],
  ['outside', 'browser', {path: '/.dingtalk/callback'}, 'error', 'bad_state'],
  ['inside', 'ios', refuses('permission'), 'error', 'no_permission'],
  ['inside', 'ios', refuses('ip'), 'error', 'ip_not_allowed'],
  ['inside', 'ios', refuses('quota'), 'error', 'quota_exhausted'],
  ['inside', 'ios', refuses('errcode:50002'), 'error', 'not_visible'],
  ['inside', 'ios', refuses('html'), 'error', 'dingtalk_error'],
  ['inside', 'ios', refuses('rate'), 'asking', 'rate_limited'],
  ['inside', 'ios', {held: true}, 'error', 'script_missing'],
  ['outside', 'browser', {held: true, path: '/.dingtalk/callback'}, 'error', 'bad_state']
]

// look tells how large the page is and what it says.
function look () {
  const root = document.documentElement
  return {
    lang: root.lang,
    wide: root.scrollWidth,
    tall: root.scrollHeight,
    title: document.title,
    heading: document.getElementById('title').textContent,
    text: document.getElementById('text').textContent,
    go: document.getElementById('go').textContent,
    goHigh: document.getElementById('go').getBoundingClientRect().height
  }
}

const share = (text, of) => (text.match(of) ?? []).length / text.length

for (const [site, platform, {fault, posted, signedOut, held, path = '/x', userAgent, ...options}, state, code] of states) {
  for (const locale of ['zh-CN', 'en-US']) {
    test(`${state} ${code} at ${site}, in ${locale}`, async () => {
      await sandbox.call('/sandbox/reset', {})
      if (fault) await sandbox.call('/sandbox/fault', {call: 'getuserinfo', fault})
      await come(platform, posted || signedOut || held ? 'about:blank' : origin(site) + path, async tab => {
        if (signedOut) {
          await tab.page.context().addCookies([{name: '__Host-dingtalk-1234567890-out', value: '1', url: origin(site), secure: true}])
          await tab.page.goto(origin(site) + path)
        }
        if (held) { // as a content blocker does it
          await tab.page.route('**/login.*.js', route => route.abort('blockedbyclient'))
          await tab.page.goto(origin(site) + path)
        }
        if (posted) {
          await tab.page.route('**/form', route => route.fulfill({contentType: 'text/html', body: '<form method=post action=/save><button id=send>'}))
          await tab.page.goto(origin(site) + '/form')
          await tab.page.click('#send')
        }
        if (code) await tab.page.waitForSelector(`html[data-state="${state}"][data-code="${code}"]`, {state: 'attached'}) // it may ask first
        else assert.equal(await shown(tab, state), code)
        for (const colorScheme of ['light', 'dark']) {
          await tab.page.emulateMedia({colorScheme})
          if (process.env.PICTURES) await tab.page.screenshot({path: join(process.env.PICTURES, `${state}-${code}-${site}-${locale}-${colorScheme}.png`)})
          const seen = {...await tab.evaluate(look), ...await tab.evaluate(legible, 'h1, p, a')}
          const what = JSON.stringify({colorScheme, ...seen})
          assert.equal(seen.lang, locale === 'en-US' ? 'en' : locale, what)
          assert.ok(seen.wide <= phone.width && seen.tall <= phone.height, what)
          assert.deepEqual([seen.dim, seen.cut], [[], []], what)
          assert.equal(seen.title, seen.heading)
          for (const text of [seen.heading, seen.text, seen.go]) {
            const letters = locale === 'en-US' ? /[A-Za-z ]/g : /[\u3000-\u9fff\uff00-\uffef]/g
            assert.ok(text === '' || share(text, letters) > 0.5, `${text} in ${what}`)
          }
          assert.equal(seen.go === '', state === 'asking', what)
          assert.ok(state === 'asking' || seen.goHigh >= 44, what)
        }
        assert.deepEqual(tab.errors, [])
        assert.deepEqual(await tab.evaluate(() => violations), [])
      }, {...options, context: {locale, viewport: phone, hasTouch: true, isMobile: true, ...userAgent && {userAgent}}})
    })
  }
}
