// What the tests of the doctor page run against, beside the world of harness.mjs:
// Caddy with a doctor at every site, and a visit to it on a phone.
import {join} from 'node:path'
import {freePorts, onExit, start, startCaddy, startSandbox, world} from './harness.mjs'
import * as upstream from './upstream.mjs'
import {visit} from './visit.mjs'

export const token = 'let-me-in-0123456789'

export let other // the DingTalk of ticketless.test
let ports

export async function startDoctors () {
  await start()
  const app = await upstream.start()
  onExit(app.stop)
  other = await startSandbox()
  await other.call('/sandbox/fault', {call: 'token', fault: 'secret'}) // Caddy asks at its start
  const [port, tls, trusting] = await freePorts(3)
  ports = {http: port, https: tls}
  world.doctors = await startCaddy(join(import.meta.dirname, 'doctor.Caddyfile'), {
    UPSTREAM: app.address,
    PORT: port,
    TLS_PORT: tls,
    TRUSTING_PORT: trusting,
    JSAPI: `https://well.test:${tls}/sdk/3.2.9.umd.js`,
    APP_KEY: world.sandbox.app_key,
    CORP_ID: world.sandbox.corp_id,
    AGENT_ID: world.sandbox.agent_id,
    SANDBOX: world.sandbox.base,
    SECRET: world.sandbox.app_secret,
    OTHER_SANDBOX: other.base,
    OTHER_SECRET: other.app_secret,
    TOKEN: token,
    AES_KEY: 'Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7'
  })
}

// origin is where a site of doctor.Caddyfile is.
export const origin = (site, scheme = 'https') => `${scheme}://${site}.test:${ports[scheme]}`

// tlsPort is where Caddy ends TLS.
export const tlsPort = () => ports.https

// phone is the smallest one that is still in use.
export const phone = {width: 375, height: 667}

// consult opens the doctor page of a site, in Chinese, waits until it says no more,
// and tells the story with what it says.
export function consult (platform, url, story, options) {
  return visit(platform, url, async tab => {
    await tab.page.setViewportSize(phone)
    if (await tab.evaluate(() => document.documentElement.lang) !== 'zh-CN') await tab.page.click('#language')
    await settled(tab)
    await story(tab, await told(tab))
  }, options)
}

// settled waits until the page has its last findings.
export async function settled (tab) {
  await tab.page.waitForFunction(() => !/正在/.test(document.querySelector('#verdict h2').textContent + document.querySelector('#config').innerText))
  await tab.quiet()
}

// told is what the page shows, as it is seen.
export function told (tab) {
  return tab.evaluate(() => {
    const seen = selector => [...document.querySelectorAll(selector)].map(e => e.innerText.trim()).filter(Boolean)
    return {
      status: document.querySelector('#verdict').className.replace('card verdict ', ''),
      verdict: seen('#verdict h2').join(),
      cure: seen('#verdict .cure').join(),
      further: seen('#further li'),
      marks: [...document.querySelectorAll('mark')].map(e => e.textContent),
      urls: seen('#url .code'),
      lines: [...document.querySelectorAll('#lines .line')].map(e => [e.querySelector('b').innerText, e.querySelector('pre').innerText]),
      config: seen('#config .card').join(),
      ticket: seen('#ticket .card').join(),
      request: seen('#request .card').join(),
      wide: document.documentElement.scrollWidth,
      violations
    }
  })
}
