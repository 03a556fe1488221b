// ddSidecar.sign, for apps that sign for themselves.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {apps, open, spa} from './spa-world.mjs'
import {html, publish} from './upstream.mjs'
import {sandboxJudge} from './visit.mjs'

const page = publish(html(''))
const members = ['agentId', 'corpId', 'jsApiList', 'nonceStr', 'signature', 'timeStamp', 'type']

// right makes sure that DingTalk accepts these parameters for that URL.
async function right (params, href) {
  const verdict = await sandboxJudge(spa.sandbox)({platform: 'ios', href, params})
  assert.deepEqual([verdict.ok, verdict.expected.url], [true, href])
}

test('sign() gives fresh parameters for the page, each time', () =>
  open('ios', spa.origin('pages') + page, async tab => {
    const url = spa.origin('pages') + page
    const [inserted, ...fresh] = await tab.evaluate(async () => [ddConfig, await ddSidecar.sign(), await ddSidecar.sign()])
    for (const params of fresh) {
      assert.deepEqual(Object.keys(params).sort(), members)
      await right(params, url)
    }
    assert.equal(new Set([inserted, ...fresh].map(p => p.nonceStr)).size, 3)
    assert.deepEqual(tab.asked, [url, url])
  }))

for (const [what, argument, path] of [
  ['a path', '/list/7?tab=2', '/list/7?tab=2'],
  ['a relative URL', '../list', '/list'],
  ['a URL with a fragment', '/list#/7', '/list']
]) {
  test(`sign(url) takes ${what}`, () =>
    open('ios', spa.origin('pages') + page, async tab => {
      const before = await tab.evaluate(() => ddSidecar.url)
      await right(await tab.evaluate(url => ddSidecar.sign(url), argument), spa.origin('pages') + path)
      assert.equal(await tab.evaluate(() => ddSidecar.url), before)
    }))
}

test('sign(url) takes a path on a page that was opened with user:password@', () =>
  open('ios', spa.origin('pages').replace('//', '//user:password@') + page, async tab => {
    await right(await tab.evaluate(() => ddSidecar.sign('/list')), spa.origin('pages') + '/list')
  }))

// refusal returns what sign rejects with.
function refusal (tab, url) {
  return tab.evaluate(url => ddSidecar.sign(url).then(() => 'signed', e => ({
    error: e instanceof Error, code: e.code, message: e.message
  })), url)
}

test('sign(url) of another site rejects with the code and the message of the endpoint', () =>
  open('ios', spa.origin('pages') + page, async tab => {
    const {error, code, message} = await refusal(tab, 'https://elsewhere.test/')
    assert.deepEqual([error, code], [true, 'origin_not_allowed'])
    assert.match(message, /elsewhere\.test/)
  }))

test('sign() without an answer rejects with the code unreachable', () =>
  open('ios', spa.origin('pages') + page, async tab => {
    await tab.page.route('**/.dingtalk/config?*', route => route.abort())
    const {error, code, message} = await refusal(tab)
    assert.deepEqual([error, code], [true, 'unreachable'])
    assert.notEqual(message, '')
  }))

// The other tests run the apps.
for (const [name, heading] of [['docs/single-page-apps.md', 'Vue and React'], ['docs/zh/single-page-apps.md', 'Vue 与 React']]) {
  test(`the examples in ${name} are what the apps do`, () => {
    const root = join(import.meta.dirname, '../../..')
    const text = readFileSync(join(root, name), 'utf8')
    const section = text.split(/^## /m).find(s => s.startsWith(heading + '\n'))
    const examples = Array.from(section.matchAll(/^```jsx?\n(.*?)^```$/gms), ([, code]) => code)
    assert.equal(examples.length, apps.length)
    for (const [i, app] of apps.entries()) {
      const source = readFileSync(join(import.meta.dirname, 'spa', app, 'main.js'), 'utf8')
      const code = examples[i].split('\n').filter(line => line && !/^(import|\/\/)/.test(line))
      assert.equal(code.length, 3)
      assert.ok(source.replace(/^ +/gm, '').includes(code.map(line => line.trim()).join('\n')), `${app} does something else than ${examples[i]}`)
    }
  })
}
