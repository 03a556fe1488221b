// The URL that is signed and the one that the browser shows.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {until, world} from './harness.mjs'
import {versions} from './sdk.mjs'
import {html, listen, publish, sdk} from './upstream.mjs'
import {stays, strange, visit} from './visit.mjs'

const call = `<script>dd.config(ddConfig); ${listen}</script>`
const moved = '<script>history.replaceState(null, "", "/elsewhere?from=app")</script>'

// first makes sure that the page's first and only dd.config was right, without asking.
async function first (tab) {
  assert.deepEqual(await tab.seen(), ['ready'])
  assert.deepEqual(tab.calls.map(c => c.verdict.ok), [true])
  assert.deepEqual({asked: tab.asked, reports: tab.reports}, {asked: [], reports: []})
}

describe('a URL as people write it is signed as the browser shows it', () => {
  for (const target of [
    '/报表/周报?部门=研发 部&x=a+b',
    '/%e6%8a%a5?q=%E5%91%A8',
    '/a%20b/c%2Fd?next=https%3A%2F%2Fx.test%2F%3Fa%3D1',
    '/empty-query?',
    '/two?a=1?b=2&&',
    '//double//slash/',
    '/./dots/../up',
    '/100?rate=100%&%zz',
    '/quotes"\'<>?q="\'<>`{}|^',
    '/;jsessionid=1?a=%23b',
    '/?corpId=$CORPID$',
    '/page#/a/b?x=1'
  ]) {
    test(target, () => {
      const url = new URL(world.origin('h5') + target)
      publish(html(sdk('3.2.9') + call), {target: url.href.split('#')[0].slice(url.origin.length)})
      return visit('android', url.href, async tab => {
        await first(tab)
        assert.equal(await tab.evaluate(() => ddSidecar.url), tab.calls[0].verdict.expected.url)
      })
    })
  }
})

test('a hash router may move before dd.config', () => {
  const body = sdk('3.2.9') + '<script>location.hash = "#/list"; location.hash = "#/list/7?tab=2"</script>' + call
  return visit('pc', world.origin('h5') + publish(html(body)) + '#/a/b?x=1', first)
})

for (const version of versions) {
  for (const platform of ['ios', 'pc']) {
    test(`${version} on ${platform}: after history.replaceState the sidecar is asked once, and dd.ready waits for the success`, () => {
      const body = moved + sdk(version) + call
      return visit(platform, 'about:blank', async tab => {
        const held = []
        await tab.page.route('**/.dingtalk/config?*', route => held.push(route))
        await tab.page.goto(world.origin('h5') + publish(html(body)))
        await until('the sidecar is asked', () => held.length)
        await tab.evaluate(() => new Promise(resolve => setTimeout(resolve, 0)))
        assert.deepEqual([tab.calls, await tab.evaluate(() => seen.list)], [[], []])
        await held[0].continue()

        assert.deepEqual(await tab.seen(), ['ready'])
        assert.deepEqual(tab.calls.map(c => c.verdict.ok), [true])
        assert.deepEqual(tab.asked, [world.origin('h5') + '/elsewhere?from=app'])
        const {url, signed} = await tab.report('url_mismatch')
        assert.equal(url, tab.asked[0])
        assert.match(signed, /\/page\/\d+$/)
        assert.deepEqual(await tab.evaluate(() => [ddSidecar.url, ddConfig.signature]), [url, tab.calls[0].params.signature])
      })
    })
  }

  test(`${version}: after history.replaceState dd.ready does not fire when the call is refused`, () =>
    visit('pc', world.origin('h5') + publish(html(moved + sdk(version) + call)), async tab => {
      const [{error}] = await tab.seen()
      assert.match(error.errorMessage, /^签名校验失败/)
      await tab.report(9)
      await tab.quiet()
      assert.equal(await tab.evaluate(() => seen.list.length), 1)
    }, {judge: strange, init: stays}))
}

test('a page that is called for after history.replaceState is accepted', () =>
  visit('ios', world.origin('auto') + publish(html(moved + sdk('3.2.9'))), async tab => {
    await tab.judged()
    await tab.quiet()
    assert.deepEqual(tab.calls.map(c => [c.verdict.ok, c.params.jsApiList]), [[true, ['biz.contact.choose', 'device.notification.alert']]])
    assert.equal(tab.asked.length, 1)
  }))

