// A visit to a page: in DingTalk's client app of some platform, whose native side
// is the sandbox's, or in an ordinary browser.
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {runInNewContext} from 'node:vm'
import {until, world} from './harness.mjs'

const nativeJS = readFileSync(join(import.meta.dirname, '../../sandbox/native.js'), 'utf8')
const {__ddNative: {userAgents}} = runInNewContext(`${nativeJS};window`, {window: {}})

// What runs in every frame before any script of the page.
export const observers = `
  window.seen = function (what) { window.seen.list.push(what) };
  window.seen.list = [];
  window.violations = [];
  document.addEventListener('securitypolicyviolation', function (e) {
    violations.push(e.effectiveDirective + ' ' + e.blockedURI)
  });`

// watcher notes the script elements of a document, which may be gone when somebody asks.
export const watcher = `
  window.scripts = [];
  new MutationObserver(function (records) {
    records.forEach(function (record) {
      record.addedNodes.forEach(function (node) {
        if (node.nodeName === 'SCRIPT') scripts.push({node: node, place: record.target.nodeName});
      });
    });
  }).observe(document, {childList: true, subtree: true});`

// bridge is the script that makes a page one in that client app. Its options are
// those of native.js, with verify as the source of a function. The question to the
// native side leaves the page by a binding, which no policy of the page can stop.
export const bridge = (platform, {
  verify = 'function (question, done) { askNative(question).then(done) }',
  code = 'function (question, done) { askCode(question).then(done) }',
  ...options
} = {}) => `${nativeJS};
  __ddNative.install(${JSON.stringify(platform)}, Object.assign(${JSON.stringify(options)}, {verify: ${verify}, code: ${code}}));`

// visit opens a page in a new context, and closes it after the story. platform is
// one of the client app's, or 'browser' for an ordinary one. judge(question)
// answers in the place of the sandbox; checks is the URL that the client app
// checks, 'entry' or 'current', if not its platform's; giveCode(question) gives codes
// in the place of the sandbox, or never answers if it gives null; init runs before any
// script of the page; context are further options of its browser context.
export async function visit (platform, url, story, {browser = world.browser, sandbox = world.sandbox, judge, checks, giveCode, init = '', context: more} = {}) {
  const client = platform !== 'browser'
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: 'en-US', // the headless shell says none
    ...client && {userAgent: userAgents[platform]},
    ...more
  })
  try {
    const page = await context.newPage()
    const tab = new Tab(page)
    await context.exposeFunction('askNative', async question => {
      const call = {...question, verdict: null}
      tab.calls.push(call)
      call.verdict = await (judge ?? sandboxJudge(sandbox))(question)
      return call.verdict
    })
    await context.exposeFunction('askCode', async question => {
      tab.codes.push(question)
      return await (giveCode ?? sandboxCode(sandbox))(question, tab.codes.length) ?? new Promise(() => {})
    })
    await context.addInitScript(observers + (client ? bridge(platform, {checks}) : '') + init)
    await page.goto(url)
    await story(tab).catch(e => {
      e.message += `\nthe page said ${JSON.stringify({errors: tab.errors, console: tab.console, calls: tab.calls}, null, 1)}`
      throw e
    })
  } finally {
    await context.close()
  }
}

export const sandboxCode = sandbox => question => sandbox.call('/native/code', question)

export const sandboxJudge = sandbox => question => sandbox.call('/native/verify', question)

// stays keeps a refused page from healing itself.
export const stays = 'sessionStorage.ddSidecar = "failed";'

// strange is a judge for whom every signature is one of another page: he refuses
// with DingTalk's words and the URL that the browser shows.
export async function strange (question) {
  return world.sandbox.call('/native/verify', {...question, params: {...question.params, signature: 'of another page'}})
}

// A Tab notes what happens while a page is open.
class Tab {
  calls = [] // dd.config calls that reached the native side
  codes = [] // calls for a code that reached it
  console = []
  errors = [] // that nobody caught
  asked = [] // the URLs that `config` was asked for
  reports = [] // that have been answered
  endpoint = 0 // how often the endpoint was called
  #pending = 0

  constructor (page) {
    this.page = page
    page.on('console', m => this.console.push(`${m.type()}: ${m.text()}`))
    page.on('pageerror', e => this.errors.push(e.message))
    page.on('request', request => {
      const name = endpointName(request)
      if (name === 'config') this.asked.push(new URL(request.url()).searchParams.get('url'))
      if (name === 'config' || name === 'report') this.endpoint++
      this.#pending++
    })
    page.on('response', response => { // its end may be lost where the page reloads itself for it
      const request = response.request()
      if (endpointName(request) === 'report') this.reports.push({...request.postDataJSON(), status: response.status()})
    })
    page.on('requestfailed', () => this.#pending--)
    page.on('requestfinished', () => this.#pending--)
  }

  evaluate (f, argument) { return this.page.evaluate(f, argument) }

  // seen waits until the page has said that many things, and returns them.
  async seen (n = 1) {
    await until(`the page says ${n} thing(s)`, async () => await this.evaluate(() => seen.list.length) >= n)
    return this.evaluate(() => seen.list)
  }

  // judged waits until a dd.config has reached the native side and been judged.
  judged () {
    return until('the native side has judged a dd.config', () => this.calls.find(c => c.verdict))
  }

  report (code) {
    return until(`a report with the code ${JSON.stringify(code)} arrives`, () => this.reports.find(r => r.code === code))
  }

  // quiet waits until all is done that the page's scripts have begun: what runs
  // when the document is there, chains of timers without delay, and requests.
  async quiet () {
    await until('the page has loaded', () => this.evaluate(() => document.readyState === 'complete'))
    do {
      await until('no request is under way', () => this.#pending === 0)
      await this.evaluate(() => new Promise(resolve => {
        let left = 15
        const next = () => { left-- ? setTimeout(next, 0) : resolve() }
        next()
      }))
    } while (this.#pending > 0)
  }
}

function endpointName (request) {
  const {pathname} = new URL(request.url())
  return pathname.startsWith('/.dingtalk/') ? pathname.slice('/.dingtalk/'.length) : undefined
}
