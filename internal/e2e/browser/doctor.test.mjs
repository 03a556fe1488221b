// The doctor page on a phone of 375 by 667, in DingTalk and outside, behind proxies
// that hide things, and with a DingTalk that refuses.
import {after, before, test} from 'node:test'
import assert from 'node:assert/strict'
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {parse} from 'acorn'
import {stop, until, world} from './harness.mjs'
import {consult, origin, other, phone, startDoctors, token, told} from './doctor-world.mjs'
import {sandboxJudge, stays, strange, visit} from './visit.mjs'

before(startDoctors)
after(stop)

const path = '/.dingtalk/doctor'
const folder = join(import.meta.dirname, '../../../doctor/page')
const source = readdirSync(folder).filter(name => /\.js$/.test(name)).map(name => readFileSync(join(folder, name), 'utf8')).join('')

// clean makes sure that nothing went wrong in the page itself, and that it fits the
// phone. expected are lines of the console that belong to the story.
function clean (tab, told, expected = []) {
  assert.deepEqual(tab.console, expected)
  assert.deepEqual(tab.errors, [])
  assert.deepEqual(told.violations, [])
  assert.ok(told.wide <= phone.width, `${told.wide} px wide`)
}

// What Chromium says when the client's question for another URL is refused.
const refusedQuestion = 'error: Failed to load resource: the server responded with a status of 403 ()'

test('the script is ES5 and makes no HTML of what it is told', () => {
  parse(source, {ecmaVersion: 5})
  assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(/)
})

for (const platform of ['ios', 'android', 'pc', 'harmony']) {
  test(`all is well in DingTalk on ${platform}`, async () => {
    const url = origin('well') + path + '?token=x&q=中文+a#/route'
    await consult(platform, url, async (tab, t) => {
      assert.equal(t.status, 'ok')
      assert.match(t.verdict, /一切正常/)
      assert.deepEqual(t.marks, [])
      assert.deepEqual(t.urls, Array(2).fill(new URL(url).href.split('#')[0]))
      assert.deepEqual(t.lines, [])
      assert.match(t.config, /成功[^]*已加载/)
      assert.match(t.ticket, /有效/)
      assert.match(t.request, /127\.0\.0\.1[^]*SNI\s+well\.test[^]*没有发来任何转发头/)
      assert.deepEqual(tab.calls.map(c => c.verdict.ok), [true])
      assert.deepEqual(tab.reports, [])
      clean(tab, t)
    })
  })
}

test('outside DingTalk it says so, and calls nothing', () =>
  consult('browser', origin('well') + path, async (tab, t) => {
    assert.equal(t.status, 'open')
    assert.match(t.verdict, /到这里一切正常/)
    assert.match(t.cure, /在钉钉里打开/)
    assert.match(t.config, /不在钉钉里/)
    assert.deepEqual(tab.calls, [])
    clean(tab, t)
  }))

for (const platform of ['android', 'browser']) {
  test(`a proxy that hides the scheme is found out, ${platform === 'browser' ? 'outside DingTalk' : 'in DingTalk'}`, () =>
    consult(platform, origin('silent') + path + '?q=%E4%B8%AD', async (tab, t) => {
      const shown = new URL(origin('silent'))
      assert.equal(t.status, 'error')
      assert.match(t.verdict, /协议是 https，不是 http$/)
      assert.deepEqual(t.marks, ['https', 'http'])
      assert.deepEqual(t.urls, [`https://${shown.host}${path}?q=%E4%B8%AD`, `http://${shown.host}${path}?q=%E4%B8%AD`])
      assert.deepEqual(t.lines.map(([where]) => where), ['nginx', 'Kubernetes (ingress-nginx)', 'Caddy'])
      assert.equal(t.lines[0][1], 'proxy_set_header X-Forwarded-Proto $scheme;')
      assert.match(t.lines[2][1], new RegExp(`^dingtalk {\\s+public_origin ${shown.origin}\\s+}$`))
      assert.match(t.request, /127\.0\.0\.1\s*受信任的代理/)
      if (platform === 'android') assert.match(t.config, /失败[^]*52013[^]*签名校验失败,nonce/)
      clean(tab, t, platform === 'android' ? [refusedQuestion] : [])
    }))
}

test('a proxy that is not trusted is named with the line that trusts it', () =>
  consult('pc', origin('stranger') + path, async (tab, t) => {
    assert.match(t.cure, /127\.0\.0\.1 已经发来了需要的头/)
    assert.deepEqual(t.lines.map(([where]) => where), ['Caddy'])
    assert.match(t.lines[0][1], /trusted_proxies static private_ranges/)
    assert.match(t.request, /X-Forwarded-Proto\s+未采用\s+https\s+不相信：发来它的 127\.0\.0\.1 不在 trusted_proxies 里/)
    clean(tab, t, [refusedQuestion])
  }))

