// Sign-in as users meet it: in the client apps with DingTalk's real script, and in
// ordinary browsers by OAuth2.
import {after, before, beforeEach, test} from 'node:test'
import assert from 'node:assert/strict'
import {follow} from './follow.mjs'
import {come, hello, origin, requests, sandbox, shown, skipStatic, spent, startLogin, startStatic, stopLogin} from './login-world.mjs'

before(startLogin)
after(stopLogin)
beforeEach(async () => {
  requests.length = 0
  await sandbox.call('/sandbox/reset', {})
})

for (const platform of ['ios', 'android', 'pc', 'harmony']) {
  test(`${platform}: the user is signed in at the URL asked for, fragment and all`, async () => {
    const path = '/a/b?x=%E4%B8%AD+1'
    await come(platform, origin('inside') + path + '#/r/2', async tab => {
      assert.equal(await hello(tab), '张三')
      assert.equal(await tab.evaluate(() => location.href), origin('inside') + path + '#/r/2')
      assert.deepEqual(requests.filter(r => r[1] !== '/favicon.ico'), [['GET', path]])
      assert.equal(await spent('oapi.getuserinfo'), 1)
      assert.deepEqual(tab.codes.map(c => c.method), ['runtime.permission.requestAuthCode'])
      assert.deepEqual(tab.errors, [])
      assert.deepEqual(await tab.evaluate(() => violations), [])
    })
  })
}

test('plain http signs in, too', () =>
  come('ios', origin('plain', 'http') + '/', async tab => assert.equal(await hello(tab), '张三')))

test('a client that answers only after dd.config gets one', () =>
  come('ios', origin('inside') + '/x', async tab => {
    assert.equal(await hello(tab), '张三')
    assert.equal(tab.calls.length, 1)
    assert.equal(tab.calls[0].verdict.ok, true)
    assert.deepEqual(tab.codes.map(c => c.granted), [false, true])
  }, {giveCode: q => q.granted ? sandbox.call('/native/code', q) : {ok: false, error: {errorCode: '7', errorMessage: 'no permission'}}}))

test('a client that knows only the newest call signs in by it', () =>
  come('android', origin('inside') + '/x', async tab => {
    assert.equal(await hello(tab), '张三')
    assert.deepEqual(tab.codes.map(c => c.method).at(-1), 'runtime.permission.requestAuthCodeV2')
    assert.equal(tab.codes.at(-1).params.clientId, sandbox.app_key)
  }, {giveCode: q => q.method.endsWith('V2') ? sandbox.call('/native/code', q) : {ok: false, error: {errorCode: '3', errorMessage: 'unknown'}}}))

test('a client that never answers: the page says so within 20 seconds, and the button tries again', {timeout: 60000}, () => {
  let silent = true
  return come('ios', origin('inside') + '/x', async tab => {
    const begin = Date.now()
    assert.equal(await shown(tab, 'error'), 'no_answer')
    assert.ok(Date.now() - begin < 21000, `${Date.now() - begin} ms`)
    silent = false
    await tab.page.click('#go')
    assert.equal(await hello(tab), '张三')
  }, {giveCode: q => silent ? null : sandbox.call('/native/code', q)})
})

test('who cancels is asked again only by the button', () => {
  let no = true
  return come('ios', origin('inside') + '/x', async tab => {
    assert.equal(await shown(tab, 'error'), 'cancelled')
    await tab.page.waitForTimeout(500)
    assert.equal(tab.codes.length, 1)
    no = false
    await tab.page.click('#go')
    assert.equal(await hello(tab), '张三')
  }, {giveCode: q => no ? {ok: false, error: {errorCode: '-1', errorMessage: 'cancel'}} : sandbox.call('/native/code', q)})
})

test('a domain that DingTalk does not know is named as the reason', () =>
  come('ios', origin('inside') + '/x', async tab => {
    assert.equal(await shown(tab, 'error'), 'domain')
    assert.match(await tab.page.textContent('#text'), /应用首页地址/)
    assert.equal(await spent('oapi.getuserinfo'), 0)
  }, {giveCode: () => ({ok: false, error: {errorCode: '3', errorMessage: '1002, err msg redirect_uri domain is not secure domain'}})}))

