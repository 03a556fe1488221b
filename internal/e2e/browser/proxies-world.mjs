// The proxies, our Caddy behind them and the app behind that.
import {execFileSync, spawn} from 'node:child_process'
import {accessSync, constants, readFileSync, writeFileSync} from 'node:fs'
import {once} from 'node:events'
import net from 'node:net'
import {delimiter, join} from 'node:path'
import {freePorts, onExit, startCaddy, startSandbox, temporary, until} from './harness.mjs'
import {startApp} from './proxies-app.mjs'
import {deployments, edgeSite, haproxyFrontend, mapping, nginxServers, ourSite} from './proxies-deployments.mjs'

const templates = join(import.meta.dirname, 'proxies')

export const binaries = {nginx: find('nginx'), haproxy: find('haproxy')}
const missing = Object.keys(binaries).filter(name => !binaries[name])

// skip is for the options of a test: why it cannot run, false if it can. With
// PROXIES=required it runs, and fails.
export const skip = missing.length > 0 && process.env.PROXIES !== 'required' &&
  `${missing.join(' and ')} not installed: apt-get install nginx-light haproxy`

// find looks where Debian has the daemons, too, which is not in everybody's PATH.
function find (name) {
  return [...process.env.PATH.split(delimiter), '/usr/sbin'].map(directory => join(directory, name)).find(path => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

// startProxies starts everything and returns the sandbox, rules that tell Chromium
// the addresses (a URL has the host and port that users see, and the proxies listen
// where a test may), and the port of the sites for Firefox.
export async function startProxies () {
  if (missing.length) throw new Error(`PROXIES=required, but ${missing.join(' and ')} not installed: apt-get install nginx-light haproxy`)
  const [port] = await freePorts(1)
  const all = deployments(port)
  const directory = temporary()
  const [sandbox, upstream] = await Promise.all([startSandbox(), startApp()])
  const ours = name => `${all.find(d => d.name === name).ours}:${port}`
  const values = {
    ...certificate(directory),
    DIRECTORY: directory,
    PORT: port,
    SANDBOX: sandbox.base,
    PLAIN: ours('c01-plain'),
    ORIGINAL: ours('c05-strip-orig')
  }
  // write makes a file out of a template and what the deployments have to say in it.
  const write = (template, deployments, say) => {
    const path = join(directory, template)
    const text = readFileSync(join(templates, template), 'utf8')
    writeFileSync(path, fill(text, {...values, DEPLOYMENTS: deployments.map(say).join('\n')}))
    return path
  }
  const behind = program => all.filter(d => d[program])
  await Promise.all([
    startCaddy(write('Caddyfile', all, ourSite), {
      APP_KEY: sandbox.app_key,
      APP_SECRET: sandbox.app_secret,
      CORP_ID: sandbox.corp_id,
      AGENT_ID: sandbox.agent_id,
      SANDBOX: sandbox.base,
      UPSTREAM: upstream
    }),
    startCaddy(write('edge.Caddyfile', behind('caddy'), edgeSite), {}),
    startDaemon(binaries.nginx, ['-e', 'stderr', '-c', write('nginx.conf', all, nginxServers)], behind('nginx')),
    startDaemon(binaries.haproxy, ['-db', '-f', write('haproxy.cfg', behind('haproxy'), haproxyFrontend)], behind('haproxy'))
  ])
  return {sandbox, port, rules: all.map(mapping).join(', ')}
}

// certificate makes one for all that end TLS.
function certificate (directory) {
  const [CERTIFICATE, KEY] = ['edge.pem', 'edge.pem.key'].map(name => join(directory, name)) // as HAProxy wants them
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=proxy.test', '-addext', 'subjectAltName=DNS:*.proxy.test', '-keyout', KEY, '-out', CERTIFICATE], {stdio: 'ignore'})
  return {CERTIFICATE, KEY}
}

function fill (text, values) {
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name) => values[name])
}

// startDaemon starts a proxy and waits until it listens for the last of its deployments.
export async function startDaemon (binary, args, deployments) {
  const child = spawn(binary, args, {stdio: ['ignore', 'ignore', 'pipe']})
  onExit(() => child.kill('SIGKILL'))
  let said = ''
  let ended = false
  child.stderr.on('data', text => { said += text })
  child.once('exit', () => { ended = true })
  const {edge, port} = deployments.at(-1)
  await until(`${binary} listens`, async () => {
    if (ended) throw new Error(`${binary} ended:\n${said}`)
    const socket = net.connect(port, edge)
    try {
      await once(socket, 'connect')
      return true
    } catch {
      return false
    } finally {
      socket.destroy()
    }
  })
}
