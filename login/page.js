// The sign-in page, and ddSidecar.login() and .user() for apps that sign in by
// themselves. ES5: old Android webviews run it. `npm run login` bundles it with
// DingTalk's own script (dingtalk-jsapi, MIT) into page.min.js.
//
// DingTalk's clients give a page a code that says who uses it. The oldest call comes
// first, as all clients have it; some answer it only after dd.config; the newest ones may
// drop it some day for another.
var dd = require('dingtalk-jsapi-3.2.9/core')
require('dingtalk-jsapi-3.2.9/platform')
var runtimeCode = require('dingtalk-jsapi-3.2.9/api/runtime/permission/requestAuthCode').default
var runtimeCodeV2 = require('dingtalk-jsapi-3.2.9/api/union/requestAuthCode').default
var channelCode = require('dingtalk-jsapi-3.2.9/api/channel/permission/requestAuthCode').default

var patience = 5000 // for one call, in milliseconds
var queue = 20 // automatic tries while many sign in
var troubles = 2 // automatic tries while DingTalk is down

var app // endpoint, corpId, clientId ('' if none), channel, oauth, next (where to go then, '' for this page)

function inside () {
  return /DingTalk|TaurusApp|"containerId"/i.test(navigator.userAgent + window.name)
}

function unsupported () {
  return /TaurusApp/.test(navigator.userAgent) && !/DingTalk/i.test(navigator.userAgent)
}

function framed () {
  return window.top !== window
}

// send calls an endpoint. done takes the answer, its status and its Retry-After.
function send (method, path, body, done) {
  var x = new XMLHttpRequest()
  x.open(method, location.protocol + '//' + location.host + app.endpoint + path)
  if (body) x.setRequestHeader('Content-Type', 'application/json')
  x.timeout = 30000
  x.onloadend = function () {
    var answer = {}
    try { answer = JSON.parse(x.responseText) } catch (e) {}
    done(answer, x.status, +x.getResponseHeader('Retry-After') || 0)
  }
  x.send(body)
}

// within calls f with a function for its outcome, of which the first counts, and so does
// silence.
function within (f, done) {
  var over
  function once (error, value) {
    if (over) return
    over = true
    clearTimeout(timer)
    done(error, value)
  }
  var timer = setTimeout(function () { once({code: 'no_answer'}) }, patience)
  f(once)
}

// ask takes one of DingTalk's calls and gets a code, or why there is none.
function ask (call, params, done) {
  within(function (once) {
    try {
      call(params).then(function (got) {
        var code = got && (got.code || got.authCode)
        once(code ? null : {code: 'no_answer'}, code)
      }, function (error) {
        error = error || {}
        var text = String(error.errorMessage || error.message || '')
        if (String(error.errorCode) === '-1') once({code: 'cancelled', final: true})
        else if (/not secure domain|域名微应用|redirectURI is blank/i.test(text)) once({code: 'domain', final: true, text: text})
        else once({code: 'no_answer', text: text})
      })
    } catch (e) { once({code: 'no_answer', text: String(e)}) }
  }, done)
}

// configure runs dd.config for this URL, whatever comes of it: some clients answer only
// behind it.
function configure (done) {
  within(function (once) {
    var url = location.href.split('#')[0]
    send('GET', '/config?url=' + encodeURIComponent(url), null, function (config, status) {
      if (status !== 200) return once()
      delete config.url
      config.jsApiList = (config.jsApiList || []).concat('runtime.permission.requestAuthCode')
      try {
        dd.config(config)
        dd.ready(function () { once() })
        dd.error(function () { once() })
      } catch (e) { once() }
    })
  }, function () { done() })
}

// getCode asks in all ways, one after the other.
function getCode (done) {
  if (app.channel) {
    return ask(channelCode, {corpId: app.corpId}, function (error, code) {
      if (code || error.final) return done(error, code)
      configure(function () { ask(channelCode, {corpId: app.corpId}, done) })
    })
  }
  ask(runtimeCode, {corpId: app.corpId}, function (error, code) {
    if (code || error.final) return done(error, code)
    configure(function () {
      ask(runtimeCode, {corpId: app.corpId}, function (error, code) {
        if (code || error.final || !app.clientId) return done(error, code)
        ask(runtimeCodeV2, {corpId: app.corpId, clientId: app.clientId}, done)
      })
    })
  })
}

// signIn gets a code and changes it for a session.
function signIn (done) {
  if (unsupported()) return done({code: 'unsupported_client'})
  getCode(function (error, code) {
    if (error) return done(error)
    send('POST', '/login', JSON.stringify({code: code, framed: framed()}), function (answer, status, wait) {
      if (status === 200) return done(null, answer)
      error = answer.error || {code: 'dingtalk_unavailable'}
      error.wait = wait
      done(error)
    })
  })
}

// away is where a browser outside DingTalk signs in.
function away () {
  return app.endpoint + '/login?to=' + encodeURIComponent(app.next || location.pathname + location.search + location.hash)
}

