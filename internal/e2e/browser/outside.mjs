// Outside DingTalk a page is as if we were not there.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {world} from './harness.mjs'
import {versions} from './sdk.mjs'
import {html, listen, publish, sdk} from './upstream.mjs'
import {visit} from './visit.mjs'

// observe opens a page at a site and returns all that can be told from outside.
async function observe (platform, site, path) {
  let told
  await visit(platform, world.origin(site) + path, async tab => {
    await tab.quiet()
    const plain = text => text.replaceAll(`//${site}.test`, '//site.test')
    told = {
      endpoint: tab.endpoint,
      calls: tab.calls.length,
      console: tab.console.map(plain),
      errors: tab.errors.map(plain),
      seen: JSON.parse(plain(JSON.stringify(await tab.evaluate(() => seen.list.map(s => String(s.error || s))))))
    }
  })
  return told
}

const pages = {
  'a page that calls nothing': version => sdk(version) + '<script>seen(dd.env.platform)</script>',
  'a page that calls dd.config': version => sdk(version) + `<script>dd.config({agentId: '1', jsApiList: ['biz.user.get']}); ${listen}</script>`,
  'a page that uses dd.ready alone': version => sdk(version) + '<script>dd.ready(function () { seen("ready") })</script>'
}

for (const version of versions) {
  for (const [what, body] of Object.entries(pages)) {
    test(`outside DingTalk with ${version}: ${what} behaves as without the sidecar`, async () => {
      const path = publish(html(body(version)))
      const without = await observe('browser', 'plain', path)
      assert.equal(without.endpoint, 0)
      assert.deepEqual(await observe('browser', 'auto', path), without)
    })
  }
}

test('outside DingTalk dd.config passes untouched: arguments, this, result', () => {
  const path = publish(html(`<script>
    var params = {timeStamp: 'theirs'}
    dd = {config: function () { seen([this === dd, arguments.length, arguments[0] === params, arguments[1]]); return params }, error: function () { seen('error') }}
    seen(dd.config(params, 2) === params)
    seen(JSON.stringify(params))
  </script>`))
  return visit('browser', world.origin('auto') + path, async tab => {
    assert.deepEqual(await tab.seen(3), [[true, 2, true, 2], true, '{"timeStamp":"theirs"}'])
    await tab.quiet()
    assert.equal(tab.endpoint, 0)
    assert.equal(await tab.evaluate(() => seen.list.length), 3) // nothing else is called
  })
})

test('a page without dd is not called for, and the console stays silent while its scripts may yet come', async () => {
  const path = publish(html('<p>no script at all</p>'))
  for (const platform of ['browser', 'android', 'pc']) {
    const told = await observe(platform, 'auto', path)
    assert.deepEqual(told, {endpoint: 0, calls: 0, console: [], errors: [], seen: []})
  }
})

test('the page\'s own errors stay the page\'s', async () => {
  const path = publish(html(`<script>
    addEventListener('error', function (e) { seen(e.message + ' at line ' + e.lineno) })
    throw new Error('of the page')
  </script><script>undefinedName()</script><script>seen(typeof dd)</script>`))
  const without = await observe('android', 'plain', path)
  assert.equal(without.errors.length, 2)
  assert.deepEqual(await observe('android', 'auto', path), without)
})
