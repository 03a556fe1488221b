// What the tests of sign-in run against: Caddy with `login` at every site, an upstream
// that greets whoever it is told about, and a simulated DingTalk.
import {writeFileSync} from 'node:fs'
import http from 'node:http'
import {join} from 'node:path'
import {freePorts, launch, onExit, startCaddy, startSandbox, stop, temporary} from './harness.mjs'
import {binaries, skip as skipStatic, startDaemon} from './proxies-world.mjs'
import {visit} from './visit.mjs'

export let sandbox
export let browser
export let log
export const requests = [] // that reached the upstream: [method, path]
let ports

export async function startLogin () {
  const upstream = http.createServer((request, response) => {
    requests.push([request.method, request.url])
    const name = decodeURIComponent(request.headers['x-dingtalk-name'] ?? 'nobody')
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.end(`<!DOCTYPE html><html><head><title>app</title></head><body><h1 id="hello">${name}</h1>
      <form method="post" action="/save"><button id="send">send</button></form></body></html>`)
  })
  await new Promise(resolve => upstream.listen(0, '127.0.0.1', resolve))
  onExit(() => upstream.close())
  sandbox = await startSandbox()
  browser = await launch()
  const [port, tls] = await freePorts(2)
  ports = {http: port, https: tls}
  log = await startCaddy(join(import.meta.dirname, 'login.Caddyfile'), {
    UPSTREAM: `127.0.0.1:${upstream.address().port}`,
    PORT: port,
    TLS_PORT: tls,
    APP_KEY: sandbox.app_key,
    CORP_ID: sandbox.corp_id,
    AGENT_ID: sandbox.agent_id,
    SANDBOX: sandbox.base,
    SECRET: sandbox.app_secret,
    CHANNEL_SECRET: sandbox.channel_secret
  })
}

export async function stopLogin () {
  await browser?.close()
  await stop()
}

// origin is where a site of login.Caddyfile is.
export const origin = (site, scheme = 'https') => `${scheme}://${site}.test:${ports[scheme]}`

export {skipStatic}

// startStatic starts an nginx before a plain site that takes all its .js files from a folder
// of its own, as many configurations do, and returns the site's origin behind it.
export async function startStatic (site) {
  const [port] = await freePorts(1)
  const directory = temporary()
  const config = join(directory, 'nginx.conf')
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${directory}/${name};`).join(' ')
  writeFileSync(config, `daemon off; master_process off; pid ${directory}/pid; error_log stderr; events {}
    http {
      access_log off; ${temps}
      server {
        listen 127.0.0.1:${port};
        location ~* \\.(js|css|png)$ { root ${directory}; }
        location / { proxy_set_header Host $http_host; proxy_pass http://127.0.0.1:${ports.http}; }
      }
    }`)
  await startDaemon(binaries.nginx, ['-e', 'stderr', '-c', config], [{edge: '127.0.0.1', port}])
  return `http://${site}.test:${port}`
}

// come opens a page of a site with sign-in.
export function come (platform, url, story, options) {
  return visit(platform, url, story, {browser, sandbox, ...options})
}

// hello waits until the upstream greets, and returns the name.
export async function hello (tab, timeout = 25000) {
  await tab.page.waitForSelector('#hello', {timeout})
  return tab.page.textContent('#hello')
}

// shown waits for a state of the sign-in page, and returns its code.
export async function shown (tab, state, timeout = 25000) {
  await tab.page.waitForSelector(`html[data-state="${state}"]`, {timeout, state: 'attached'})
  return tab.page.getAttribute('html', 'data-code')
}

// spent is how many calls of that name the sandbox has seen.
export async function spent (name) {
  return (await sandbox.call('/sandbox/state')).calls[name] ?? 0
}
