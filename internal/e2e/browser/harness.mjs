// What the browser tests run against: the simulated DingTalk, the app, Caddy with
// the module between them, and one browser. All of it is started once.
import {spawn, execFileSync} from 'node:child_process'
import {once} from 'node:events'
import {mkdtempSync, rmSync} from 'node:fs'
import net from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {chromium} from 'playwright-core'
import * as upstream from './upstream.mjs'

const root = join(import.meta.dirname, '../../..')
const out = join(import.meta.dirname, 'out')

// world is what start has started: the browser, the log of Caddy, the sandboxes, and
// origin(site, scheme), where the sites of the Caddyfile are.
export let world

const cleanups = []

// Whatever ends this process, the others end too.
process.on('exit', () => { for (const stop of cleanups) stop() })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

export async function start () {
  try {
    world = await found()
  } catch (e) {
    await stop()
    throw e
  }
}

export async function stop () {
  await world?.browser.close()
  for (const cleanup of cleanups.splice(0)) cleanup()
}

async function found () {
  const app = await upstream.start()
  onExit(app.stop)
  const [sandbox, healing, cold] = await Promise.all([1, 2, 3].map(startSandbox))
  await cold.call('/sandbox/fault', {call: 'ticket', fault: 'status:503'}) // Caddy asks at its start
  const [port, tls, behind] = await freePorts(3)
  const log = await startCaddy(join(import.meta.dirname, 'Caddyfile'), {
    UPSTREAM: app.address,
    PORT: port,
    TLS_PORT: tls,
    BEHIND_PORT: behind,
    APP_KEY: sandbox.app_key,
    CORP_ID: sandbox.corp_id,
    AGENT_ID: sandbox.agent_id,
    SANDBOX: sandbox.base,
    SECRET: sandbox.app_secret,
    HEALING_SANDBOX: healing.base,
    HEALING_SECRET: healing.app_secret,
    COLD_SANDBOX: cold.base,
    COLD_SECRET: cold.app_secret
  })
  return {
    browser: await launch(), log, sandbox, healing, cold,
    origin: (site, scheme = 'http') => `${scheme}://${site}.test:${scheme === 'https' ? tls : port}`
  }
}

// launch starts Chromium, for which every name under .test is this machine. Without
// windows, tabs and extensions around its engine a visit costs a quarter.
export function launch (...args) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_BIN || '/usr/bin/chromium-headless-shell',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-software-rasterizer', '--disable-quic', '--no-first-run', '--no-proxy-server',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--host-resolver-rules=MAP *.test 127.0.0.1',
      '--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable',
      ...args
    ]
  })
}

// temporary makes a directory that goes when this process ends.
export function temporary () {
  const directory = mkdtempSync(join(tmpdir(), 'caddy-dingtalk-browser-'))
  cleanups.push(() => rmSync(directory, {recursive: true, force: true}))
  return directory
}

// onExit calls a function when the tests are over, however they end.
export function onExit (cleanup) {
  cleanups.unshift(cleanup)
}

const built = new Set()

// goBuild builds a command, once a process, and returns its path.
export function goBuild (pkg) {
  const binary = join(out, pkg.split('/').pop())
  if (!built.has(pkg)) execFileSync('go', ['build', '-o', binary, pkg], {cwd: root, stdio: ['ignore', 'inherit', 'inherit']})
  built.add(pkg)
  return binary
}

// startSandbox starts a simulated DingTalk and returns what it says about itself,
// with a method to call it.
export async function startSandbox () {
  const binary = goBuild('./internal/sandbox/sandboxd')
  const child = spawn(binary, ['-stdin'], {stdio: ['pipe', 'pipe', 'inherit']})
  onExit(() => child.kill())
  const [line] = await once(createInterface(child.stdout), 'line')
  const info = JSON.parse(line)
  return {
    ...info,
    async call (path, body) {
      const response = await fetch(info.base + path, body === undefined
        ? {}
        : {method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(body)})
      if (!response.ok) throw new Error(`${path} answers ${response.status}: ${await response.text()}`)
      return response.json()
    }
  }
}

// startDemo starts `caddy dingtalk demo`, and returns its address when it serves.
export async function startDemo () {
  const [port] = await freePorts(1)
  const address = `http://127.0.0.1:${port}`
  const child = spawn(process.env.CADDY_BIN || goBuild('./cmd/caddy'), ['dingtalk', 'demo', '--listen', `127.0.0.1:${port}`], {stdio: ['ignore', 'pipe', 'ignore']})
  onExit(() => child.kill())
  const lines = []
  createInterface(child.stdout).on('line', line => lines.push(line))
  await until('the demo prints its address', () => lines.some(line => line.includes(address)))
  return address
}

// startCaddy starts Caddy with a Caddyfile and these variables (and STORAGE, a
// directory), waits until it serves, and returns its log, which grows.
export async function startCaddy (config, env) {
  const binary = process.env.CADDY_BIN || goBuild('./cmd/caddy')
  const directory = temporary()
  const child = spawn(binary, ['run', '--config', config, '--adapter', 'caddyfile'], {
    env: {...process.env, STORAGE: join(directory, 'storage'), XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory, ...env},
    stdio: ['ignore', 'ignore', 'pipe']
  })
  onExit(() => child.kill('SIGKILL')) // it has nothing to lose, and nobody to wait for it
  const log = []
  createInterface(child.stderr).on('line', line => log.push(parsed(line)))
  let ended = false
  child.once('exit', () => { ended = true })
  child.once('error', e => {
    ended = true
    log.push({text: e.message})
  })
  await until('Caddy serves', () => {
    if (ended) throw new Error('Caddy ended:\n' + log.map(l => l.text).join('\n'))
    return log.some(l => l.msg === 'serving initial configuration')
  })
  return log
}

function parsed (line) {
  try { return {...JSON.parse(line), text: line} } catch { return {text: line} }
}

// freePorts finds ports that nobody listens on. Caddy has to be told: its sites
// are named by them.
export async function freePorts (n) {
  const servers = await Promise.all(Array.from({length: n}, async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }))
  return servers.map(server => {
    const {port} = server.address()
    server.close()
    return String(port)
  })
}

// until waits for a condition and returns its value.
export async function until (what, condition) {
  const end = Date.now() + 15_000
  for (;;) {
    const value = await condition()
    if (value) return value
    if (Date.now() > end) throw new Error(`waited 15 s until ${what}`)
    await new Promise(resolve => setTimeout(resolve, 15))
  }
}
