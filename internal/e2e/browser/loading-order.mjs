// dd.ready and dd.error, before and after dd.config: they tell the page what they tell
// it without us, when its own parameters are right, and nothing else.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {everyVersion, openDevelop, platformsOf} from './sdk.mjs'
import {hints, later, open, script, wrong} from './loading-story.mjs'

// What DingTalk says to every signature. This refusal no reload and no other form heals.
const accept = async () => ({ok: true})
const refuse = async () => ({ok: false, error: {errorCode: 3, errorMessage: 'Code:52019 - Message:无效的agentid'}})

const ready = when => `dd.ready(function () { seen('ready ${when}') });`
const error = when => `dd.error(function (e) { seen('error ${when}: ' + (e ? JSON.stringify([e.errorCode, e.errorMessage || e.message]) : typeof e)) });`
const config = `dd.config(${wrong});`

const pages = {
  'dd.config alone': config,
  'dd.ready before dd.config': ready('before') + config,
  'dd.ready after dd.config': config + ready('after'),
  'dd.error before dd.config': error('before') + config,
  'dd.error after dd.config': config + error('after'),
  'dd.error twice': config + error('first') + error('second'),
  'dd.ready without dd.config': ready('alone') + error('alone')
}
const all = ready('before') + error('before') + config + ready('after') + error('after') + config + ready('last')

// told opens a page and returns what it is told.
async function told (platform, site, version, body, judge, init) {
  const listeners = `<script>
    addEventListener('unhandledrejection', function (e) { seen('unhandled: ' + (e.reason && e.reason.errorMessage || e.reason)) })
  </script>`
  let events
  await open(platform, site, listeners + script(version, 'umd') + `<script>${body}</script>`, async tab => {
    await later(tab)
    const list = await tab.evaluate(() => seen.list)
    events = {
      told: list.filter(e => !/^unhandled/.test(e)),
      unhandled: list.filter(e => /^unhandled/.test(e)),
      errors: tab.errors,
      console: tab.console,
      calls: tab.calls.length
    }
    assert.deepEqual(hints(tab), [])
  }, {judge, init})
  return events
}

async function sameAsAlone (platform, version, body, judge, init) {
  const alone = await told(platform, 'plain', version, body, judge, init)
  const {unhandled, errors, ...rest} = await told(platform, 'h5', version, body, judge, init)
  const {unhandled: unhandledAlone, errors: errorsAlone, ...restAlone} = alone
  assert.deepEqual(rest, restAlone)
  // A refusal that nobody listens to is a rejection that nobody handles. We listen.
  for (const [ours, theirs] of [[unhandled, unhandledAlone], [errors, errorsAlone]]) {
    assert.ok(ours.length <= theirs.length, `more unhandled: ${ours} instead of ${theirs}`)
    assert.deepEqual(ours.filter(e => !theirs.includes(e)), [])
  }
}

const versions = [...everyVersion, openDevelop]

describe('dd.ready and dd.error before and after dd.config, called twice', () => {
  for (const version of versions) {
    for (const platform of platformsOf(version)) {
      test(`${version} on ${platform}, accepted`, () => sameAsAlone(platform, version, all, accept))
      test(`${version} on ${platform}, refused`, () => sameAsAlone(platform, version, all, refuse))
    }
  }
})

for (const [what, body] of Object.entries(pages)) {
  describe(what, () => {
    versions.forEach((version, turn) => {
      const platforms = platformsOf(version)
      const platform = platforms[turn % platforms.length]
      test(`${version} on ${platform}, refused`, () => sameAsAlone(platform, version, body, refuse))
    })
  })
}

test('a page that has been reloaded after a refusal, and is refused again, fails as without us', () =>
  sameAsAlone('android', '3.2.9', config + error('after'), refuse, 'sessionStorage.ddSidecar = "reload"'))

// On iOS a refusal comes without a word up to 2.13.
const silent = ['2.13.92', '2.13.42', '2.10.3', '2.0.56']

for (const version of everyVersion) {
  test(`${version} on ios: dd.error gets what DingTalk's script gives it, and so do we`, () =>
    open('ios', 'h5', script(version, 'umd') + `<script>dd.config(ddConfig); dd.error(function (e) { seen([typeof e]) })</script>`, async tab => {
      assert.deepEqual(await tab.seen(), [[silent.includes(version) ? 'undefined' : 'object']])
      await tab.report(silent.includes(version) ? '' : 52019)
    }, {judge: refuse}))
}