test('a path that is cut off is marked where it is missing', () =>
  consult('browser', origin('prefix') + '/app' + path, async (tab, t) => {
    const port = new URL(origin('prefix')).port
    assert.deepEqual(t.marks, ['prefix.test', `:${port}`, 'app/', 'inner.test', '', ''])
    assert.deepEqual(t.lines.map(([where]) => where), ['Caddy', 'nginx', 'Kubernetes (ingress-nginx)', 'Caddy', 'Caddy', 'Caddy'])
    assert.match(t.lines[0][1], /forwarded X-Original-URI/)
    assert.match(t.lines[5][1], /endpoint \/app\/\.dingtalk/)
    assert.match(t.further.join(), /浏览器访问不到 \/\.dingtalk\/config（状态码 200，不是指令的回答）/)
    clean(tab, t)
  }))

test('a signature that is refused for the right URL is explained by what DingTalk quotes', () =>
  consult('android', origin('well') + path, async (tab, t) => {
    assert.equal(t.status, 'error')
    assert.match(t.verdict, /网址一致，但钉钉拒绝了签名：网址和 jsapi_ticket 都对/)
    assert.deepEqual(t.marks, [])
    assert.deepEqual(t.lines.map(([where, text]) => [where, text.split(/\s+/)]), [['Caddy', ['dingtalk', '{', 'hash', 'sha256', '}']]])
    assert.match(t.config, /Code:52013 - Message:签名校验失败,nonce:\[.+\],url:\[.+\],ticketList:\[.+\*\*\*.+\]/)
    clean(tab, t)
  }, {judge: strange, init: stays}))

test('a form of signature that DingTalk accepts in the place of ours is named with its line', () => {
  const judge = question => question.params.signature.length === 64 ? sandboxJudge(world.sandbox)(question) : strange(question)
  return visit('android', origin('well') + path + '?form', async tab => {
    await tab.page.setViewportSize(phone)
    await until('the page has found the form', async () => {
      const first = await tab.evaluate(() => document.querySelector('#verdict h2').textContent).catch(() => '') // it reloads meanwhile
      return first.includes('钉钉接受的是另一种签名形式')
    })
    const t = await told(tab)
    assert.equal(t.status, 'warning')
    assert.deepEqual(t.lines.map(([where, text]) => [where, text.split(/\s+/)]), [['Caddy', ['dingtalk', '{', 'hash', 'sha256', '}']]])
    clean(tab, t)
  }, {judge})
})

test('what DingTalk writes is shown as it is, and is no HTML', async () => {
  const text = '无效的agentid <img src=x onerror="seen(1)"><script>seen(2)</script>'
  const judge = async () => ({ok: false, error: {errorCode: 9, errorMessage: text}})
  await consult('pc', origin('well') + path + '?x=<img/src=x/onerror=seen(3)>', async (tab, t) => {
    assert.match(t.verdict, /agent_id 不属于这个应用/)
    assert.ok(t.config.includes(text))
    assert.deepEqual(await tab.evaluate(() => seen.list), [])
    clean(tab, t)
  }, {judge})
})

test('a ticket that is not to be had is named with what DingTalk says', async () => {
  await consult('ios', origin('ticketless') + path, async (tab, t) => {
    assert.equal(t.status, 'error')
    assert.match(t.verdict, /没有签名，因为钉钉没有给出 jsapi_ticket/)
    assert.match(t.cure, /app_key 与 app_secret/)
    assert.match(t.ticket, /没有[^]*invalidClientIdOrSecret[^]*密钥不对/)
    assert.match(t.urls[1], /没有签名/)
    assert.deepEqual(tab.calls, [])
    clean(tab, t, tab.console.filter(line => /status of 503/.test(line)))
  }, {sandbox: other})
})

test('DingTalk\'s script that cannot be loaded is named, and the rest is shown', () =>
  consult('ios', origin('scriptless') + path, async (tab, t) => {
    assert.equal(t.status, 'error')
    assert.match(t.verdict, /JSAPI 脚本加载失败/)
    assert.match(t.config, /加载失败[^]*https:\/\/g\.alicdn\.com\/dingding\/dingtalk-jsapi\/[\d.]+\/dingtalk\.open\.js/)
    assert.match(t.ticket, /有效/)
    clean(tab, t, tab.console.filter(line => /Failed to load resource: net::/.test(line)))
  }))