test('a service window signs its followers in', async () => {
  await sandbox.call('/sandbox/user', {user: 'f1'})
  await come('ios', origin('channel') + '/x', async tab => {
    assert.equal(await hello(tab), 'nobody') // followers have no name, and no userid
    assert.deepEqual(tab.codes.map(c => c.method), ['channel.permission.requestAuthCode'])
    assert.equal(await spent('channel.get_by_code'), 1)
  })
})

test('two tabs at once both end signed in', () =>
  come('ios', origin('inside') + '/one', async tab => {
    const other = await tab.page.context().newPage()
    await other.goto(origin('inside') + '/two')
    await Promise.all([tab.page, other].map(page => page.waitForSelector('#hello')))
  }))

test('a form that was sent unsigned-in is said not to be submitted, and Back leads to it', () =>
  come('ios', origin('inside') + '/form', async tab => {
    await hello(tab)
    await tab.page.context().clearCookies()
    requests.length = 0
    await tab.page.click('#send')
    await shown(tab, 'submitted')
    assert.deepEqual(requests.filter(r => r[0] === 'POST'), [])
    await tab.page.click('#go')
    await tab.page.waitForURL('**/form')
    assert.equal(await hello(tab), '张三')
  }))

test('cookies that the browser drops are named, and nothing loops', () =>
  come('ios', origin('inside') + '/x', async tab => {
    assert.equal(await shown(tab, 'error'), 'cookies_blocked')
    assert.equal(tab.codes.length, 1)
  }, {
    init: `
    var open = XMLHttpRequest.prototype.open, send = XMLHttpRequest.prototype.send
    XMLHttpRequest.prototype.open = function (method, url) { this.to = url; return open.apply(this, arguments) }
    XMLHttpRequest.prototype.send = function () { // signs in, and loses the cookie
      var x = this
      if (!/\\/login$/.test(x.to)) return send.apply(x, arguments)
      Object.defineProperty(x, 'status', {value: 200})
      setTimeout(function () { x.onloadend() }, 0)
    }`
  }))

test('who may not see a page is told so', () =>
  come('ios', origin('admins') + '/x', async tab => {
    assert.equal(await shown(tab, 'forbidden'), 'not_allowed')
    assert.deepEqual(requests, [])
  }))

test('after signing out nothing signs in by itself, but the button does', () =>
  come('ios', origin('inside') + '/x', async tab => {
    await hello(tab)
    assert.equal(await tab.evaluate(() => fetch('/.dingtalk/logout', {method: 'POST'}).then(r => r.status)), 204)
    await tab.page.reload()
    await shown(tab, 'signed-out')
    await tab.page.waitForTimeout(500)
    assert.equal(tab.codes.length, 1)
    await tab.page.click('#go')
    assert.equal(await hello(tab), '张三')
    await tab.page.reload()
    assert.equal(await hello(tab), '张三')
  }))

test('DingTalk down: two more tries by itself, then the button', {timeout: 60000}, async () => {
  await sandbox.call('/sandbox/fault', {call: 'getuserinfo', fault: 'busy'})
  await come('ios', origin('inside') + '/x', async tab => {
    assert.equal(await shown(tab, 'error', 40000), 'dingtalk_unavailable')
    assert.equal(tab.codes.length, 3)
    await sandbox.call('/sandbox/fault', {call: 'getuserinfo', fault: ''})
    await tab.page.click('#go')
    assert.equal(await hello(tab), '张三')
  })
})

test('a rate refusal queues with a fresh code', {timeout: 60000}, async () => {
  await sandbox.call('/sandbox/fault', {call: 'getuserinfo', fault: 'rate'})
  await come('ios', origin('inside') + '/x', async tab => {
    await tab.page.waitForSelector('html[data-state="asking"][data-code="rate_limited"]', {state: 'attached'})
    await sandbox.call('/sandbox/fault', {call: 'getuserinfo', fault: ''})
    assert.equal(await hello(tab), '张三')
    assert.equal(tab.codes.length, 2)
  })
})

