// A deployment is a recipe under one origin: a proxy that hides the origin needs a
// public_origin, which is one. It has loopback addresses of its own, all with the
// same port, and its place in the configuration of each program.
import {recipes, rows} from './proxies-recipes.mjs'

// deployments returns those of all recipes.
export function deployments (port) {
  const found = new Map()
  for (const {name, url, config} of rows) {
    const {protocol, hostname, origin, port: shown} = new URL(url)
    if (found.has(origin)) continue
    const i = found.size + 1
    const tls = protocol === 'https:'
    const standard = tls ? '443' : '80'
    found.set(origin, {
      nginx: config,
      directive: [],
      site: [],
      ...recipes[name],
      name, hostname, origin, tls, port,
      shown: `${hostname}:${shown || standard}`,
      listener: !shown || shown.startsWith('18') ? standard : shown, // 18080 and 18443 are mapped
      edge: `127.77.1.${i}`,
      ours: `127.77.2.${i}`,
      middle: `127.77.4.${i}`
    })
  }
  return [...found.values()]
}

// mapping tells Chromium where it finds the host and port that users see.
export const mapping = d => `MAP ${d.shown} ${d.edge}:${d.port}`

// placed puts the addresses and ports of a deployment into lines of its recipe.
function placed (d, lines) {
  return lines
    .replaceAll('127.77.0.2:80', `${d.ours}:${d.port}`)
    .replaceAll(/127\.77\.0\.4:\d+/g, `${d.middle}:${d.port}`)
    .replaceAll('$server_port', d.listener)
    .replaceAll('%[dst_port]', d.listener)
}

// block is lines in braces, as nginx and Caddy have them.
const block = (head, ...lines) => `${head} {\n${lines.join('\n').replaceAll(/^/gm, '\t')}\n}`

export function nginxServers (d) {
  const servers = []
  if (d.nginx) servers.push(block('server', `listen ${d.edge}:${d.port}${d.tls ? ' ssl http2' : ''};`, placed(d, d.nginx)))
  if (d.second) servers.push(block('server', `listen ${d.middle}:${d.port};`, placed(d, d.second)))
  return servers.join('\n')
}

export function haproxyFrontend (d) {
  return `frontend ${d.shown}
bind ${d.edge}:${d.port}${d.tls ? ' ssl crt edge.pem alpn h2,http/1.1' : ''}
${placed(d, d.haproxy)}
default_backend ${d.shown}
backend ${d.shown}
server next ${d.second ? d.middle : d.ours}:${d.port}
`
}

export function edgeSite (d) {
  return block(`${d.tls ? 'https' : 'http'}://${d.hostname}:${d.port}`,
    `bind ${d.edge}`,
    ...d.tls ? ['import tls'] : [],
    placed(d, d.caddy))
}

// ourSite says in a header of each page how its request has arrived.
export function ourSite (d) {
  return block(`${d.inside ? 'https' : 'http'}://:${d.port}`,
    `bind ${d.ours}`,
    ...d.inside ? ['import tls'] : [],
    'header Arrived "{http.request.hostport} {http.request.orig_uri}"',
    ...d.site,
    block('dingtalk', 'import app', 'public_host *', ...d.directive.map(line => line.replace('ORIGIN', d.origin))),
    'reverse_proxy {$UPSTREAM}')
}
