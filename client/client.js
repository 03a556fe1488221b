// The script that runs in the page, before any other. ES5: old Android webviews
// run it. What it does and why stands in the package comment of client.go. It
// travels with every page: each byte counts.
(function (data) {
  var config = data.config || undefined
  var shown = config // what the page sees as ddConfig
  var sidecar = data.sidecar
  var entry = here() // the URL that the document was opened with
  var inside = /DingTalk|TaurusApp|"containerId"/i.test(navigator.userAgent + window.name) // PC clients that frame a page say so in its name
  var kept = inside ? keep('session') : '' // what this tab has tried against a refusal, '' if nothing
  var other = kept.indexOf('=') > 0 // it is another form of signature
  var shownCounts = inside && keep('local') > 0 // on this device DingTalk checks no entry URLs
  var called // dd.config has been called for this document
  var element = document.currentScript
  var posted = element && element.hasAttribute('data-posted') // a reload would send the form again
  var used // the page signs for itself: it has read ddConfig or called sign
  var parsed // the document, and its own listeners have run
  var known // the dd whose config was wrapped last
  var ours = [] // the functions that wrap others
  var heard // dd.error has been called
  var told // a refusal has been reported
  var waiting // what comes after the answer of `config`, while that is under way

  if (element) element.remove() // whoever walks through the document, as React does, does not meet us

  // What shows other pages in this document (Turbo, pjax) brings the script along
  // with each. What it has to say is news for the one that knows the document.
  var first = window.ddSidecar
  if (first && first.renew) return first.renew(sidecar.url, config)

  Object.defineProperty(window, 'ddConfig', {
    configurable: true,
    enumerable: true,
    get: function () { used = true; return shown },
    set: function (v) { shown = v }
  })
  window.ddSidecar = sidecar
  Object.defineProperties(sidecar, {sign: {value: sign}, renew: {value: renew}})

  function here () {
    return location.href.split('#')[0]
  }

  // wanted returns the URL that DingTalk checks: on Android the entry URL, as far
  // as is known, elsewhere the one that is shown.
  function wanted () {
    return /Android/i.test(navigator.userAgent) && !shownCounts ? entry : here()
  }

  function fits () {
    return config && sidecar.url === wanted()
  }

  // current tells whether the parameters can go out as they are. The ticket behind
  // old ones may have ended: pages are left open, and come back out of caches.
  function current () {
    return fits() && !other && Math.abs(Date.now() / 1000 - config.timeStamp) < 600
  }

  // keep notes what has been tried against a refusal, for this tab (session) or
  // this device (local). Without a memory nothing must be tried, or it were tried
  // for ever.
  function keep (where, what) {
    try {
      where = window[where + 'Storage']
      if (what != null) where.ddSidecar = what
      return where.ddSidecar || ''
    } catch (e) { return 'forgets' }
  }

  // Not a relative URL: those fail on a page that was opened with user:password@,
  // and <base> moves them.
  function send (method, path, done, body) {
    var x = new XMLHttpRequest()
    x.open(method, location.protocol + '//' + location.host + sidecar.endpoint + path)
    x.timeout = 5000
    x.onloadend = function () {
      var answer
      try { answer = JSON.parse(x.responseText) } catch (e) {}
      done(x.status === 200 && answer, answer && answer.error, x)
    }
    x.send(body)
  }

  // renew takes over new parameters, if DingTalk checks their URL.
  function renew (url, params) {
    if (params && url === wanted()) {
      shown = config = params
      sidecar.url = url
      sidecar.error = null
    }
  }

  // load gets the parameters for a URL.
  function load (url, done) {
    send('GET', '/config?url=' + encodeURIComponent(url) + (other ? '&' + kept : ''), function (answer, error) {
      if (answer) delete answer.url
      renew(url, answer)
      done(answer, error)
    })
  }

  // sign is for pages that sign for themselves. A relative URL has the user name
  // of the page.
  function sign (url) {
    var a = document.createElement('a')
    used = true
    a.href = url || wanted()
    var asked = a.href.split('#')[0].replace(/^(\w+:\/\/)[^\/?]*@/, '$1')
    return new Promise(function (resolve, reject) {
      load(asked, function (answer, error) {
        if (answer) return resolve(url || asked === wanted() ? answer : sign()) // a router has moved on
        error = error || {code: 'unreachable', message: sidecar.endpoint + '/config does not answer'}
        var e = new Error(error.message)
        e.code = error.code
        reject(e)
      })
    })
  }

  // The signature tells which ticket was refused.
  function report (code, message, done) {
    var c = config || {}
    send('POST', '/report', done || function () {}, JSON.stringify({
      url: wanted(), signed: sidecar.url || '', code: code, message: message.slice(0, 900),
      timeStamp: c.timeStamp, nonceStr: c.nonceStr, signature: c.signature, tried: kept
    }))
  }

  // refused reports what dd.error says. DingTalk's own code stands only in the
  // text, before the parameters that it quotes. iOS gives nothing up to 2.13.
  function refused (error) {
    if (told) return
    told = true
    error = error || {}
    var text = String(error.errorMessage || error.message || '')
    var code = /(?:^|\D)(\d{5})(?!\d)/.exec(text.split(/nonce|url/)[0])
    report(code ? +code[1] : error.errorCode || '', text, function (answer, error, x) {
      var cure = x.getResponseHeader('DingTalk-Retry')
      if (text.indexOf('url:[' + here() + ']') > 0 && wanted() !== here()) keep('local', 1)
      if (kept) keep('session', 'failed')
      else if (!posted && cure && keep('session', cure) === cure) location.reload()
    })
  }

  // ask brings the parameters up to the URL that DingTalk checks. dd.ready before
  // dd.config fires without its success: it is held meanwhile.
  function ask (dd, done) {
    if (waiting) return waiting.push(done)
    waiting = [done]
    var ready = dd.ready
    dd.ready = function (f) { // a page may keep it for later
      if (waiting) waiting.push(function () { dd.ready(f) })
      else ready.call(dd, f)
    }
    if (sidecar.url && sidecar.url !== wanted()) report('url_mismatch', '')
    var turns = 3
    load(wanted(), function arrived (answer) {
      if (answer && !fits() && --turns) return load(wanted(), arrived) // a router has moved on
      dd.ready = ready
      answer = waiting
      waiting = null
      answer.forEach(function (f) { f() })
    })
  }

  // corrected returns what dd.config goes out with: the page's own parameters
  // with ours over them, and both jsApiLists.
  function corrected (params) {
    var list = config.jsApiList
    var out = {}
    var key
    params = params || out
    for (key in params) out[key] = params[key]
    for (key in config) if (key !== 'type' || !(key in params)) out[key] = config[key]
    out.jsApiList = list.concat((params.jsApiList || []).filter(function (name) {
      return list.indexOf(name) < 0
    }))
    return out
  }

  function wrap (dd, original) {
    function wrapped (params) {
      var self = this
      var args = arguments
      function go () {
        if (config && (fits() || !params || !params.signature)) args = [corrected(params)]
        var result = original.apply(self, args)
        if (other) dd.ready && dd.ready(healed)
        else if (kept) setTimeout(healed, 3000) // dd.ready would be a rejection more where it is refused again
        return result
      }
      // A call with nothing but these sets up the JSAPI script; it is not the one.
      if (params && typeof params !== 'object' || /^((debug|usePromise),?)+$/.test(Object.keys(params || {}))) return original.apply(self, args)
      called = true
      // Ours goes with that of the page: older scripts keep one.
      try { if (!heard) dd.error(function () {}) } catch (e) {}
      if (current()) return go()
      ask(dd, go)
    }
    known = dd
    for (var key in original) wrapped[key] = original[key]
    if (parsed) setTimeout(callIfNobodyDoes, 0)
    return wrapped
  }

  // listen goes along with whatever the page gives to dd.error.
  function listen (dd, original) {
    return function (f) {
      heard = true
      return original.call(this, f && f.apply ? function (error) {
        refused(error)
        return f.apply(this, arguments)
      } : f)
    }
  }

  // healed notes that a refused page is accepted now. What a reload has healed may
  // be healed so again; another form is needed by all pages of this tab.
  function healed () {
    if (other) report('healed', '')
    else if (!told) keep('session', '')
  }

  // watch puts change(value) in the place of a property, now or when it is set. Until
  // then nobody sees it who looks through the object.
  function watch (object, key, change) {
    try {
      var value = object[key]
      var inherited = Object.getPrototypeOf(object) || {}
      if (value !== undefined) object[key] = change(value)
      else {
        Object.defineProperty(object, key, {
          configurable: true,
          // That is where window has the element with the id dd.
          get: function () { return value === undefined ? inherited[key] : value },
          set: function (v) {
            value = change(v)
            Object.defineProperty(object, key, {enumerable: true})
          }
        })
      }
    } catch (e) {}
  }

  function hook (dd) {
    function by (wrapper) {
      return function (f) {
        if (f && f.apply && ours.indexOf(f) < 0) ours.push(f = wrapper(dd, f))
        return f
      }
    }
    try {
      if (dd && /^[fo]/.test(typeof dd)) {
        var change = by(wrap)
        watch(dd, 'error', by(listen))
        watch(dd, 'config', change)
        var wrapped = change(dd.config)
        if (dd.config !== wrapped) { // a frozen object, or the namespace of an ES module
          var members = {config: {}}
          for (var key in dd) members[key] = {}
          for (key in members) members[key] = {value: dd[key], configurable: true, enumerable: true, writable: true}
          return hook(Object.create(dd, members))
        }
      }
    } catch (e) {}
    return dd
  }

  // With js_api_list the call is made for a page that does not make it.
  function callIfNobodyDoes () {
    if (called || !known) return
    if (config) {
      if (config.jsApiList.length) {
        known.config(config)
        if (!known.env && known.ready) known.ready(function () {}) // open-develop 1.x authenticates there
      }
    } else if (sidecar.error.code === 'ticket_unavailable') {
      ask(known, function () { if (config) callIfNobodyDoes() })
    }
  }

  // found wraps a dd that is not ours to watch: a const is no property of window, and
  // a function of that name takes our place there.
  function found () {
    try { hook(dd) } catch (e) {}
  }

  if (!inside) return
  watch(window, 'dd', hook)
  document.addEventListener('load', found, true) // of each script, before the next one runs
  document.addEventListener('DOMContentLoaded', function () {
    setTimeout(function () { // the page's own listeners may call dd.config
      parsed = true
      found()
      callIfNobodyDoes()
    }, 0)
  })
  addEventListener('load', function () {
    setTimeout(function () { // loaders of modules take their time
      if (!known && !used) {
        console.warn('dingtalk: no global dd. Where the page imports dingtalk-jsapi, add: dd.config(ddConfig)')
      }
    }, 1000)
  })
})
