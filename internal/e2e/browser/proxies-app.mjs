// The app behind the proxies.
import http from 'node:http'
import {once} from 'node:events'
import {onExit} from './harness.mjs'
import {bundle} from './sdk.mjs'

// versionHeader says which version of DingTalk's script a page is to have.
export const versionHeader = 'jsapi-version'

// page is what the app answers, whatever it is asked for. It notes what the server
// has signed, and calls dd.config with what a backend of its own might have made.
const page = version => `<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>周报</title>
<script>window.signedByServer = ddSidecar.url</script>
<script src="/app/sdk/${version}.js"></script>
</head>
<body>
<script>
dd.config({agentId: '1', corpId: 'ding1', timeStamp: '1', nonceStr: 'theirs', signature: '0123456789abcdef', jsApiList: ['biz.user.get']})
dd.ready(function () { tell('ready') })
dd.error(function (e) { tell(e) })
</script>
</body>
</html>
`

// startApp starts the app and returns its address.
export async function startApp () {
  const server = http.createServer(async (request, response) => {
    request.resume()
    const script = /\/sdk\/([\d.]+)\.js$/.exec(request.url)
    response.setHeader('content-type', script ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8')
    response.end(script ? await bundle(script[1], 'global') : page(request.headers[versionHeader] ?? '3.2.9'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onExit(() => {
    server.close()
    server.closeAllConnections()
  })
  return `127.0.0.1:${server.address().port}`
}