test('outside DingTalk without oauth the page offers the app', () =>
  come('browser', origin('inside') + '/x?y#z', async tab => {
    await shown(tab, 'outside')
    assert.match(await tab.page.getAttribute('#go', 'href'), /^dingtalk:\/\/dingtalkclient\/page\/link\?url=https%3A/)
  }))

test('outside DingTalk OAuth2 leads back to the URL asked for', async () => {
  await sandbox.call('/sandbox/approve', {user: 'u2'})
  await come('browser', origin('outside') + '/a?b=1#/c', async tab => {
    assert.equal(await hello(tab), '李四')
    assert.equal(await tab.evaluate(() => location.href), origin('outside') + '/a?b=1#/c')
    for (const name of ['v1.userAccessToken', 'v1.users_me', 'oapi.getbyunionid', 'oapi.user_get']) assert.equal(await spent(name), 1, name)
  })
})

test('the sandbox asks who approves; who refuses gets a button', () =>
  come('browser', origin('outside') + '/a', async tab => {
    await tab.page.click('#refuse')
    assert.equal(await shown(tab, 'error'), 'refused')
    await tab.page.click('#go')
    await tab.page.click('#u1')
    assert.equal(await hello(tab), '张三')
    assert.equal(await tab.evaluate(() => location.pathname), '/a')
  }))

test('an external contact is no member', async () => {
  await sandbox.call('/sandbox/approve', {user: 'x1'})
  await come('browser', origin('outside') + '/a', async tab => assert.equal(await shown(tab, 'error'), 'not_a_member'))
})

test('sessionStorage blocked: a button, and no redirect by itself', () =>
  come('browser', origin('outside') + '/a', async tab => {
    await shown(tab, 'outside')
    await tab.page.waitForTimeout(500)
    assert.match(await tab.page.getAttribute('#go', 'href'), /^\/\.dingtalk\/login\?to=%2Fa$/)
    assert.equal(await tab.evaluate(() => location.pathname), '/a')
  }, {init: 'Object.defineProperty(window, "sessionStorage", {get: function () { throw new Error("blocked") }});'}))

test('framed outside DingTalk: a link to the top, and no redirect in the frame', () =>
  come('browser', 'about:blank', async tab => {
    await tab.page.route(origin('outside') + '/frame', route => route.fulfill({
      contentType: 'text/html', body: `<iframe src="${origin('outside')}/a"></iframe>`
    }))
    await tab.page.goto(origin('outside') + '/frame')
    const frame = tab.page.frameLocator('iframe')
    await frame.locator('html[data-state="outside"]').waitFor({state: 'attached'})
    await frame.locator('#go[target="_top"]').waitFor()
    assert.equal(await tab.evaluate(() => location.pathname), '/frame')
    assert.equal(requests.length, 0)
  }))

test('专有钉钉 is told that it is not supported', () =>
  come('browser', origin('inside') + '/a', async tab => {
    assert.equal(await shown(tab, 'error'), 'unsupported_client')
    assert.equal(tab.codes.length, 0)
  }, {context: {userAgent: 'Mozilla/5.0 (Linux; Android 12) AppleWebKit/537.36 Mobile Safari/537.36 TaurusApp(TaurusApp/3.0)'}}))

test('a tab in the background waits until somebody looks', () =>
  come('ios', origin('inside') + '/x', async tab => {
    await tab.page.waitForTimeout(500)
    assert.equal(tab.codes.length, 0)
    await tab.evaluate(() => { window.seenNow = true; document.dispatchEvent(new Event('visibilitychange')) })
    assert.equal(await hello(tab), '张三')
  }, {init: 'Object.defineProperty(document, "hidden", {get: function () { return !window.seenNow }});'}))

