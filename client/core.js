// The half of the script that stands in every page, before any other script: what a page
// needs when all is well. What follows a difference, an old signature, a refusal or sign
// is in rest.js. ES5: old Android webviews run it. Each byte travels with every page, so
// terseness comes before ease here; what both halves do and why stands in the package
// comment of client.go.
//
// Names with a $ are what the halves share: the build makes them one letter.
//
// noted is not empty where the parameters cannot go out as they are: a further part of
// the question to `config`, or what was noted about refusals.
(function (data, noted) {
  var rest = '/rest.js' // Go puts the name of the file in its place
  var config = data.config || shown // undefined: nobody has set that yet
  var sidecar = data.sidecar
  var page = window
  var doc = document
  var place = navigator.userAgent + name // PC clients that frame a page say so in its name
  var element = doc.currentScript
  var here = location
  var entry = here.href // the one that the document was opened with
  var define = Object.defineProperty
  var known // the dd whose config was wrapped last
  var ours = [] // the functions that wrap others
  var queue = [] // what the rest is to do; its push does it at once when that is there
  var called // dd.config has been called for this document
  var parsed // the document has been, and its own listeners have run
  var heard // dd.error has been called
  var shown // what the page sees as ddConfig
  var used // the page signs for itself: it has read ddConfig or called sign
  var more // the element that loads the rest, 1 when that is over
  var value = page.ddSidecar // later: that of window.dd

  if (element) element.remove() // whoever walks through the document, as React does, does not meet us

  // What shows other pages in this document (Turbo, pjax) brings the script along
  // with each. What it has to say is news for the one that knows the document.
  if (value && value.sign) return value.sign.$renew(sidecar.url, config)

  watch('ddConfig', 1, function () { used = 1; return shown }, function (v) { shown = v })
  page.ddSidecar = sidecar
  define(sidecar, 'sign', {value: sign})
  sign.$renew = function (url, params) {
    if (params && url == wanted()) {
      shown = queue.$config = params
      sidecar.url = url
      sidecar.error = null
    }
  }
  // What the rest is given, and what stands in the queue, is the same in all versions: in
  // a rolling upgrade the halves may be of two.
  sign.$take = [queue, sidecar, entry, element, noted]
  shown = queue.$config = config

  // watch defines a property of window.
  function watch (name, enumerable, get, set) {
    define(page, name, {configurable: 1, enumerable: enumerable, get: get, set: set})
  }

  function sign (url) {
    used = 1
    return new Promise(need.bind(0, 3, url))
  }

  // wanted returns the URL that DingTalk checks: on Android the entry URL, elsewhere the
  // one that is shown.
  function wanted () {
    return (/Android/.test(place) ? entry : here.href).split('#')[0]
  }

  // need lets the rest do something, and puts the question to `config` beside it where
  // there will be one. Where the rest cannot be had, otherwise is called instead.
  function need (what, a, b, otherwise, asked, base) {
    base = here.origin + sidecar.endpoint // not relative: <base> would move it
    if (!(what % 3 || a || noted)) {
      asked = new XMLHttpRequest()
      asked.open('GET', base + '/config?url=' + encodeURIComponent(wanted()))
      asked.send()
    }
    queue.push([what, a, b, otherwise, asked])
    if (!more && !queue.$taken) {
      more = doc.createElement('script')
      more.onload = more.onerror = over
      more.nonce = element && element.nonce
      more.src = base + rest
      doc.head.appendChild(more)
      setTimeout(over, 5000)
    }
  }

  function over () {
    if (!queue.$taken && more.src) {
      more = 1
      console.warn('dingtalk: no', rest)
      queue.$held = 0
      queue.map(queue.push = function (c) { if (c[3]) c[3](Error(rest)) })
    }
  }

  // hook wraps what dd has now. It runs whenever somebody looks at dd.
  function hook (dd) {
    try {
      ['config', 'error', 'ready'].map(function (key, i) {
        var original = dd[key]
        function wrapped (params) {
          var self = this
          var args = arguments
          var asked = queue.$held
          // A call with nothing but these sets up the JSAPI script; one with a text or a
          // function is meant for a dd of the page's own.
          var trifle = i || params && (typeof params != 'object' || /^(debug|usePromise|,)+$/.test(Object.keys(params)))
          // go corrects the page's own parameters: ours over them, and both jsApiLists.
          function go (fits) {
            config = queue.$config
            if (!trifle && config && (fits == 1 || sidecar.url == wanted() || !params || !params.signature)) {
              args = {}
              for (key in params) args[key] = params[key]
              for (key in config) if (key != 'type' || !(key in args)) args[key] = config[key]
              args.jsApiList = config.jsApiList.concat(params && params.jsApiList || []).filter(function (name, at, list) { return list.indexOf(name) == at })
              args = [args]
            }
            return original.apply(self, args)
          }
          if (i == 1) {
            heard = params && params.apply && (args = [function (error) {
              need(4, error)
              return params.apply(this, arguments)
            }])
          }
          if (!trifle) {
            called = 1
            // Ours goes with that of the page: older scripts keep one.
            try { if (!heard) dd.error(found) } catch (e) {}
            // The ticket behind old parameters may have ended: pages are left open, and
            // come back out of caches.
            config = queue.$config
            if (!config || noted || sidecar.url != wanted() || Date.now() / 6e5 - config.timeStamp / 600 | 0) queue.$held = 1
          }
          // dd.ready before dd.config fires without its success: it is held meanwhile.
          return queue.$held ? need(trifle ? 1 : 0, asked, dd, go) : go()
        }
        if (original && original.apply && ours.indexOf(original) < 0) {
          for (var name in original) wrapped[name] = original[name]
          ours.push(wrapped)
          name = {value: wrapped, writable: 1}
          try { define(dd, key, name) } catch (e) { define(dd = Object.create(dd), key, name) } // a frozen object, or the namespace of an ES module
          if (!i) {
            known = dd
            if (parsed) setTimeout(callIfNobodyDoes)
          }
        }
      })
    } catch (e) {}
    return dd
  }

  // With js_api_list the call is made for a page that does not make it.
  function callIfNobodyDoes (late) {
    parsed = 1
    found()
    config = queue.$config
    if (late) {
      if (!known && !used) need(7)
    } else if (known && !called) {
      if (!config) need(6, callIfNobodyDoes)
      else if (config.jsApiList[0]) {
        known.config(config)
        if (!known.env) need(5, known)
      }
    }
  }

  // found wraps a dd that is not ours to watch: a const is no property of window, and
  // a function of that name takes our place there.
  function found () {
    try { if (dd) hook(dd) } catch (e) {}
  }

  if (!/DingTalk|TaurusApp|"containerId"/i.test(place)) return
  try {
    value = page.dd
    watch('dd', 0, function () {
      return value === undefined ? __proto__.dd : value = hook(value) // that is where window has the element with the id dd
    }, function (v) {
      value = v
      define(page, 'dd', {enumerable: 1}) // until then nobody meets it who looks through window
      found()
    })
    noted = noted || sessionStorage.ddSidecar || localStorage.ddSidecar
  } catch (e) {}
  found()
  doc.addEventListener('load', found, 1) // of each script, before the next one runs
  // The page's own listeners may call dd.config, and loaders of modules take their time.
  // The event, as a delay, is none.
  addEventListener('DOMContentLoaded', setTimeout.bind(page, callIfNobodyDoes))
  addEventListener('load', setTimeout.bind(page, callIfNobodyDoes, 1000, 1))
})
