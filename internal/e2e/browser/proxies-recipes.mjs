// What stands in front of our Caddy in each recipe, and what stands in our Caddyfile
// for it, as the README says. The addresses are those of the data: 127.77.0.2:80 is
// our Caddy, 127.77.0.4 the nginx before it where there are two proxies. A recipe is
//
//	nginx, haproxy, caddy  lines of the proxy that the browser reaches; of the
//	                       measured recipes of nginx the data has them
//	second                 lines of a second nginx, between that one and our Caddy
//	cure                   those of all these lines that the README asks for
//	site, directive        lines of our site, and in its dingtalk directive
//	prefix                 the path that the lines of our site put back
//	inside                 TLS reaches up to our Caddy
//	imitated               no such proxy runs here: the lines do to a request what
//	                       its documentation says
//	pages                  paths of further pages that the server signs
//	documented             further rows
import {readFileSync} from 'node:fs'
import {join} from 'node:path'

const measured = JSON.parse(readFileSync(join(import.meta.dirname, '../../../testdata/proxy-recipes.json'), 'utf8'))

const origin = 'public_origin ORIGIN'
const under = '/app'
const endpoint = `endpoint ${under}/.dingtalk`
const prefixed = ['forwarded X-Forwarded-Prefix', endpoint]
const original = ['forwarded X-Original-URI', endpoint]

const passHost = 'proxy_set_header Host $http_host;'
const passScheme = 'proxy_set_header X-Forwarded-Proto $scheme;'
const keepScheme = 'proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;'
const passTarget = 'proxy_set_header X-Original-URI $request_uri;'
const pass = 'proxy_pass http://127.77.0.2:80;'
const normalise = 'proxy_pass http://127.77.0.2:80/;' // the URI makes nginx decode, merge and encode again
const scheme = 'http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]'
const listenerPort = `${scheme}
http-request set-header X-Forwarded-Port %[dst_port]
http-request set-header Host %[req.hdr(Host)]:%[dst_port] unless { req.hdr(Host) -m sub : }`

// location is an nginx location that does this to every request.
const location = (...lines) => `location / { ${lines.join(' ')} }`

const anywhere = ['/app/p?x=1', '/app/p?', '/app/%e4%b8%ad%2fx?q=%e4', '/app//d//e?y=//', '/app/%61%20b?q=%20+']