test('an app that signs in by itself gets the code of ddSidecar when it asks for it', () =>
  come('ios', origin('public') + '/x', async tab => {
    assert.equal(await hello(tab), 'nobody')
    const before = await tab.evaluate(() => ddSidecar.user().catch(e => e.code))
    assert.equal(before, 'not_signed_in')
    const user = await tab.evaluate(() => ddSidecar.login())
    assert.equal(user.userId, 'u1')
    assert.equal((await tab.evaluate(() => ddSidecar.login())).userId, 'u1')
    assert.equal(tab.codes.length, 1)
    assert.equal((await tab.evaluate(() => ddSidecar.user())).name, '张三')
    await tab.page.reload()
    assert.equal(await hello(tab), '张三')
  }))

test('where nginx takes all scripts for itself the page says so, and its button loads it anew', {skip: skipStatic}, async () => {
  const behind = await startStatic('plain')
  await come('ios', behind + '/x', async tab => {
    for (const again of [false, true]) {
      if (again) await Promise.all([tab.page.waitForEvent('load'), tab.page.click('#go')])
      assert.equal(await shown(tab, 'error'), 'script_missing')
      assert.match(await tab.page.textContent('#text'), /\/\.dingtalk\/\*\.js/)
    }
    assert.deepEqual([tab.codes, tab.errors, requests], [[], [], []])
    assert.deepEqual(await tab.evaluate(() => violations), [])
  })
})

for (const [what, answer] of Object.entries({
  'the page of the app': {contentType: 'text/html', body: '<!DOCTYPE html><title>app</title>'},
  'a script that fails': {contentType: 'text/javascript', body: 'throw new Error("old")'}
})) {
  test(`a proxy that answers with ${what} instead of the script: the page says so`, () =>
    come('ios', 'about:blank', async tab => {
      await tab.page.route('**/login.*.js', route => route.fulfill(answer))
      await tab.page.goto(origin('inside') + '/x')
      assert.equal(await shown(tab, 'error'), 'script_missing')
    }))
}

test('a script that comes late signs in all the same', {timeout: 60000}, () =>
  come('ios', 'about:blank', async tab => {
    let come
    const late = new Promise(resolve => { come = resolve })
    await tab.page.route('**/login.*.js', async route => { await late; await route.continue() })
    await tab.page.goto(origin('inside') + '/x', {waitUntil: 'commit'})
    assert.equal(await shown(tab, 'error', 40000), 'script_missing')
    come()
    assert.equal(await hello(tab), '张三')
  }))

for (const [site, scheme] of [['plain', 'http'], ['inside', 'https']]) {
  test(`a signed-in user's second page in the document is signed at once (${scheme})`, () =>
    come('ios', origin(site, scheme) + '/one', async tab => {
      assert.equal(await hello(tab), '张三')
      await follow(tab, '/two')
      assert.equal(await hello(tab), '张三')
      const url = origin(site, scheme) + '/two'
      // Without Sec-Fetch headers, as over plain http, the second page comes with a script of its own.
      const params = await tab.evaluate(at => at === 'http' ? ddConfig : ddSidecar.sign(), scheme)
      const verdict = await sandbox.call('/native/verify', {platform: 'ios', href: url, params})
      assert.deepEqual([verdict.ok, tab.errors], [true, []])
      assert.equal(tab.codes.length, 1)
    }))
}

test('no request of the page of a failed sign-in tells its code and state', () =>
  come('browser', 'about:blank', async tab => {
    const seen = []
    tab.page.on('request', request => seen.push(request.allHeaders().then(headers => [new URL(request.url()).pathname, headers.referer ?? ''])))
    await tab.page.goto(origin('outside') + '/.dingtalk/callback?code=the-code&state=the-state')
    assert.equal(await shown(tab, 'error'), 'bad_state')
    await tab.page.click('#go')
    await tab.page.waitForURL(url => url.pathname !== '/.dingtalk/callback')
    const referers = await Promise.all(seen)
    assert.ok(referers.some(([path]) => /\/login\.[0-9a-f]+\.js$/.test(path)), JSON.stringify(referers))
    assert.deepEqual(referers.filter(([, referer]) => /the-(code|state)/.test(referer)), [])
  }))
