// The npm package for apps: by itself, by its types, and in a page behind Caddy.
//
//	node --test npm.test.mjs
import {after, before, describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {execFileSync} from 'node:child_process'
import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {build} from 'esbuild'
import {start, stop, temporary, world} from './harness.mjs'
import {html, publish} from './upstream.mjs'
import {visit} from './visit.mjs'

const folder = join(import.meta.dirname, '../../../npm')
const phone = 'Mozilla/5.0 (iPhone) AliApp(DingTalk/7.6.0)'
const config = () => ({agentId: '1', corpId: 'c', timeStamp: String(Math.floor(Date.now() / 1000)), nonceStr: 'n', signature: 's', type: 0, jsApiList: ['of.caddyfile']})
const sidecar = more => ({url: 'https://h5.test/p', endpoint: '/.dingtalk', version: '1', error: null, sign: async () => ({...config(), nonceStr: 'signed'}), ...more})

// dd is DingTalk's script, which accepts or refuses.
function dd (refusal) {
  const called = []
  const then = {}
  return {
    called,
    ready: f => { then.ready = f },
    error: f => { then.error = f },
    config (c) {
      called.push(c)
      setTimeout(() => refusal ? then.error(refusal) : then.ready())
    }
  }
}

let count = 0

// load is the package as a page finds it, with what its console was told.
async function load (window, story) {
  const warned = []
  const {warn} = console
  console.warn = text => warned.push(text)
  if (window) globalThis.window = {name: '', navigator: {userAgent: phone}, location: {href: 'https://h5.test/p#x'}, document: {readyState: 'complete'}, ...window}
  try {
    await story(await import(`${join(folder, 'index.js')}?${++count}`), warned)
  } finally {
    delete globalThis.window
    console.warn = warn
  }
}

describe('ready()', () => {
  test('calls dd.config once, with the parameters of the page, and is true', () => {
    const window = {dd: dd(), ddConfig: config(), ddSidecar: sidecar()}
    return load(window, async ({ready, ddConfig, ddSidecar}, warned) => {
      assert.equal(await ready({jsApiList: ['biz.contact.choose']}), true)
      assert.equal(await ready(), true)
      assert.deepEqual(window.dd.called, [{...window.ddConfig, jsApiList: ['biz.contact.choose']}])
      assert.deepEqual([ddConfig, ddSidecar, warned], [window.ddConfig, window.ddSidecar, []])
    })
  })

  test('takes the list of the Caddyfile where none is given', () => {
    const window = {dd: dd(), ddConfig: config(), ddSidecar: sidecar()}
    return load(window, async ({ready}) => {
      await ready()
      assert.deepEqual(window.dd.called[0].jsApiList, ['of.caddyfile'])
    })
  })

  test('takes an imported dd before a global one', () => {
    const own = dd()
    return load({dd: dd(), ddConfig: config(), ddSidecar: sidecar()}, async ({ready}) => {
      assert.equal(await ready({dd: own}), true)
      assert.equal(own.called.length, 1)
    })
  })

  for (const [why, change] of Object.entries({
    'once a router has moved': {location: {href: 'https://h5.test/moved'}},
    'after ten minutes': {ddConfig: {...config(), timeStamp: '1700000000'}},
    'where the page had none': {ddConfig: undefined, ddSidecar: sidecar({error: {code: 'ticket_unavailable', message: 'no ticket'}})}
  })) {
    test(`asks for a signature ${why}`, () => {
      const window = {dd: dd(), ddConfig: config(), ddSidecar: sidecar(), ...change}
      return load(window, async ({ready}) => {
        assert.equal(await ready(), true)
        assert.equal(window.dd.called[0].nonceStr, 'signed')
      })
    })
  }

  const refused = {errorCode: '3', errorMessage: 'Code:52013 - Message:签名校验失败'}
  const origin = Object.assign(new Error('add public_host h5.test'), {code: 'origin_unknown'})
  const gone = Object.assign(new Error('does not answer'), {code: 'unreachable'})
  for (const [what, window, code, message] of [
    ["DingTalk's refusal, with its five digits", {dd: dd(refused), ddConfig: config(), ddSidecar: sidecar()}, '52013', /签名校验失败/],
    ["a client's failure without digits", {dd: dd({errorCode: 7, errorMessage: 'no'}), ddConfig: config(), ddSidecar: sidecar()}, '7', /^no$/],
    ['why there is no signature', {dd: dd(), ddSidecar: sidecar({sign: async () => { throw origin }})}, 'origin_unknown', /add public_host/],
    ['why the page had none, where the endpoint is out of reach', {dd: dd(), ddSidecar: sidecar({error: {code: 'ticket_unavailable', message: 'no ticket'}, sign: async () => { throw gone }})}, 'ticket_unavailable', /no ticket/],
    ['no dd', {ddConfig: config(), ddSidecar: sidecar()}, 'no_dd', /ready\(\{dd\}\)/]
  ]) {
    test(`rejects with ${what}`, () => load(window, async ({ready, DDError}) => {
      const e = await ready().then(() => null, e => e)
      assert.ok(e instanceof DDError && e instanceof Error, String(e))
      assert.equal(e.code, code)
      assert.match(e.message, message)
    }))
  }

  test('is false without the directive, as in npm run dev, and says once what is missing', () =>
    load({dd: dd()}, async ({ready, ddConfig, ddSidecar}, warned) => {
      assert.deepEqual([await ready(), await ready(), ddConfig, ddSidecar], [false, false, undefined, undefined])
      assert.equal(warned.length, 1)
      assert.match(warned[0], /npm run dev.*dingtalk directive.*线上请通过 Caddy 打开/s)
    }))

  test('is false outside DingTalk, and silent', () =>
    load({navigator: {userAgent: 'Chrome'}, dd: dd(), ddConfig: config(), ddSidecar: sidecar()}, async ({ready}, warned) => {
      assert.deepEqual([await ready(), warned], [false, []])
    }))

  test('is false on a server', () => load(null, async ({ready}, warned) => {
    assert.deepEqual([await ready(), warned], [false, []])
  }))

  test('waits for a dd whose script is on its way', () => {
    let loaded
    const window = {document: {readyState: 'loading'}, addEventListener: (_, f) => { loaded = f }, ddConfig: config(), ddSidecar: sidecar()}
    return load(window, async ({ready}) => {
      const outcome = ready()
      globalThis.window.dd = dd()
      loaded()
      assert.equal(await outcome, true)
    })
  })
})

// What an app in TypeScript writes. A line after ERROR must not compile.
const app = `
import * as caddy from 'caddy-dingtalk'
import {ready, ddConfig, ddSidecar, DDError, type User} from 'caddy-dingtalk'
import * as dd from 'dingtalk-jsapi'

async function start (): Promise<string | null> {
  try {
    if (!await ready({dd, jsApiList: ['biz.contact.choose']})) return null
  } catch (e) {
    return e instanceof DDError ? e.code : null
  }
  const user: User | undefined = await ddSidecar?.user?.()
  const type: 0 | 1 | undefined = ddConfig?.type
  const again = await window.ddSidecar!.sign('/other')
  return [user?.userId, type, again.signature, window.ddConfig?.nonceStr, caddy.ddSidecar?.tenant?.corpId].join()
}
start()
// ERROR
ready({jsApiList: 'biz.contact.choose'})
// ERROR
ddConfig.signature
// ERROR
window.ddSidecar!.url = null
`

test('the types fit an app in TypeScript, with those of dingtalk-jsapi', () => {
  const directory = temporary()
  writeFileSync(join(directory, 'app.ts'), app)
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      strict: true, noEmit: true, target: 'es2022', module: 'esnext', moduleResolution: 'bundler', skipLibCheck: true, types: [],
      paths: {'caddy-dingtalk': [join(folder, 'index.d.ts')], 'dingtalk-jsapi': [join(import.meta.dirname, 'node_modules/dingtalk-jsapi-3.2.9')]}
    },
    files: ['app.ts']
  }))
  let said = ''
  try {
    execFileSync(process.execPath, [join(import.meta.dirname, 'node_modules/typescript/bin/tsc'), '-p', directory], {encoding: 'utf8'})
  } catch (e) {
    said = e.stdout
  }
  const wrong = [...said.matchAll(/app\.ts\((\d+),/g)].map(m => Number(m[1]))
  const expected = app.split('\n').flatMap((line, i) => line === '// ERROR' ? [i + 2] : [])
  assert.deepEqual(wrong, expected, said)
})

