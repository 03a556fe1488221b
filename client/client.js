// The script that runs in the page, before any other. ES5: old Android webviews
// run it. What it does and why stands in the package comment of client.go.
(function (data) {
  var config = data.config || undefined
  var sidecar = data.sidecar
  var called = false // dd.config has been called for this document
  var parsed = false
  var known // the dd that was seen last

  window.ddConfig = config
  window.ddSidecar = sidecar

  function inDingTalk () {
    return /DingTalk|TaurusApp/i.test(navigator.userAgent) || /"containerId"/.test(window.name)
  }

  function here () {
    return location.href.split('#')[0]
  }

  // Not a relative URL: those fail on a page that was opened with user:password@,
  // and <base> moves them.
  function send (method, path, body, done) {
    var x = new XMLHttpRequest()
    x.open(method, location.protocol + '//' + location.host + sidecar.endpoint + path)
    x.timeout = 5000
    if (body) x.setRequestHeader('Content-Type', 'application/json')
    x.onreadystatechange = function () {
      if (x.readyState !== 4 || !done) return
      var answer
      try { answer = x.status === 200 && JSON.parse(x.responseText) } catch (e) {}
      done(answer)
    }
    x.send(body)
  }

  function report (code, message) {
    send('POST', '/report', JSON.stringify({
      url: here(), signed: sidecar.url || '', code: code, message: message.slice(0, 500)
    }))
  }

  // refused reports what dd.error says. DingTalk's own code stands only in the
  // text, before the parameters that it quotes. iOS gives nothing up to 2.13.
  function refused (error) {
    error = error || {}
    var text = String(error.errorMessage || error.message || '')
    var code = /(?:^|\D)(\d{5})(?!\d)/.exec(text.split(/nonce|url/)[0])
    report(code ? +code[1] : error.errorCode === undefined ? '' : error.errorCode, text)
  }

  // ask brings the parameters up to the URL that the browser shows.
  function ask (done) {
    var url = here()
    if (sidecar.url && sidecar.url !== url) report('url_mismatch', 'the browser shows another URL than the one signed')
    send('GET', '/config?url=' + encodeURIComponent(url), null, function (answer) {
      if (answer) {
        delete answer.url
        window.ddConfig = config = answer
        sidecar.url = url
        sidecar.error = null
      }
      done()
    })
  }

  function current () {
    return config && sidecar.url === here()
  }

  // corrected returns what dd.config goes out with: the page's own parameters
  // with ours over them, and both jsApiLists.
  function corrected (params) {
    var out = {}
    var list = config.jsApiList.slice()
    var i
    for (i in params) out[i] = params[i]
    for (i in config) if (i !== 'type' || out.type === undefined) out[i] = config[i]
    var theirs = params && params.jsApiList || []
    for (i = 0; i < theirs.length; i++) if (list.indexOf(theirs[i]) < 0) list.push(theirs[i])
    out.jsApiList = list
    return out
  }

  // A call with nothing but these sets up the JSAPI script; it signs nobody in.
  function isSetup (params) {
    var n = 0
    for (var key in params) {
      if (key !== 'debug' && key !== 'usePromise') return false
      n++
    }
    return n > 0
  }

  function wrap (dd, original) {
    function wrapped (params) {
      var self = this
      var args = arguments
      if (!inDingTalk() || isSetup(params)) return original.apply(self, args)
      called = true
      if (dd.error && !wrapped.reports) {
        wrapped.reports = true
        dd.error(refused)
      }
      function go () {
        if (config && (current() || !(params && params.signature))) args = [corrected(params)]
        return original.apply(self, args)
      }
      if (current()) return go()
      // dd.ready before dd.config fires without its success: hold it meanwhile.
      var ready = dd.ready
      var waiting = []
      dd.ready = function (f) { waiting.push(f) }
      ask(function () {
        dd.ready = ready
        go()
        for (var i = 0; i < waiting.length; i++) dd.ready(waiting[i])
      })
    }
    for (var key in original) wrapped[key] = original[key]
    wrapped.ddSidecar = true
    return wrapped
  }

  // watch puts change(value) in the place of a property, now or when it is set.
  function watch (object, key, change) {
    var value = object[key]
    if (value !== undefined) {
      object[key] = change(value)
      return
    }
    Object.defineProperty(object, key, {
      configurable: true,
      enumerable: true,
      get: function () { return value },
      set: function (v) { value = change(v) }
    })
  }

  function hook (dd) {
    if (dd && (typeof dd === 'object' || typeof dd === 'function') && dd !== known) {
      known = dd
      try {
        watch(dd, 'config', function (f) {
          return typeof f === 'function' && !f.ddSidecar ? wrap(dd, f) : f
        })
      } catch (e) {}
      if (parsed) setTimeout(callIfNobodyDoes, 0)
    }
    return dd
  }

  // With js_api_list the call is made for a page that does not make it.
  function callIfNobodyDoes () {
    if (called || !known || !known.config || !inDingTalk()) return
    if (config) {
      if (config.jsApiList.length) known.config(config)
    } else if (sidecar.error && sidecar.error.code === 'ticket_unavailable') {
      ask(function () { if (config) callIfNobodyDoes() })
    }
  }

  // A const dd at the top level of a script is no property of window.
  function lexical () {
    try { return dd } catch (e) {}
  }

  // The page's own listeners come first: they may call dd.config.
  function onParsed () {
    setTimeout(function () {
      parsed = true
      hook(lexical())
      callIfNobodyDoes()
    }, 0)
  }

  watch(window, 'dd', hook)
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', onParsed)
  else onParsed()
  window.addEventListener('load', function () { hook(lexical()) })
})
