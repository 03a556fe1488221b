// The halves of the script: what the files must be so that Go can embed them, old
// webviews can run them, and no page grows much.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {gzipSync} from 'node:zlib'
import {parse} from 'acorn'
import {build, built, parts, source} from '../../../client/build.mjs'

const minified = Object.fromEntries(parts.map(part => [part, readFileSync(built(part), 'latin1')]))

for (const part of parts) {
  describe(part, () => {
    test('the minified file is what `make client` makes of the source', async () => {
      assert.equal(minified[part], await build(part))
    })

    test('it can stand in a script element of a page in any charset', () => {
      assert.match(minified[part], /^[\x20-\x7e]+$/)
      assert.doesNotMatch(minified[part], /<\/script|<!--|<script/i)
    })

    test('it is one function expression in ES5', () => {
      for (const text of [readFileSync(source(part), 'utf8'), minified[part]]) {
        const {body} = parse(text, {ecmaVersion: 5})
        assert.equal(body.length, 1)
        assert.equal(body[0].expression.type, 'FunctionExpression')
        parse(text.trimEnd() + '({})', {ecmaVersion: 5}) // what Go makes of it
      }
      assert.match(minified[part], /\)$/)
    })
  })
}

test('a page that keeps dd.ready while config is asked may call it later', () => {
  const calls = []
  const requests = []
  const address = 'https://h5.test'
  const config = {agentId: '1', corpId: 'c', type: 0, jsApiList: [], timeStamp: String(Math.floor(Date.now() / 1000)), nonceStr: 'n', signature: 's'}
  const nothing = () => {}
  const window = {sessionStorage: {}, localStorage: {}}
  const globals = {
    window,
    name: '',
    navigator: {userAgent: 'DingTalk iPhone'},
    addEventListener: nothing,
    location: {href: address + '/moved', protocol: 'https:', host: 'h5.test', origin: address},
    document: {addEventListener: nothing, URL: address + '/moved'},
    XMLHttpRequest: class { open (method) { if (method === 'GET') requests.push(this) } send () {} },
    data: {config, sidecar: {url: address + '/page', endpoint: '/.dingtalk', version: '1', error: null}}
  }
  new Function(...Object.keys(globals), `${minified.core}(data);${minified.rest}.apply(0,data.sidecar.sign.t)`)(...Object.values(globals))
  window.dd = {config: () => calls.push('config'), ready: f => { calls.push('ready'); f() }, error: nothing}
  window.dd.config({})
  const {ready} = window.dd
  ready(() => calls.push('held'))
  assert.deepEqual(calls, [])
  requests[0].status = 200
  requests[0].responseText = JSON.stringify({...config, url: address + '/moved'})
  requests[0].onloadend()
  ready(() => calls.push('later'))
  assert.deepEqual(calls, ['config', 'ready', 'held', 'ready', 'later'])
})

test('the core has at most 1.4 KB when it is compressed', () => {
  assert.ok(gzipSync(minified.core, {level: 9}).length <= 1440)
})
