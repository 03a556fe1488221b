// The half of the script that few pages need: what follows where the page's parameters
// are not those that DingTalk checks, where it refuses, and where the page signs for
// itself. core.js loads it, and says what it hands over; ES5 like that.
(function (queue, sidecar, entry, element, noted) {
  if (queue.$taken) return // another copy of us
  queue.$taken = true

  var kept = keep('session') // what this tab has tried against a refusal, '' if nothing
  var other = kept.indexOf('=') > 0 // it is another form of signature
  var shownCounts = keep('local') > 0 // on this device DingTalk checks no entry URLs
  var tenant = /^&/.test(noted) ? noted : '' // of this tab, where it is not the page's
  var posted = element && element.hasAttribute('data-posted') // a reload would send the form again
  var base = location.protocol + '//' + location.host + sidecar.endpoint
  var waiting // what comes after the answer of `config`, while that is under way
  var told // a refusal has been reported

  function here () {
    return location.href.split('#')[0]
  }

  // wanted returns the URL that DingTalk checks.
  function wanted () {
    return /Android/i.test(navigator.userAgent) && !shownCounts ? entry.split('#')[0] : here()
  }

  function fits () {
    return queue.$config && sidecar.url === wanted()
  }

  // current tells whether the parameters can go out as they are.
  function current () {
    return fits() && !other && !tenant && Math.abs(Date.now() / 1000 - queue.$config.timeStamp) < 600
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

  // ended calls a function with the answer of the endpoint.
  function ended (x, done) {
    x.onloadend = function () {
      var answer
      try { answer = JSON.parse(x.responseText) } catch (e) {}
      done(x.status === 200 && answer, answer && answer.error, x)
    }
    x.timeout = 5000
    if (x.readyState === 4) x.onloadend()
  }

  function send (method, path, body) {
    var x = new XMLHttpRequest()
    x.open(method, base + path)
    x.send(body)
    return x
  }

  // renew takes over new parameters, if DingTalk checks their URL.
  function renew (url, params) {
    if (params && url === wanted()) {
      window.ddConfig = queue.$config = params
      sidecar.url = url
      sidecar.error = null
    }
  }

  // load gets the parameters for a URL. The question may be under way.
  function load (url, done, asked) {
    ended(asked || send('GET', '/config?url=' + encodeURIComponent(url) + (other ? '&' + kept : '') + (/[?&](corp|agent)_?id=/i.test(url) ? '' : tenant)), function (answer, error) {
      if (answer) {
        delete answer.url
        if (tenant) sidecar.tenant = {corpId: answer.corpId, agentId: answer.agentId, by: 'query'}
      }
      renew(url, answer)
      done(answer, error)
    })
  }

  // The signature tells which ticket was refused.
  function report (code, message, done) {
    var c = queue.$config || {}
    ended(send('POST', '/report', JSON.stringify({
      url: wanted(), signed: sidecar.url || '', code: code, message: message.slice(0, 900),
      timeStamp: c.timeStamp, nonceStr: c.nonceStr, signature: c.signature, tried: kept,
      corpId: sidecar.tenant && c.corpId, agentId: sidecar.tenant && c.agentId
    })), done || function () {})
  }

  // sign is for pages that sign for themselves. A relative URL has the user name
  // of the page.
  function sign (url, resolve, reject, asked) {
    var a = document.createElement('a')
    a.href = url || wanted()
    var target = a.href.split('#')[0].replace(/^(\w+:\/\/)[^\/?]*@/, '$1')
    load(target, function (answer, error) {
      if (answer) return url || target === wanted() ? resolve(answer) : sign(url, resolve, reject) // a router has moved on
      error = error || {code: 'unreachable', message: sidecar.endpoint + '/config does not answer'}
      var e = new Error(error.message)
      e.code = error.code
      reject(e)
    }, asked)
  }

  // ask brings the parameters up to the URL that DingTalk checks.
  function ask (asked) {
    if (waiting) return
    waiting = []
    if (sidecar.url && sidecar.url !== wanted()) report('url_mismatch', '')
    var turns = 3
    load(wanted(), function arrived (answer) {
      if (answer && !fits() && --turns) return load(wanted(), arrived) // a router has moved on
      answer = waiting
      waiting = null
      queue.$held = false
      answer.forEach(function (f) { f(fits()) })
    }, asked)
  }

  // later calls a function now, or behind what is under way.
  function later (f) {
    if (waiting) waiting.push(f)
    else f(fits())
  }

  // healed notes that a refused page is accepted now. What a reload has healed may
  // be healed so again; another form is needed by all pages of this tab.
  function healed () {
    if (other) report('healed', '')
    else if (!told) keep('session', '')
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

  // What the core asks for, by its number.
  var deeds = [
    function config (a, dd, go, asked) {
      if (!waiting) {
        if (current()) queue.$held = false
        else ask(asked)
      }
      later(go)
      if (kept) {
        later(function () {
          if (other) dd.ready && dd.ready(healed)
          else setTimeout(healed, 3000) // dd.ready would be a rejection more where it is refused again
        })
      }
    },
    function hold (a, dd, go) { later(go) },
    null,
    sign,
    refused,
    function authenticate (dd) { if (dd.ready) dd.ready(function () {}) }, // open-develop 1.x does there
    function unsigned (call) {
      if (!tenant && (!sidecar.error || sidecar.error.code !== 'ticket_unavailable')) return
      queue.$held = true
      ask()
      later(function () { if (queue.$config) call() })
    },
    function hint () {
      console.warn('dingtalk: no global dd. Where the page imports dingtalk-jsapi, add: dd.config(ddConfig), where its router has moved: ddSidecar.sign().then(dd.config)')
    }
  ]

  function act (c) { deeds[c[0]](c[1], c[2], c[3], c[4]) }

  if (queue.hasOwnProperty('push')) queue.length = 0 // we come late: the core has let them go
  queue.push = act
  queue.splice(0).forEach(act)
})