test('both READMEs show the same code, and it is what the package has', () => {
  const blocks = name => [...readFileSync(join(folder, name), 'utf8').matchAll(/```\w+\n(.*?)```/gs)].map(m => m[1].replace(/选择同事/g, 'Choose colleagues'))
  const [en, zh] = [blocks('README.md'), blocks('README.zh-CN.md')]
  assert.deepEqual(zh, en)
  assert.ok(en.length >= 4)
})

test('npm publishes what belongs to the package, and nothing else', () => {
  const [{files}] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--offline'], {cwd: folder, encoding: 'utf8'}))
  assert.deepEqual(files.map(f => f.path).sort(), ['LICENSE', 'README.md', 'README.zh-CN.md', 'index.d.ts', 'index.js', 'package.json'])
  assert.equal(readFileSync(join(folder, 'LICENSE'), 'utf8'), readFileSync(join(folder, '../LICENSE'), 'utf8'))
})

describe('in a page behind Caddy', () => {
  before(start)
  after(stop)

  const bundled = async code => {
    const {outputFiles: [file]} = await build({
      stdin: {contents: code, resolveDir: import.meta.dirname},
      alias: {'caddy-dingtalk': join(folder, 'index.js'), 'dingtalk-jsapi': 'dingtalk-jsapi-3.2.9'},
      format: 'iife', bundle: true, write: false
    })
    return publish(file.text, {headers: {'content-type': 'text/javascript'}})
  }
  const calls = `
    import * as dd from 'dingtalk-jsapi'
    import {ready} from 'caddy-dingtalk'
    MOVE
    ready({dd, jsApiList: ['device.notification.alert']}).then(function (is) { seen({is: is}) }, function (e) { seen({code: e.code}) })`

  for (const platform of ['ios', 'android', 'pc', 'harmony']) {
    for (const [where, move] of [['at the URL of the document', ''], ['where a router has moved', "history.pushState(null, '', '/moved?a=1')"]]) {
      test(`an app that imports dingtalk-jsapi is accepted ${where} (${platform})`, async () => {
        const script = await bundled(calls.replace('MOVE', move))
        await visit(platform, world.origin('h5') + publish(html(`<script src="${script}"></script>`)), async tab => {
          assert.deepEqual(await tab.seen(), [{is: true}])
          assert.deepEqual(tab.calls.map(c => c.verdict.ok), [true])
        })
      })
    }
  }

  test('outside DingTalk it is false', async () => {
    const script = await bundled(calls.replace('MOVE', ''))
    await visit('browser', world.origin('h5') + publish(html(`<script src="${script}"></script>`)), async tab => {
      assert.deepEqual([await tab.seen(), tab.calls], [[{is: false}], []])
    })
  })
})
