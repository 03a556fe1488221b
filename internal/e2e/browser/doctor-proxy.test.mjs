// The doctor page behind a real nginx that cuts off /app/: the browser finds the page
// under /app/.dingtalk/, and asks for /.dingtalk/config, as the scripts of all pages do.
import {after, before, describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {consult} from './doctor-world.mjs'
import {freePorts, launch, startCaddy, startSandbox, stop, temporary} from './harness.mjs'
import {binaries, skip, startDaemon} from './proxies-world.mjs'

const endpointLine = 'endpoint /app/.dingtalk'

// sites are lines of the directive, and how nginx leads to Caddy.
const sites = {
  stripped: {directive: ['forwarded X-Original-URI'], location: '/app/'}, // all is signed rightly, and nothing can ask
  cured: {directive: ['forwarded X-Original-URI', endpointLine], location: '/app/'},
  untold: {directive: [], location: '/app/'},
  partly: {directive: [], location: '/.dingtalk/doctor', to: ''}, // config stays with nginx
  static: {directive: [], location: '/.dingtalk/', to: '', beside: 'location ~* \\.(js|css)$ { return 404; }'},
  preferred: {directive: [], location: '^~ /.dingtalk/', to: '', beside: 'location ~* \\.(js|css)$ { return 404; }'}
}

describe('behind nginx', {skip}, () => {
  let browser, sandbox, origin

  before(async () => {
    const directory = temporary()
    const [port, ...ports] = await freePorts(1 + Object.keys(sites).length)
    sandbox = await startSandbox()
    let servers = ''
    let caddyfile = `{
	admin off
	persist_config off
	storage file_system {$STORAGE}
	servers {
		trusted_proxies static 127.0.0.1/32
	}
}
`
    Object.entries(sites).forEach(([name, {directive, location, to = '/', beside = ''}], i) => {
      servers += `server {
	listen 127.0.0.1:${port};
	server_name ${name}.test;
	${beside}
	location ${location} {
		proxy_pass http://127.0.0.1:${ports[i]}${to};
		proxy_set_header Host $http_host;
		proxy_set_header X-Forwarded-Proto $scheme;
		proxy_set_header X-Original-URI $request_uri;
	}
	location / {
		default_type text/html;
		return 200 "<!doctype html>the other app";
	}
}
`
      caddyfile += `:${ports[i]} {
	dingtalk {
		app_key {$APP_KEY}
		app_secret {env.APP_SECRET}
		corp_id {$CORP_ID}
		agent_id {$AGENT_ID}
		api_base {$SANDBOX}
		public_host ${name}.test
		doctor
		${directive.join('\n\t\t')}
	}
	respond "<!doctype html><title>app</title>"
}
`
    })
    const nginx = join(directory, 'nginx.conf')
    writeFileSync(nginx, `daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path ${directory}/body;
	proxy_temp_path ${directory}/proxy;
	fastcgi_temp_path ${directory}/fastcgi;
	uwsgi_temp_path ${directory}/uwsgi;
	scgi_temp_path ${directory}/scgi;
${servers}}
`)
    const config = join(directory, 'Caddyfile')
    writeFileSync(config, caddyfile)
    await Promise.all([
      startCaddy(config, {
        APP_KEY: sandbox.app_key, APP_SECRET: sandbox.app_secret, CORP_ID: sandbox.corp_id, AGENT_ID: sandbox.agent_id, SANDBOX: sandbox.base
      }),
      startDaemon(binaries.nginx, ['-e', 'stderr', '-c', nginx], [{edge: '127.0.0.1', port}])
    ])
    browser = await launch()
    origin = name => `http://${name}.test:${port}`
  })
  after(async () => {
    await browser?.close()
    await stop()
  })

  const open = (name, path, story) => consult('browser', origin(name) + path, story, {browser, sandbox})

  test('a path that is cut off keeps the browser from config, and the line to add is named', () =>
    open('stripped', '/app/.dingtalk/doctor', async (tab, t) => {
      assert.equal(t.status, 'error')
      assert.match(t.verdict, /浏览器访问不到 \/\.dingtalk\/config（状态码 200，不是指令的回答）/)
      assert.match(t.cure, /请在 dingtalk 指令里加上 endpoint \/app\/\.dingtalk/)
      assert.deepEqual(t.urls, Array(2).fill(origin('stripped') + '/app/.dingtalk/doctor'))
      assert.deepEqual(t.lines.map(([where, text]) => [where, text.split(/\s*\n\s*/)[1]]), [['Caddy', endpointLine]])
    }))

  test('with that line all is well', () =>
    open('cured', '/app/.dingtalk/doctor', async (tab, t) => {
      assert.equal(t.status, 'open')
      assert.match(t.verdict, /到这里一切正常/)
      assert.deepEqual(t.lines, [])
    }))

  test('where the URL is wrong, too, all lines are named at once', () =>
    open('untold', '/app/.dingtalk/doctor', async (tab, t) => {
      assert.equal(t.status, 'error')
      assert.match(t.verdict, /路径不同/)
      assert.match(t.further.join(), /endpoint \/app\/\.dingtalk/)
      const lines = t.lines.map(([, text]) => text).join()
      assert.match(lines, /forwarded X-Original-URI/)
      assert.match(lines, /endpoint \/app\/\.dingtalk/)
    }))

  test('where the page alone is led to Caddy, the endpoint is named', () =>
    open('partly', '/.dingtalk/doctor', async (tab, t) => {
      assert.equal(t.status, 'error')
      assert.match(t.cure, /把 \/\.dingtalk\/ 下的全部请求都转发给 Caddy/)
      assert.deepEqual(t.lines, [])
    }))

  test('where a block for static files takes the scripts, one that goes before it is named', () =>
    open('static', '/.dingtalk/doctor', async (tab, t) => {
      assert.equal(t.status, 'error')
      assert.match(t.verdict, /浏览器取不到脚本 \/\.dingtalk\/rest\.[0-9a-f]+\.js（状态码 404，不是指令的回答）/)
      assert.deepEqual(t.lines.map(([where, text]) => [where, text.split(/\s*\n\s*/)[0]]), [['nginx', 'location ^~ /.dingtalk/ {']])
    }))

  test('with that block all is well', () =>
    open('preferred', '/.dingtalk/doctor', async (tab, t) => {
      assert.equal(t.status, 'open')
      assert.deepEqual(t.lines, [])
    }))
})