// The functions for apps.
function provide (sidecar) {
  function failed (error) {
    var e = new Error(error.message || error.code)
    e.code = error.code
    return e
  }
  function user () {
    return new Promise(function (resolve, reject) {
      send('GET', '/user', null, function (answer, status) {
        if (status === 200) resolve(answer)
        else reject(failed(answer.error || {code: 'unreachable'}))
      })
    })
  }
  function login () {
    return user().catch(function (e) {
      if (e.code !== 'not_signed_in') throw e
      // One script serves all corps of a third-party app: the page knows which one it is for.
      if (!app.corpId && sidecar.tenant) app.corpId = sidecar.tenant.corpId
      return new Promise(function (resolve, reject) {
        if (!inside() && app.oauth && !framed()) return location.assign(away())
        if (!inside()) return reject(failed({code: 'outside'}))
        signIn(function (error, answer) { error ? reject(failed(error)) : resolve(answer) })
      })
    })
  }
  Object.defineProperty(sidecar, 'user', {configurable: true, value: user})
  Object.defineProperty(sidecar, 'login', {configurable: true, value: login})
}

// The page.
function run (data) {
  var root = document.documentElement
  var go = document.getElementById('go')
  var tries = 0
  app = data
  go.onclick = null // of lost.js

  // keep notes what this tab has tried; without a memory it must try nothing by itself.
  function keep (name, value) {
    try {
      if (value != null) sessionStorage['ddLogin.' + name] = value
      return sessionStorage['ddLogin.' + name] || ''
    } catch (e) { return null }
  }

  // admit tells whether the page may act by itself: at most twice a minute.
  function admit () {
    var now = Date.now()
    var last = keep('tried')
    if (last === null) return false
    var recent = last.split(' ').filter(function (t) { return t && now - t < 60000 && t <= now })
    if (recent.length >= 2) return false
    recent.push(now)
    return keep('tried', recent.join(' ')) === recent.join(' ')
  }

  function show (state, code, text) {
    var words = data.words[state] || data.words.error
    root.setAttribute('data-state', state)
    root.setAttribute('data-code', code || '')
    document.getElementById('title').textContent = words.title
    document.getElementById('text').textContent = text || data.advice[code] || words.text
    document.getElementById('code').textContent = code || ''
    go.textContent = words.go
    go.hidden = !words.go
    if (document.title !== words.title) document.title = words.title
  }

  function fail (error) {
    show(error.code === 'not_allowed' ? 'forbidden' : 'error', error.code, error.message)
  }

  function again (error) {
    var queued = error.code === 'busy' || error.code === 'rate_limited'
    if (!queued && error.code !== 'dingtalk_unavailable' || ++tries > (queued ? queue : troubles)) return fail(error)
    show('asking', error.code, error.message)
    // With jitter, or all who wait come back together.
    setTimeout(attempt, (error.wait || 3) * 1000 * (1 + Math.random()))
  }

  function attempt () {
    visible(function () {
      signIn(function (error) {
        if (error) return again(error)
        keep('done', Date.now())
        if (data.posted) return show('submitted')
        if (data.next) return location.replace(data.next)
        location.reload()
      })
    })
  }

  // visible waits until somebody looks: a page in the background must not spend codes.
  function visible (f) {
    if (!document.hidden) return f()
    document.addEventListener('visibilitychange', function changed () {
      if (document.hidden) return
      document.removeEventListener('visibilitychange', changed)
      f()
    })
  }

  function start () {
    tries = 0
    if (!inside()) return outside(true)
    show('asking')
    attempt()
  }

  function outside (clicked) {
    show('outside')
    if (!data.oauth) {
      go.setAttribute('href', 'dingtalk://dingtalkclient/page/link?url=' + encodeURIComponent(location.href))
      return
    }
    go.setAttribute('href', away())
    if (framed()) return go.setAttribute('target', '_top')
    if (clicked) location.assign(go.href)
    else if (!data.next) visible(function () { if (admit()) location.replace(go.href) })
  }

  go.addEventListener('click', function (event) {
    var state = root.getAttribute('data-state')
    if (state === 'outside' && go.getAttribute('href') !== '#') return
    event.preventDefault()
    if (state === 'submitted') return history.back()
    start()
  })

  var done = keep('done')
  var reloaded = window.performance && performance.navigation && performance.navigation.type === 1
  if (done && reloaded && Date.now() - done < 15000 && data.state === 'asking') {
    keep('done', 0)
    return show('error', 'cookies_blocked')
  }
  if (data.state !== 'asking') return show(data.state, data.code, data.message)
  if (unsupported()) return show('error', 'unsupported_client')
  if (!inside()) return outside(false)
  visible(function () {
    if (!admit()) return show('error', 'waiting')
    show('asking')
    attempt()
  })
}

var block = document.getElementById('dd-login')
app = ddLoginApp // see script in page.go
if (block) {
  run(JSON.parse(block.textContent))
  block.parentNode.removeChild(block) // see lost.js
} else if (window.ddSidecar) provide(window.ddSidecar)