test('two calls of dd.config after history.replaceState ask once, and dd.ready goes on working', () => {
  const body = moved + sdk('3.2.9') + `<script>
    dd.config(ddConfig)
    dd.ready(function () { seen('first') })
    dd.config(ddConfig)
    dd.ready(function () { seen('second') })
  </script>`
  return visit('ios', world.origin('h5') + publish(html(body)), async tab => {
    assert.deepEqual(await tab.seen(2), ['first', 'second'])
    await tab.evaluate(() => dd.ready(() => seen('third')))
    assert.deepEqual(await tab.seen(3), ['first', 'second', 'third'])
    await tab.quiet()
    assert.equal(tab.calls.length, 1)
    assert.equal(tab.asked.length, 1)
    assert.equal(tab.reports.length, 1)
  })
})

test('a page with a <base> elsewhere, opened with user:password@, can ask all the same', () => {
  const body = html(moved + sdk('3.2.9') + call, '')
  const path = publish(body.replace('<title>', '<base href="/deep/er/"><title>'))
  return visit('ios', world.origin('h5').replace('//', '//user:password@') + path, async tab => {
    assert.deepEqual(await tab.seen(), ['ready'])
    assert.equal(tab.asked.length, 1)
  })
})

test('a mismatch is named in the log, with the part that differs', () =>
  visit('ios', world.origin('moved') + publish(html(moved + sdk('3.2.9') + call)), async tab => {
    await tab.report('url_mismatch')
    const line = await until('Caddy logs the mismatch', () => world.log.find(l => l.code === 'url_mismatch' && l.url?.includes('moved.test')))
    assert.deepEqual(line.differs, ['path', 'query'])
    assert.match(line.msg, /browser shows another URL/)
  }))

// A proxy that hides the port. Only where the browser sends Sec-Fetch-Site, on
// https, is a report known to come from the site itself whatever the proxy has made
// of it. On http the question to `config` gives the cue, once a minute: it is first.
for (const [scheme, code] of [['http', undefined], ['https', 'url_mismatch']]) {
  test(`behind a proxy that hides the port a page of ${scheme} is refused, and the log says how to cure it`, () =>
    visit('android', world.origin('portless', scheme) + publish(html(sdk('3.2.9') + call)), async tab => {
      const [{error}] = await tab.seen()
      assert.match(error.errorMessage, /52013/)
      await tab.quiet()
      const line = await until('Caddy logs the mismatch', () => world.log.find(l => l.code === code && l.msg?.includes(world.origin('portless', scheme))))
      assert.match(line.msg, /pass the port on/)
      assert.match(line.msg, /\$http_host/)
      if (code) assert.deepEqual(line.differs, ['port'])
    }))
}

test('behind a trusted proxy that ends TLS the page is accepted', () =>
  visit('android', world.origin('edge', 'https') + publish(html(sdk('3.2.9') + call)), first))

test('a site with TLS on a port of its own is accepted', () =>
  visit('pc', world.origin('h5', 'https') + publish(html(sdk('3.2.9') + call)), first))

test('a page that answers a POST is signed', () => {
  const answer = publish(html(sdk('3.2.9') + call))
  const form = publish(html(`<form method="post" action="${answer}?a=1"><button name="x" value="y"></form>`))
  publish(html(sdk('3.2.9') + call), {target: answer + '?a=1'})
  return visit('android', world.origin('h5') + form, async tab => {
    await tab.page.click('button')
    await tab.page.waitForURL('**' + answer + '?a=1')
    await first(tab)
  })
})

for (const platform of ['android', 'pc']) {
  test(`a framed page is signed for its own URL (${platform})`, () => {
    const inner = publish(html(sdk('3.2.9') + `<script>dd.config(ddConfig); dd.ready(function () { parent.seen('ready') })</script>`))
    const outer = publish(html(`<iframe src="${inner}?framed=1"></iframe>`))
    publish(html(sdk('3.2.9') + `<script>dd.config(ddConfig); dd.ready(function () { parent.seen('ready') })</script>`), {target: inner + '?framed=1'})
    return visit(platform, world.origin('h5') + outer, async tab => {
      await first(tab)
      assert.equal(tab.calls[0].href, world.origin('h5') + inner + '?framed=1')
    })
  })
}
