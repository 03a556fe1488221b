// Visits to pages behind proxies: a tab in the client app of each platform, all at
// the same time.
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {launch} from './firefox.mjs'
import {until} from './harness.mjs'
import {versionHeader} from './proxies-app.mjs'

const nativeJS = readFileSync(join(import.meta.dirname, '../../sandbox/native.js'), 'utf8')

const platforms = ['ios', 'android', 'pc', 'harmony']
const versions = ['3.2.9', '2.15.6']

// The native side and what the page says go over bindings.
const bridge = platform => `${nativeJS};
  window.ddCalls = 0;
  __ddNative.install(${JSON.stringify(platform)}, {userAgent: true, verify: function (question, done) {
    ddCalls++;
    askNative(question).then(done);
  }})`

// visitAll opens the URL of each row, on another platform and with another version
// of DingTalk's script from row to row, and returns the rows with what came of them.
export async function visitAll (browser, sandbox, rows) {
  const visited = []
  await Promise.all(platforms.map(async (platform, first) => {
    const tab = await open(browser, sandbox, platform)
    for (let i = first; i < rows.length; i += platforms.length) {
      const version = versions[Math.floor(i / platforms.length) % versions.length]
      visited[i] = {...rows[i], app: `${platform} with ${version}`, ...await visit(tab, version, rows[i].url)}
    }
    await tab.page.context().close()
  }))
  return visited
}

async function open (browser, sandbox, platform) {
  const context = await browser.newContext({ignoreHTTPSErrors: true})
  const tab = {page: await context.newPage(), errors: [], asked: 0, tell: undefined}
  await context.exposeFunction('askNative', question => sandbox.call('/native/verify', question))
  await context.exposeFunction('tell', what => tab.tell(what))
  await context.addInitScript(bridge(platform))
  tab.page.on('pageerror', e => tab.errors.push(e.message))
  tab.page.on('request', request => { if (/\/\.dingtalk\/config$/.test(new URL(request.url()).pathname)) tab.asked++ })
  return tab
}

// visit opens a page and says who was right about its URL: the server, the client by
// its question, or nobody ('wrong', and why).
async function visit (tab, version, url) {
  const told = new Promise(resolve => {
    tab.tell = resolve
    setTimeout(resolve, 30_000, 'nothing came of dd.config').unref()
  })
  tab.errors = []
  tab.asked = 0
  const seen = {}
  try {
    await tab.page.setExtraHTTPHeaders({[versionHeader]: version})
    const response = await tab.page.goto(url)
    seen.status = response.status()
    seen.arrived = response.headers().arrived
    if (seen.status !== 200) return {...seen, outcome: 'no page'}
    const said = await told
    const page = await tab.page.evaluate(() => ({href: location.href, signed: signedByServer, calls: ddCalls}))
    const accepted = said === 'ready' && page.href === url && page.calls === 1 && tab.errors.length === 0
    if (accepted && page.signed === url && tab.asked === 0) return {...seen, outcome: 'server'}
    if (accepted && page.signed !== url && tab.asked === 1) return {...seen, outcome: 'client'}
    return {...seen, outcome: 'wrong', trouble: {said, ...page, asked: tab.asked, errors: tab.errors}}
  } catch (e) {
    return {...seen, outcome: 'wrong', trouble: e.message}
  }
}

// visitInFirefox opens a URL in a new Firefox, as an app on iOS, whose engine leaves as
// much of a URL unescaped. Its native side is asked at a path of the site.
export async function visitInFirefox (url) {
  const tab = await launch(`() => {
    window.tell = function (what) { window.said = what };
    ${nativeJS}
    __ddNative.install('ios', {userAgent: true, verify: __ddNative.remote(location.origin + '/native/verify')})
  }`)
  try {
    await tab.goto(url)
    return JSON.parse(await until('the page says what came of dd.config', () => tab.evaluate(() => window.said &&
      JSON.stringify({said, href: location.href, signed: signedByServer, calls: __ddNative.calls.length}))))
  } finally {
    await tab.close()
  }
}
