// The script that runs in the page, before any other. ES5: old Android webviews
// run it. What it does and why stands in the package comment of client.go. It
// travels with every page: each byte counts.
(function (data) {
  var config = data.config || undefined
  var sidecar = data.sidecar
  var called // dd.config has been called for this document
  var parsed // the document, and its own listeners have run
  var known // the dd that was seen last
  var waiting // what comes after the answer of `config`, while that is under way

  window.ddConfig = config
  window.ddSidecar = sidecar

  // PC clients that frame a page say so in its name.
  function inDingTalk () {
    return /DingTalk|TaurusApp|"containerId"/i.test(navigator.userAgent + window.name)
  }

  function here () {
    return location.href.split('#')[0]
  }

  function current () {
    return config && sidecar.url === here()
  }

  // Not a relative URL: those fail on a page that was opened with user:password@,
  // and <base> moves them.
  function send (method, path, body, done) {
    var x = new XMLHttpRequest()
    x.open(method, location.protocol + '//' + location.host + sidecar.endpoint + path)
    x.timeout = 5000
    if (body) x.setRequestHeader('Content-Type', 'application/json')
    x.onloadend = function () {
      var answer
      try { if (x.status === 200) answer = JSON.parse(x.responseText) } catch (e) {}
      if (done) done(answer)
    }
    x.send(body)
  }

  // The signature tells which ticket was refused.
  function report (code, message) {
    var c = config || {}
    send('POST', '/report', JSON.stringify({
      url: here(), signed: sidecar.url || '', code: code, message: message.slice(0, 500),
      timeStamp: c.timeStamp, nonceStr: c.nonceStr, signature: c.signature
    }))
  }

  // refused reports what dd.error says. DingTalk's own code stands only in the
  // text, before the parameters that it quotes. iOS gives nothing up to 2.13.
  function refused (error) {
    error = error || {}
    var text = String(error.errorMessage || error.message || '')
    var code = /(?:^|\D)(\d{5})(?!\d)/.exec(text.split(/nonce|url/)[0])
    report(code ? +code[1] : error.errorCode || '', text)
  }

  // ask brings the parameters up to the URL that the browser shows. dd.ready
  // before dd.config fires without its success: it is held meanwhile.
  function ask (dd, done) {
    if (waiting) return waiting.push(done)
    waiting = [done]
    var ready = dd.ready
    dd.ready = function (f) { waiting.push(function () { dd.ready(f) }) }
    var url = here()
    if (sidecar.url && sidecar.url !== url) report('url_mismatch', '')
    send('GET', '/config?url=' + encodeURIComponent(url), null, function (answer) {
      if (answer) {
        delete answer.url
        window.ddConfig = config = answer
        sidecar.url = url
        sidecar.error = null
      }
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
    var watched
    function wrapped (params) {
      var self = this
      var args = arguments
      function go () {
        if (config && (current() || !params || !params.signature)) args = [corrected(params)]
        return original.apply(self, args)
      }
      // A call with nothing but these sets up the JSAPI script; it is not the one.
      if (!inDingTalk() || /^((debug|usePromise),?)+$/.test(Object.keys(params || {}))) return original.apply(self, args)
      called = true
      if (!watched && dd.error) dd.error(refused)
      watched = true
      if (current()) return go()
      ask(dd, go)
    }
    for (var key in original) wrapped[key] = original[key]
    wrapped.ddSidecar = true
    if (parsed) setTimeout(callIfNobodyDoes, 0)
    return wrapped
  }

  // watch puts change(value) in the place of a property, now or when it is set.
  function watch (object, key, change) {
    var value = object[key]
    var inherited = Object.getPrototypeOf(object) || {}
    if (value !== undefined) object[key] = change(value)
    else {
      Object.defineProperty(object, key, {
        configurable: true,
        enumerable: true,
        // That is where window has the element with the id dd.
        get: function () { return value === undefined ? inherited[key] : value },
        set: function (v) { value = change(v) }
      })
    }
  }

  function hook (dd) {
    if (dd && dd !== known) {
      var change = function (f) { return f && f.apply && !f.ddSidecar ? wrap(dd, f) : f }
      try {
        watch(dd, 'config', change)
        if (dd.config !== change(dd.config)) { // the namespace of an ES module cannot be written
          var copy = {}
          for (var key in dd) copy[key] = dd[key]
          return hook(copy)
        }
      } catch (e) {}
      known = dd
    }
    return dd
  }

  // With js_api_list the call is made for a page that does not make it.
  function callIfNobodyDoes () {
    if (called || !known || !known.config || !inDingTalk()) return
    if (config) {
      if (config.jsApiList.length) known.config(config)
    } else if (sidecar.error.code === 'ticket_unavailable') {
      ask(known, function () { if (config) callIfNobodyDoes() })
    }
  }

  watch(window, 'dd', hook)
  document.addEventListener('DOMContentLoaded', function () {
    setTimeout(function () { // the page's own listeners may call dd.config
      parsed = true
      try { hook(dd) } catch (e) {} // a const dd is no property of window
      callIfNobodyDoes()
    }, 0)
  })
})
