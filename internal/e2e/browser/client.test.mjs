// The script as it is put into pages: what client.min.js must be so that Go can
// embed it, old webviews can run it, and no page grows much.
import test from 'node:test'
import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {gzipSync} from 'node:zlib'
import {parse} from 'acorn'
import {build, built, source} from '../../../client/build.mjs'

const minified = readFileSync(built, 'latin1')

test('client.min.js is what `make client` makes of client.js', async () => {
  assert.equal(minified, await build())
})

test('client.min.js can stand in a script element of a page in any charset', () => {
  assert.match(minified, /^[\x20-\x7e]+$/)
  assert.doesNotMatch(minified, /<\/script|<!--|<script/i)
})

test('client.js and client.min.js are one function expression in ES5', () => {
  for (const text of [readFileSync(source, 'utf8'), minified]) {
    const {body} = parse(text, {ecmaVersion: 5})
    assert.equal(body.length, 1)
    assert.equal(body[0].expression.type, 'FunctionExpression')
    parse(text.trimEnd() + '({})', {ecmaVersion: 5}) // what Go makes of it
  }
  assert.match(minified, /\)$/)
})

test('a page that keeps dd.ready while config is asked may call it later', () => {
  const calls = []
  const requests = []
  const address = 'https://h5.test'
  const config = {agentId: '1', corpId: 'c', type: 0, jsApiList: [], timeStamp: String(Math.floor(Date.now() / 1000)), nonceStr: 'n', signature: 's'}
  const nothing = () => {}
  const window = {name: '', sessionStorage: {}, localStorage: {}}
  const globals = {
    window,
    navigator: {userAgent: 'DingTalk iPhone'},
    addEventListener: nothing,
    location: {href: address + '/moved', protocol: 'https:', host: 'h5.test'},
    document: {addEventListener: nothing},
    XMLHttpRequest: class { open (method) { if (method === 'GET') requests.push(this) } send () {} },
    data: {config, sidecar: {url: address + '/page', endpoint: '/.dingtalk', version: '1', error: null}}
  }
  new Function(...Object.keys(globals), minified + '(data)')(...Object.values(globals))
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

test('client.min.js has hardly more than 2 KiB when it is compressed', () => {
  assert.ok(gzipSync(minified, {level: 9}).length <= 2112)
})