export const recipes = {
  'n01-default': {directive: [origin]},
  'n02-host': {directive: [origin]},
  'n03-http-host': {cure: [passHost, passScheme]},
  'n04-host-port': {directive: [origin]},
  'n05-xfwd-full': {directive: [origin]},
  'n06-xfh-http-host': {},
  'n07-prefix-slash': {prefix: under, site: [`request_header X-Forwarded-Prefix ${under}`], directive: prefixed},
  'n08-prefix-slash-orig': {cure: [passTarget], directive: original},
  'n09-prefix-keep': {directive: [endpoint]},
  'n10-rewrite-break': {},
  'n11-var-request-uri': {},
  'n12-var-uri': {},
  'n13-regex': {directive: [endpoint]},
  'n14-try-files': {},
  'n15-forwarded': {directive: ['forwarded Forwarded']},
  'n16-same-prefix-uri': {directive: [endpoint]},
  'n17-two-nginx-overwrite': {second: location(passHost, passScheme, pass), directive: [origin]},
  'n18-two-nginx-passthrough': {second: location(passHost, keepScheme, pass), cure: [keepScheme]},
  'n19-ingress-nginx': {},
  'n20-ingress-rewrite-target': {directive: prefixed},
  'n21-home-index': {},
  'n22-rewrite-break-orig': {
    nginx: location('rewrite ^/app/(.*)$ /$1 break;', passHost, passScheme, passTarget, pass),
    directive: original,
    pages: anywhere
  },

  'c01-plain': {caddy: 'reverse_proxy 127.77.0.2:80'},
  'c02-handle-path': {
    caddy: 'handle_path /app/* {\n\treverse_proxy 127.77.0.2:80\n}',
    prefix: under,
    site: [`request_header X-Forwarded-Prefix ${under}`],
    directive: prefixed
  },
  'c03-host-upstream': {caddy: 'reverse_proxy 127.77.0.2:80 {\n\theader_up Host {upstream_hostport}\n}'},
  'c04-https-upstream': {caddy: 'reverse_proxy https://127.77.0.2:80 {\n\ttransport http {\n\t\ttls_insecure_skip_verify\n\t}\n}', inside: true},
  'c05-strip-orig': {
    caddy: 'request_header X-Forwarded-Uri {http.request.orig_uri}\nhandle_path /app/* {\n\treverse_proxy 127.77.0.2:80\n}',
    cure: ['request_header X-Forwarded-Uri {http.request.orig_uri}'],
    directive: ['forwarded X-Forwarded-Uri', endpoint]
  },
  'c06-strip-prefix-orig': {
    caddy: 'request_header X-Forwarded-Uri {http.request.orig_uri}\nuri strip_prefix /app\nreverse_proxy 127.77.0.2:80',
    directive: ['forwarded X-Forwarded-Uri', endpoint],
    pages: anywhere
  },

  h01: {haproxy: 'option forwardfor', directive: [origin]},
  h02: {
    haproxy: `option forwardfor
${scheme}
http-request set-header X-Forwarded-Host %[req.hdr(Host)]
http-request set-header X-Forwarded-Port %[dst_port]`,
    cure: [scheme]
  },
  h03: {
    haproxy: `option forwardfor
${scheme}
http-request set-header X-Original-URI %[pathq]
http-request normalize-uri percent-to-uppercase
http-request replace-path /app(/.*) \\1`,
    cure: ['http-request set-header X-Original-URI %[pathq]'],
    directive: original
  },
  h04: {
    haproxy: 'option forwardfor\n' + scheme,
    second: location('proxy_set_header Host $host;', 'proxy_set_header X-Forwarded-Port $server_port;', keepScheme, pass),
    directive: [origin]
  },
  h05: {haproxy: 'option forwardfor\n' + listenerPort},

  'aliyun-alb': {
    imitated: true,
    nginx: location(passHost, passScheme, 'proxy_set_header X-Forwarded-Port $server_port;', 'proxy_set_header SLB-ID alb-1;', pass),
    pages: anywhere
  },
  'aliyun-alb-no-proto': {imitated: true, nginx: location(passHost, pass), directive: [origin], pages: anywhere},
  'aliyun-cdn': {
    imitated: true,
    nginx: location('proxy_set_header Host origin.proxy.test;', 'proxy_set_header X-Client-Scheme $scheme;', 'proxy_set_header Ali-Cdn-Real-Port $remote_port;', pass),
    directive: [origin],
    pages: anywhere
  },
  'aliyun-cdn-own-host': {
    imitated: true,
    nginx: location(passHost, 'proxy_set_header X-Client-Scheme $scheme;', 'proxy_set_header Ali-Cdn-Real-Port $remote_port;', pass),
    directive: ['forwarded X-Client-Scheme'],
    pages: anywhere
  },
  'tencent-cdn': {
    imitated: true,
    nginx: location('proxy_set_header Host origin.proxy.test;', passScheme, 'proxy_set_header Tencent-Acceleration-Domain-Name $host;', 'proxy_set_header X-Forward-Port $remote_port;', pass),
    directive: [origin],
    pages: anywhere
  },
  'aws-alb-default': {imitated: true, haproxy: listenerPort, pages: anywhere},
  cloudflare: {
    imitated: true,
    nginx: location(passHost, passScheme, `proxy_set_header CF-Visitor '{"scheme":"$scheme"}';`, pass),
    pages: anywhere
  },
  'cloudflare-normalize-origin': {imitated: true, nginx: location(passHost, passScheme, normalise)},
  'traefik-stripprefix': {
    imitated: true,
    nginx: `location /app/ { ${passHost} ${passScheme} proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Port $server_port; proxy_set_header X-Forwarded-Prefix /app; ${normalise} }`,
    directive: prefixed
  },
  'traefik-normalised': {
    imitated: true,
    nginx: location(passHost, passScheme, 'proxy_set_header X-Forwarded-Host $http_host;', normalise),
    documented: [{location_href: 'https://app.example.com/a//%62?x=1', request_target: '/a/b?x=1', recoverable: 'no'}]
  },
  'envoy-prefix-rewrite': {
    imitated: true,
    nginx: `location /app/ { ${passHost} ${passScheme} proxy_set_header X-Envoy-Original-Path $request_uri; ${normalise} }`,
    directive: ['forwarded X-Envoy-Original-Path', endpoint],
    pages: anywhere
  },
  'istio-normalised': {imitated: true, nginx: location(passHost, passScheme, normalise)},
  'ingress-nginx-original-uri': {
    imitated: true,
    nginx: `location ~* "^/app(/|$)(.*)" { rewrite "(?i)/app(/|$)(.*)" /$2 break; ${passHost} ${passScheme} proxy_set_header X-Forwarded-Host $http_host; ${passTarget} ${pass} }`,
    directive: original,
    pages: anywhere
  },
  'ingress-nginx-forwarded': {
    imitated: true,
    haproxy: scheme,
    second: location(passHost, 'proxy_set_header X-Forwarded-Host $http_host;', keepScheme, pass),
    pages: anywhere
  },
  'ingress-nginx-behind-lb': {
    imitated: true,
    haproxy: scheme,
    second: location(passHost, 'proxy_set_header X-Forwarded-Host $http_host;', passScheme, pass),
    directive: [origin],
    pages: anywhere
  }
}

// rows are the pages of all recipes: the data's, with the name of the recipe alone,
// and those of proxies that the data does not have.
export const rows = measured
  .map(row => ({...row, name: row.name.split(' ')[0]}))
  .concat(Object.entries(recipes).flatMap(([name, {pages = [], documented = []}]) => [
    ...pages.map(path => ({name, location_href: 'https://app.example.com' + path, recoverable: 'yes'})),
    ...documented.map(row => ({name, ...row}))
  ]))
  .map(row => ({...row, url: urlOf(row), expected: expected(row)}))

// urlOf returns the URL that is opened: as it was measured, but that the rows out of
// documents share one host. Of the page that was refused the data has no URL.
function urlOf ({name, location_href: href}) {
  return href?.replace('//app.example.com/', `//${name}.proxy.test/`) ?? `http://${name}.proxy.test/app/%25%3F%23?%zz%`
}

// expected is who is right about the URL of a row.
function expected ({name, location_href: href, request_target: target, recoverable}) {
  const {prefix} = recipes[name]
  if (!href) return 'no page'
  if (prefix) return href.endsWith(new URL(href).host + prefix + target) ? 'server' : 'client'
  return recoverable === 'no' ? 'client' : 'server'
}
