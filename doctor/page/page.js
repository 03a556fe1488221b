// The script of the doctor page. It tries dd.config as a page of the site does,
// tells the server what came of it, and shows what that finds. ES5: phones of 2015
// run it. All that comes from elsewhere goes into text nodes. Its parts words.js, show.js
// and copy.js stand before this one in one function.

var root = document.documentElement
var found = JSON.parse(byId('findings').textContent)
var request = found.request // of the page itself, not of the questions that follow
var config = window.ddConfig
var shown = location.href.split('#')[0]
var signed = config ? window.ddSidecar.url : '' // what was signed before the client asked for another URL
var jsapi = document.body.getAttribute('data-jsapi') // DingTalk's script
var script = 'loading' // how that stands: loading, loaded or failed
var trouble = null // why the findings are not up to date
var asked = 0
var settled = false // dd.config has succeeded or failed
var last = [!inDingTalk() ? 'outside' : config ? '' : 'unsigned', '', ''] // what became of it so far
var missed = null // the status that config gave where it is not ours, 0 for no answer
var lost = null // the first script of the endpoints that is not to be had, {name, status}

// probe asks config as the scripts of pages do: this page is found under another path
// where a proxy cuts one off.
function probe (done) {
  var x = new XMLHttpRequest()
  x.open('GET', location.protocol + '//' + location.host + window.ddSidecar.endpoint + '/config?url=' + encodeURIComponent(signed || shown))
  x.timeout = 10000
  x.onloadend = function () {
    var answer = {}
    try { answer = JSON.parse(x.responseText) || {} } catch (e) {}
    var refused = answer.error && answer.error.code && answer.error.code !== 'not_found'
    if (!answer.signature && !refused) missed = x.status
    done()
  }
  x.send()
}

// fetchAll gets scripts of the endpoints as pages do, up to one that is not to be had: a
// proxy may have a place of its own for files of that name.
function fetchAll (files, done) {
  if (!files.length || missed !== null) return done()
  var x = new XMLHttpRequest()
  x.open('GET', location.protocol + '//' + location.host + window.ddSidecar.endpoint + '/' + files[0])
  x.timeout = 10000
  x.onloadend = function () {
    if (x.status === 200 && /javascript/.test(x.getResponseHeader('Content-Type'))) return fetchAll(files.slice(1), done)
    lost = {name: files[0], status: x.status}
    done()
  }
  x.send()
}

// The question goes to the page's own URL, so that proxies treat it as they
// treated the page.
function ask (outcome, code, message) {
  var turn = ++asked
  last = [outcome, code, message]
  var now = window.ddConfig || {}
  var x = new XMLHttpRequest()
  x.open('POST', location.protocol + '//' + location.host + location.pathname + location.search)
  x.setRequestHeader('Content-Type', 'application/json')
  x.timeout = 15000
  x.onloadend = function () {
    if (turn !== asked) return // a later one is under way
    var answer = null
    try { answer = x.status === 200 && JSON.parse(x.responseText) } catch (e) {}
    trouble = answer ? null : both('取不到诊断结果（HTTP ' + x.status + '）：下面只有打开页面时已知的内容',
      'the findings could not be fetched (HTTP ' + x.status + '): below is only what was known when the page was opened')
    if (answer) found = answer
    else found.config = {outcome: outcome, code: String(code), message: masked(message), meaning: both('', '')}
    render()
  }
  x.send(JSON.stringify({
    url: shown, signed: signed, outcome: outcome, code: code, message: message, missed: missed, lost: lost,
    timeStamp: now.timeStamp, nonceStr: now.nonceStr, signature: now.signature
  }))
}

function finish (outcome, error) {
  if (settled) return
  settled = outcome === 'ready' || outcome === 'error'
  error = error || {} // the script up to 2.13 gives none on iOS
  ask(outcome, error.errorCode || error.code || '', String(error.errorMessage || error.message || '').slice(0, 6000))
}

function call () {
  try {
    var promise = dd.config(window.ddConfig)
    dd.error(function (e) { finish('error', e) })
    dd.ready(function () { finish('ready') })
    if (promise && promise['catch']) promise['catch'](function () {})
  } catch (e) {
    finish('error', e)
  }
  setTimeout(function () { finish('silent') }, 8000)
}

function inDingTalk () { return /DingTalk|TaurusApp|"containerId"/i.test(navigator.userAgent + window.name) }

function arrived (state) {
  if (script !== 'loading') return
  script = state
  if (state === 'loaded' && typeof dd === 'undefined') script = 'failed'
  render()
  if (!inDingTalk() || !config) return
  if (script === 'failed') finish('no_script')
  else call()
}

// The script rejects a promise of its own where dd.config fails; that is shown.
window.addEventListener('unhandledrejection', function (e) { e.preventDefault() })

// The script stands behind this one and is not waited for.
function watch (state) {
  return function (e) { if (e.target.id === 'jsapi') arrived(state) }
}
document.addEventListener('load', watch('loaded'), true)
document.addEventListener('error', watch('failed'), true)
setTimeout(function () { arrived('failed') }, 12000)

byId('language').addEventListener('click', function () { root.lang = /^zh/.test(root.lang) ? 'en' : 'zh-CN' })
byId('again').addEventListener('click', function () { location.reload() })
copies(byId('copy'), text)

render()
probe(function () {
  fetchAll(document.body.getAttribute('data-scripts').split(' '), function () { ask.apply(null, last) })
})
