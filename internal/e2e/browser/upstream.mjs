// The app behind Caddy: it serves what the tests publish, and the JSAPI scripts.
import http from 'node:http'
import {once} from 'node:events'
import {bundle} from './sdk.mjs'

const pages = new Map()
let count = 0

// publish serves a body under a new path, or under the given request target, and
// returns that. The media type is HTML's unless a header says otherwise.
export function publish (body, {headers = {}, target} = {}) {
  target ??= `/page/${++count}`
  pages.set(target, {body, headers: {'content-type': 'text/html; charset=utf-8', ...headers}, answered: []})
  return target
}

// answered are the statuses with which what is published there was served.
export const answered = target => pages.get(target).answered

// html is an ordinary page.
export function html (body, head = '') {
  return `<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>周报</title>\n${head}</head>\n<body>\n<p>页面</p>\n${body}\n</body>\n</html>\n`
}

// sdk loads DingTalk's script of that version. listen says what comes of dd.config.
export const sdk = (version, form = 'global') => `<script src="/sdk/${version}.${form}.js"></script>`
export const listen = 'dd.ready(function () { seen("ready") }); dd.error(function (e) { seen({error: e}) });'

// isKept reports whether the browser has what is published: by its tag, else by its date.
function isKept (asked, {etag, 'last-modified': date}) {
  const tags = asked['if-none-match']
  return tags === undefined ? date !== undefined && asked['if-modified-since'] === date : etag !== undefined && tags.includes(etag)
}

async function answer (request, response) {
  const script = /^\/sdk\/([\d.]+)\.(\w+)\.js$/.exec(request.url)
  if (script) {
    response.writeHead(200, {'content-type': 'text/javascript; charset=utf-8'})
    return response.end(await bundle(script[1], script[2]))
  }
  request.resume()
  const page = pages.get(request.url)
  if (!page) {
    response.writeHead(request.url === '/favicon.ico' ? 204 : 404)
    return response.end()
  }
  const {'content-type': type, ...headers} = page.headers
  if (isKept(request.headers, headers)) {
    page.answered.push(304)
    response.writeHead(304, headers)
    return response.end()
  }
  page.answered.push(200)
  response.writeHead(200, page.headers)
  response.end(page.body)
}

export async function start () {
  const server = http.createServer((request, response) => {
    answer(request, response).catch(e => response.destroy(e))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${server.address().port}`,
    stop () {
      server.close()
      server.closeAllConnections()
    }
  }
}
