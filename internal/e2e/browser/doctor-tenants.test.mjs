// What the doctor page says of tenants, third-party apps and sign-in as a small phone shows
// it: in both languages, light and dark. PICTURES=folder keeps what it looks like.
import {after, before, test} from 'node:test'
import assert from 'node:assert/strict'
import {join} from 'node:path'
import {stop, world} from './harness.mjs'
import {origin, phone, settled, startDoctors, token} from './doctor-world.mjs'
import {legible} from './legible.mjs'
import {visit} from './visit.mjs'

before(startDoctors)
after(stop)

// The visits: the query, where, and what the tenants' section says in each language: the
// status of each line and a part of it.
const visits = [
  ['ours', 'tenants', () => `?corpid=${world.sandbox.corp_id}&agentid=${world.sandbox.agent_id}&token=${token}`, [
    ['ok', '网页地址里写明了', "page's URL names it"],
    ['ok', 'ding222 2001 (/crm/*)', 'ding222 2001 (/crm/*)'],
    ['error', 'suite suitedoctor0000001：还没有收到过 suite_ticket', 'suitedoctor0000001: no suite_ticket has been received'],
    ['ok', '本服务器内存中有 0 个已授权的企业', 'this server holds 0 corps']
  ]],
  ['a stranger', 'tenants', () => '?agentid=31415926535&token=' + token, [
    ['error', '31415926535', '31415926535'],
    ['ok', 'ding222 2001 (/crm/*)', 'ding222 2001 (/crm/*)'],
    ['error', 'suite_ticket', 'suite_ticket'],
    ['ok', '0 个已授权', '0 corps']
  ]],
  ['nobody', 'tenants-open', () => '', [['error', 'doctor <token>', 'doctor <token>']]]
]

function shown () {
  const items = id => [...document.querySelectorAll(`#${id} li`)].map(e => [e.querySelector('.tag').className.replace('tag ', ''), e.innerText])
  return {lang: document.documentElement.lang, wide: document.documentElement.scrollWidth, tenants: items('tenants'), signIn: items('sign_in')}
}

const share = (text, of) => (text.match(of) ?? []).length / text.length

for (const [what, site, query, want] of visits) {
  for (const locale of ['zh-CN', 'en-US']) {
    test(`a visit that is for ${what} is explained, in ${locale}`, () =>
      visit('ios', origin(site) + '/.dingtalk/doctor' + query(), async tab => {
        await settled(tab)
        for (const colorScheme of ['light', 'dark']) {
          await tab.page.emulateMedia({colorScheme})
          if (process.env.PICTURES) await tab.page.screenshot({fullPage: true, path: join(process.env.PICTURES, `${what}-${locale}-${colorScheme}.png`)})
          const seen = {...await tab.evaluate(shown), ...await tab.evaluate(legible, 'main *, header *, footer *')}
          const told = JSON.stringify({colorScheme, ...seen}, null, 1)
          assert.equal(seen.lang, locale === 'en-US' ? 'en' : locale, told)
          assert.ok(seen.wide <= phone.width, told)
          assert.deepEqual([seen.dim, seen.cut], [[], []], told)
          assert.deepEqual(seen.tenants.map(([status]) => status), want.map(([status]) => status), told)
          want.forEach(([, zh, en], i) => assert.ok(seen.tenants[i][1].includes(locale === 'en-US' ? en : zh), `${i} in ${told}`))
          const letters = locale === 'en-US' ? /[\x20-\x7e…\n✓✕]/g : /[\u3000-\u9fff\uff00-\uffef]/g
          for (const [, text] of [...seen.tenants, ...seen.signIn]) {
            assert.ok(share(text, letters) > (locale === 'en-US' ? 0.7 : 0.1), `"${text}" is not ${locale}: ${share(text, letters)}`)
          }
          if (site === 'tenants') assert.ok(seen.signIn.length >= 3, told)
        }
        assert.deepEqual(tab.errors, [])
        assert.deepEqual(await tab.evaluate(() => violations), [])
      }, {context: {locale, viewport: phone, hasTouch: true, isMobile: true}}))
  }
}