// Old webviews, and pages by http, have no clipboard but the command.
for (const [way, site, scheme] of [['the clipboard', 'guarded', 'https'], ['the command', 'plain', 'http']]) {
  test(`all of it is copied as text without secrets, by ${way}`, async () => {
    const init = stays + `
      window.copies = [];
      if (navigator.clipboard) navigator.clipboard.writeText = function (text) { copies.push(['the clipboard', text]); return Promise.resolve() };
      document.execCommand = function (name) { copies.push(['the command', document.activeElement.value]); return name === 'copy' };`
    await consult('android', origin(site, scheme) + path + '?token=' + token, async tab => {
      for (const [lang, done, words] of [
        ['zh', '已复制', ['钉钉拒绝了签名', '浏览器显示: ', '有效']],
        ['en', 'Copied', ['DingTalk refused the signature', 'The browser shows: ', 'valid']]
      ]) {
        if (lang === 'en') await tab.page.click('#language')
        await tab.page.click('#copy')
        await tab.page.waitForFunction(text => document.querySelector('#copy').innerText === text, done)
        const [how, text] = await tab.evaluate(() => copies.pop())
        assert.equal(how, way)
        for (const word of [...words, 'dd.config', 'url:[https'.replace('https', scheme), 'hash sha256', '127.0.0.1', navigatorOf(tab)]) {
          assert.ok(text.includes(word), `the text lacks ${word}: ${text}`)
        }
        const {params} = tab.calls.at(-1)
        const secrets = [params.signature, params.nonceStr, params.timeStamp, '***'.padStart(13, '?')]
        if (site === 'guarded') secrets.push(token)
        for (const secret of secrets) assert.ok(!text.includes(secret), `the text holds ${secret}: ${text}`)
        assert.doesNotMatch(text, /[A-Z2-7]{10}\*\*\*/)
        await tab.page.waitForFunction(text => document.querySelector('#copy').innerText !== text, done)
      }
      clean(tab, await told(tab))
    }, {judge: strange, init})
  })
}

const navigatorOf = tab => tab.page.context()._options.userAgent

test('a line is copied with its button', () =>
  consult('browser', origin('silent') + path, async (tab, t) => {
    await tab.page.click('#lines .line button')
    assert.deepEqual(await tab.evaluate(() => copies), ['proxy_set_header X-Forwarded-Proto $scheme;'])
    clean(tab, t)
  }, {init: 'window.copies = []; navigator.clipboard.writeText = function (text) { copies.push(text); return Promise.resolve() };'}))

test('where nothing can be copied the text is there to be selected', () =>
  consult('browser', origin('plain', 'http') + path, async (tab, t) => {
    await tab.page.click('#copy')
    assert.match(await tab.page.inputValue('textarea.seen'), /caddy-dingtalk [\d.]+ doctor/)
    clean(tab, t)
  }, {init: 'document.execCommand = function () { return false };'}))

test('the token is not to be seen', () =>
  consult('ios', origin('guarded') + path + '?q=1&token=' + token, async (tab, t) => {
    assert.equal(t.status, 'ok')
    assert.deepEqual(t.urls, Array(2).fill(origin('guarded') + path + '?q=1'))
    assert.equal(await tab.evaluate(() => location.href), origin('guarded') + path + '?q=1')
    assert.ok(!(await tab.evaluate(() => document.body.innerText)).includes(token))
    clean(tab, t)
  }))

test('the language is that of the browser, and can be changed', () =>
  visit('browser', origin('well') + path, async tab => {
    const heading = () => tab.page.innerText('h1')
    assert.equal(await heading(), 'DingTalk doctor')
    assert.match(await tab.page.innerText('#verdict'), /^[\x20-\x7e…✓\s]+$/)
    await tab.page.click('#language')
    assert.equal(await heading(), '钉钉 H5 诊断')
  }))

test('a server that does not answer leaves what was known', () =>
  visit('browser', 'about:blank', async tab => {
    await tab.page.setViewportSize(phone)
    await tab.page.route('**' + path, (route, request) => request.method() === 'POST' ? route.fulfill({status: 502, body: '<h1>Bad Gateway'}) : route.continue())
    await tab.page.goto(origin('silent') + path)
    await tab.page.waitForFunction(() => /HTTP 502/.test(document.querySelector('#verdict').innerText))
    const t = await told(tab)
    assert.deepEqual(t.urls, [origin('silent') + path, origin('silent').replace('https', 'http') + path])
    assert.match(t.request, /127\.0\.0\.1/)
    assert.ok(t.wide <= phone.width)
  }))
