// Firefox, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), as far
// as these tests need it: one tab that goes somewhere and is asked something.
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {accessSync, constants, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {createInterface} from 'node:readline'
import {ws as WebSocket} from 'playwright-core/lib/utilsBundle'
import {until} from './harness.mjs'

// binary is where Firefox is, undefined if it is not installed.
export const binary = process.env.FIREFOX_BIN || process.env.PATH.split(delimiter)
  .flatMap(directory => ['firefox-esr', 'firefox'].map(name => join(directory, name)))
  .find(executable)

// skip is for the options of a test: why it cannot run, false if it can. With
// FIREFOX=required it runs, and fails.
export const skip = !binary && process.env.FIREFOX !== 'required' &&
  'Firefox is not installed: apt-get install firefox-esr, or set FIREFOX_BIN'

function executable (path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const preferences = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.security.https_first': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.forceResolve': '127.0.0.1', // every name: nothing leaves the machine
  'network.proxy.type': 0,
  'toolkit.telemetry.server': ''
}

// launch starts Firefox and returns a tab. init is the source of a function that
// runs in every document before any script of the page.
export async function launch (init) {
  if (!binary) throw new Error('FIREFOX=required, but Firefox is not installed: apt-get install firefox-esr')
  const profile = mkdtempSync(join(tmpdir(), 'caddy-dingtalk-firefox-'))
  writeFileSync(join(profile, 'user.js'), Object.entries(preferences)
    .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`).join(''))
  const child = spawn(binary, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'], {
    env: {...process.env, MOZ_CRASHREPORTER_DISABLE: '1'},
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const kill = () => {
    child.kill('SIGKILL')
    rmSync(profile, {recursive: true, force: true, maxRetries: 5})
  }
  process.once('exit', kill)
  try {
    const session = await connect(await address(child) + '/session')
    await session.send('session.new', {capabilities: {alwaysMatch: {acceptInsecureCerts: true}}})
    await session.send('session.subscribe', {events: ['browsingContext.load', 'browsingContext.navigationFailed']})
    await session.send('script.addPreloadScript', {functionDeclaration: init})
    const {contexts: [{context}]} = await session.send('browsingContext.getTree', {maxDepth: 0})
    return new Tab(session, context, async () => {
      const ended = once(child, 'exit')
      session.send('browser.close', {}).catch(() => {}) // the answer may not come any more
      await Promise.race([ended, new Promise(resolve => setTimeout(resolve, 5000).unref())])
      process.removeListener('exit', kill)
      kill()
    })
  } catch (e) {
    kill()
    throw e
  }
}

// address waits until Firefox says where it listens.
function address (child) {
  return new Promise((resolve, reject) => {
    const said = []
    createInterface(child.stderr).on('line', line => {
      said.push(line)
      const match = /WebDriver BiDi listening on (ws:\S+)/.exec(line)
      if (match) resolve(match[1])
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error('Firefox ended:\n' + said.join('\n'))))
  })
}

async function connect (url) {
  const socket = new WebSocket(url, {perMessageDeflate: false})
  await once(socket, 'open')
  return new Session(socket)
}

class Session {
  ended = new Map() // the navigations that have come to their end, and by which event
  #socket
  #waiting = new Map()
  #count = 0

  constructor (socket) {
    this.#socket = socket
    socket.on('message', data => this.#take(JSON.parse(data)))
    socket.on('close', () => {
      for (const {method, reject} of this.#waiting.values()) reject(new Error(`${method}: Firefox is gone`))
    })
  }

  send (method, params) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(++this.#count, {method, resolve, reject})
      this.#socket.send(JSON.stringify({id: this.#count, method, params}))
    })
  }

  #take (message) {
    if (message.type === 'event') return this.ended.set(message.params.navigation, message.method)
    const call = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (message.type === 'success') call.resolve(message.result)
    else call?.reject(new Error(`${call.method}: ${message.error}: ${message.message}`))
  }
}

class Tab {
  constructor (session, context, close) {
    Object.assign(this, {session, context, close})
  }

  // goto opens a URL and waits until the page has loaded. A document that is loaded
  // again, as its charset has turned out to be another one, has its load event once,
  // in the end; the answer to the command comes too early for that.
  async goto (url) {
    const {navigation} = await this.session.send('browsingContext.navigate', {context: this.context, url, wait: 'none'})
    const event = await until(`${url} has loaded`, () => this.session.ended.get(navigation))
    if (event !== 'browsingContext.load') throw new Error(`${url} cannot be shown`)
  }

  // evaluate calls a function in the page, which answers with text.
  async evaluate (f, argument) {
    const answer = await this.session.send('script.evaluate', {
      expression: `(${f})(${JSON.stringify(argument)})`,
      target: {context: this.context},
      awaitPromise: true
    })
    if (answer.type !== 'success') throw new Error(answer.exceptionDetails.text)
    return answer.result.value
  }
}
