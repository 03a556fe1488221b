// What the tests of single-page apps run against: the apps, built as their authors
// would, behind Caddy with the module, and two simulated DingTalks.
import assert from 'node:assert/strict'
import {join} from 'node:path'
import {chromium} from 'playwright-core'
import {build} from 'vite'
import {freePorts, launch, onExit, startCaddy, startSandbox, stop as stopAll, temporary} from './harness.mjs'
import * as upstream from './upstream.mjs'
import {sandboxJudge, visit} from './visit.mjs'

// The apps and how each routes.
export const apps = ['vue', 'react']
export const routings = ['history', 'hash']

export const platforms = ['ios', 'android', 'pc', 'harmony']

// spa is what start has started: the browser, the sandboxes, and origin(site).
export let spa

export async function start () {
  try {
    spa = await found()
  } catch (e) {
    await stop()
    throw e
  }
}

export async function stop () {
  await spa?.browser.close()
  await stopAll()
}

async function found () {
  const pages = await upstream.start()
  onExit(pages.stop)
  const directory = temporary()
  await buildAll(directory)
  const [sandbox, replaced] = await Promise.all([startSandbox(), startSandbox()])
  const [port, adminPort] = await freePorts(2)
  const admin = `127.0.0.1:${adminPort}`
  const log = await startCaddy(join(import.meta.dirname, 'spa.Caddyfile'), {
    ADMIN: admin,
    PORT: port,
    UPSTREAM: pages.address,
    APPS: directory,
    APP_KEY: sandbox.app_key,
    CORP_ID: sandbox.corp_id,
    AGENT_ID: sandbox.agent_id,
    SANDBOX: sandbox.base,
    SECRET: sandbox.app_secret,
    REPLACED_SANDBOX: replaced.base,
    REPLACED_SECRET: replaced.app_secret
  })
  return {
    browser: await launch(), log, sandbox, replaced, admin,
    origin: (site, top = 'test') => `http://${site}.${top}:${port}`
  }
}

// launchKeeping starts a Chromium that keeps documents alive while others are shown,
// which is for the browser with windows alone.
// Playwright switches that off, as it does not see such a document load again: wait
// with until, not with page.goBack.
export function launchKeeping () {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_BIN || '/usr/bin/chromium',
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server', '--host-resolver-rules=MAP *.test 127.0.0.1']
  })
}

// buildAll builds every app with every routing into a folder of its own.
async function buildAll (directory) {
  for (const app of apps) {
    for (const routing of routings) {
      await build({
        configFile: false,
        logLevel: 'error',
        root: join(import.meta.dirname, 'spa', app),
        define: {ROUTING: JSON.stringify(routing)},
        resolve: {alias: {'dingtalk-jsapi': 'dingtalk-jsapi-3.2.9'}},
        build: {outDir: join(directory, `${app}-${routing}`), emptyOutDir: true}
      })
    }
  }
}

// open visits a page of these sites.
export function open (platform, url, story, options) {
  return visit(platform, url, story, {browser: spa.browser, sandbox: spa.sandbox, ...options})
}

// checked is the URL that the client app of that platform checks.
export function checked (platform, {entry, current}) {
  return platform === 'android' ? entry : current
}

// accepted makes sure that the page's one dd.config was right: the client app has
// checked that URL and taken the signature, and the sidecar was asked for these.
export async function accepted (tab, {url, asked}) {
  await tab.judged()
  await tab.quiet()
  const said = tab.calls.map(({href, verdict}) => ({url: href.split('#')[0], ok: verdict.ok}))
  assert.deepEqual({said, asked: tab.asked, errors: tab.errors}, {said: [{url, ok: true}], asked, errors: []})
}

// replaceTicket does what another program does that uses the same app, and lets
// the sidecar find out: the ticket that pages were signed with is dead, and there is
// a new one.
export async function replaceTicket () {
  await spa.replaced.call('/sandbox/expire', {})
  const admin = `http://${spa.admin}`
  const answer = await fetch(admin + '/dingtalk/refresh', {method: 'POST', headers: {origin: admin}}) // as Caddy wants of a browser
  if (!answer.ok) throw new Error(`refresh answers ${answer.status}: ${await answer.text()}`)
}

// dead makes sure that DingTalk no longer takes these parameters.
export async function dead (params, href) {
  const {ok} = await sandboxJudge(spa.replaced)({platform: 'ios', href, params})
  assert.equal(ok, false)
}
