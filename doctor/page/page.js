// The script of the doctor page. It tries dd.config as a page of the site does,
// tells the server what came of it, and shows what that finds. ES5: phones of 2015
// run it. All that comes from elsewhere goes into text nodes.
(function () {
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

  function byId (id) { return document.getElementById(id) }

  // ---- elements and texts

  // text is a string, or {zh, en}: then both are in the page, and its language
  // decides which is seen.
  function put (node, text) {
    if (typeof text !== 'string') {
      add(node, 'span', '', text.zh).lang = 'zh'
      add(node, 'span', '', text.en).lang = 'en'
    } else {
      node.appendChild(document.createTextNode(text))
    }
    return node
  }

  function add (parent, tag, name, text) {
    var node = document.createElement(tag)
    if (name) node.className = name
    if (text !== undefined) put(node, text)
    return parent.appendChild(node)
  }

  function clear (node) {
    while (node.firstChild) node.removeChild(node.firstChild)
    return node
  }

  function both (zh, en) { return {zh: zh, en: en} }

  function said (text) { return typeof text === 'string' ? text : /^zh/.test(root.lang) ? text.zh : text.en }

  function row (card, label, value, mark) {
    var line = add(card, 'div', 'row')
    add(line, 'div', 'label', label)
    var cell = add(line, 'div', 'value')
    put(cell, value)
    if (mark) add(cell, 'span', (value ? 'tag behind ' : 'tag ') + mark.status, mark.text)
    return cell
  }

  function span (seconds) {
    var h = Math.floor(seconds / 3600)
    var m = Math.floor(seconds % 3600 / 60)
    var s = seconds % 60
    return both(
      (h ? h + ' 小时 ' : '') + (h || m ? m + ' 分' : s + ' 秒'),
      (h ? h + ' h ' : '') + (h || m ? m + ' min' : s + ' s'))
  }

  var parts = {
    scheme: both('协议', 'scheme'), host: both('主机', 'host'), port: both('端口', 'port'),
    path: both('路径', 'path'), query: both('查询参数', 'query')
  }

  var outcomes = {
    '': both('正在尝试……', 'trying …'),
    outside: both('未尝试：不在钉钉里', 'not tried: this is not DingTalk'),
    unsigned: both('未尝试：页面没有签名', 'not tried: the page is not signed'),
    no_script: both('未尝试：没有 JSAPI 脚本', 'not tried: there is no JSAPI script'),
    silent: both('没有回应', 'no answer'),
    ready: both('成功', 'succeeded'),
    error: both('失败', 'failed')
  }

  var scripts = {
    loading: both('正在加载', 'loading'),
    loaded: both('已加载', 'loaded'),
    failed: both('加载失败，请检查手机能否访问该地址', 'could not be loaded: check that this phone reaches it')
  }

  var icons = {ok: '✓', open: '…', warning: '!', error: '✕'}

  // ---- what is shown

  function render () {
    verdict(byId('verdict'), found.findings)
    urls(body('url'))
    lines(byId('lines'))
    outcome(body('config'))
    ticket(body('ticket'), found.ticket)
    listed(byId('tenants'), found.tenants || [])
    listed(byId('sign_in'), found.sign_in || [])
    arrival(body('request'))
  }

  function body (id) { return clear(byId(id).querySelector('.card')) }

  function verdict (card, findings) {
    var first = findings[0]
    card.className = 'card verdict ' + first.status
    put(clear(card.querySelector('.badge')), icons[first.status])
    put(clear(card.querySelector('h2')), first.text)
    steps(clear(card.querySelector('.cure')), first)
    var list = clear(byId('further'))
    findings.slice(1).forEach(function (f) { finding(list, f) })
    if (trouble) add(list, 'li', 'warning', trouble)
  }

  function finding (list, f) {
    var item = add(list, 'li', f.status)
    add(item, 'b', '', f.text)
    steps(item, f)
    return item
  }

  // Sites without sign-in, or with one app, have no findings of it.
  function listed (section, findings) {
    section.style.display = findings.length ? '' : 'none'
    var list = clear(section.querySelector('.card'))
    findings.forEach(function (f) { add(finding(list, f), 'span', 'tag ' + f.status, icons[f.status]) })
  }

  function steps (node, finding) {
    finding.cures.forEach(function (cure) { add(node, 'p', '', cure) })
  }

  function urls (card) {
    var differs = found.url.differs
    pieces(row(card, both('浏览器显示', 'The browser shows'), ''), found.url.shown, masked(shown))
    pieces(row(card, both('我们还原并签名', 'We rebuilt and signed'), ''), found.url.signed, both('没有签名', 'nothing'))
    if (!found.url.shown.length || !found.url.signed.length) return
    var last = row(card, both('比较', 'Compared'), '')
    if (!differs.length) return add(last, 'span', 'tag ok', both('完全一致', 'equal'))
    differs.forEach(function (name) {
      add(last, 'span', 'tag error', both(parts[name].zh + '不同', parts[name].en + ' differs'))
    })
  }

  function pieces (cell, list, otherwise) {
    cell.className += ' code'
    if (!list.length) put(cell, otherwise)
    list.forEach(function (p) {
      if (p.differs) add(cell, 'mark', p.text ? '' : 'gap', p.text)
      else put(cell, p.text)
    })
  }

  function masked (text) { return text.replace(/([?&]token=)[^&]*/g, '$1***') }

  var names = {caddy: 'Caddy', nginx: 'nginx', 'ingress-nginx': 'Kubernetes (ingress-nginx)'}

  function lines (section) {
    while (section.children.length > 1) section.removeChild(section.lastChild)
    section.style.display = found.lines.length ? '' : 'none'
    found.lines.forEach(function (line) {
      var card = add(section, 'div', 'card line')
      var head = add(card, 'div', 'head')
      add(head, 'b', '', names[line.where])
      copies(add(head, 'button', 'small', both('复制', 'Copy')), function () { return line.text })
      add(card, 'p', 'note', line.note)
      add(card, 'pre', '', line.text.replace(/\t/g, '    '))
    })
  }

  function outcome (card) {
    var c = found.config
    var status = {ready: 'ok', '': 'open', outside: 'open', unsigned: 'open'}[c.outcome] || 'error'
    row(card, both('结果', 'Result'), '', {status: status, text: outcomes[c.outcome] || c.outcome})
    if (c.code) row(card, both('错误码', 'Code'), c.code)
    if (c.meaning.en) row(card, both('含义', 'Meaning'), c.meaning)
    if (c.message) row(card, both('钉钉原文', "DingTalk's words"), c.message).className += ' code'
    var cell = row(card, both('脚本', 'Script'), '')
    add(cell, 'span', 'tag ' + {loading: 'open', loaded: 'ok', failed: 'error'}[script], scripts[script])
    add(cell, 'div', 'code', jsapi)
  }

  function ticket (card, t) {
    var cell = row(card, both('状态', 'State'), '')
    add(cell, 'span', 'tag ' + (t.held ? 'ok' : 'error'), t.held ? both('有效', 'valid') : both('没有', 'none'))
    if (t.held) {
      row(card, both('已用', 'Age'), span(t.age_seconds))
      row(card, both('剩余', 'Left'), span(t.expires_in_seconds))
    }
    if (!t.error) return
    row(card, both('错误', 'Error'), t.error.message).className += ' code'
    row(card, both('建议', 'Advice'), t.error.advice)
    row(card, both('下次重试', 'Next try'), span(t.error.next_try_seconds))
  }

  function arrival (card) {
    var r = request
    row(card, both('对端', 'Peer'), r.peer, r.trusted
      ? {status: 'ok', text: both('受信任的代理', 'trusted proxy')}
      : {status: 'open', text: both('不是受信任的代理', 'no trusted proxy')})
    row(card, 'Host', r.host)
    row(card, 'TLS', r.tls ? both('有', 'yes') : both('没有', 'no'), r.early_data && {status: 'warning', text: 'early data'})
    if (r.tls) row(card, 'SNI', r.sni || '—')
    if (!r.headers.length) row(card, both('转发头', 'Headers'), both('代理没有发来任何转发头', 'no forwarding header was sent'))
    r.headers.forEach(function (h) {
      var item = add(card, 'div', 'header')
      var head = add(item, 'div', 'head')
      add(head, 'b', '', h.name)
      add(head, 'span', 'tag ' + h.status, h.status === 'error' ? both('格式不对', 'malformed')
        : h.believed ? both('相信', 'believed') : both('未采用', 'not used'))
      add(item, 'div', 'code', h.value)
      add(item, 'p', 'note', h.why)
    })
  }

  // ---- all of it as text, without secrets

  function text () {
    var out = ['caddy-dingtalk ' + window.ddSidecar.version + ' doctor', new Date().toISOString(), navigator.userAgent, '']
    function section (name) { out.push('', '## ' + said(name)) }
    function line (name, value) { out.push(said(name) + ': ' + said(value)) }
    function joined (list) { return list.map(function (p) { return p.differs ? '[' + p.text + ']' : p.text }).join('') }

    function told (f) {
      out.push(icons[f.status] + ' ' + said(f.text))
      f.cures.forEach(function (cure) { out.push('  → ' + said(cure)) })
    }

    found.findings.forEach(told)
    if (trouble) out.push(said(trouble))

    section(both('网址（方括号里是不同之处）', 'The URL (what differs in brackets)'))
    line(both('浏览器显示', 'The browser shows'), joined(found.url.shown) || masked(shown))
    line(both('我们还原并签名', 'We rebuilt and signed'), joined(found.url.signed) || '—')

    section('dd.config')
    line(both('结果', 'Result'), outcomes[found.config.outcome] || '')
    if (found.config.code) line(both('错误码', 'Code'), found.config.code)
    if (found.config.message) line(both('钉钉原文', "DingTalk's words"), found.config.message.replace(/(nonce|timestamp|ticketList):\[[^\]]*\]?/g, '$1:[…]'))
    line(both('脚本', 'Script'), said(scripts[script]) + ' ' + jsapi)

    var t = found.ticket
    section('jsapi_ticket')
    line(both('状态', 'State'), t.held ? both('有效', 'valid') : both('没有', 'none'))
    if (t.held) {
      line(both('已用', 'Age'), span(t.age_seconds))
      line(both('剩余', 'Left'), span(t.expires_in_seconds))
    }
    if (t.error) {
      line(both('错误', 'Error'), t.error.message)
      line(both('建议', 'Advice'), t.error.advice)
    }

    if (found.tenants) {
      section(both('企业和应用', 'Corps and apps'))
      found.tenants.forEach(told)
    }

    if (found.sign_in) {
      section(both('登录（免登）', 'Sign-in'))
      found.sign_in.forEach(told)
    }

    section(both('请求是怎么到达的', 'How the request arrived'))
    line(both('对端', 'Peer'), request.peer + (request.trusted ? ' (trusted_proxies)' : ''))
    line('Host', request.host)
    line('TLS', request.tls ? 'SNI ' + (request.sni || '—') + (request.early_data ? ', early data' : '') : '—')
    request.headers.forEach(function (h) {
      line(h.name, h.value)
      out.push('  → ' + said(h.why))
    })

    found.lines.forEach(function (l) {
      section(names[l.where] + ' · ' + said(l.note))
      out.push(l.text)
    })
    return out.join('\n') + '\n'
  }

  // copies makes a button that copies what make returns, and says so.
  function copies (button, make) {
    var children = [].slice.call(button.childNodes)
    button.addEventListener('click', function () {
      copy(make(), function (done) {
        put(clear(button), done ? both('已复制', 'Copied') : both('请长按上面的文字复制', 'Press and hold the text to copy it'))
        setTimeout(function () {
          clear(button)
          children.forEach(function (c) { button.appendChild(c) })
        }, 2000)
      })
    })
  }

  // The clipboard is there on https only, and not in old webviews.
  function copy (text, done) {
    function byHand () {
      var area = document.createElement('textarea')
      area.value = text
      area.readOnly = true
      area.className = 'copied'
      document.body.appendChild(area)
      area.select()
      area.setSelectionRange(0, text.length) // iOS
      var ok = false
      try { ok = document.execCommand('copy') } catch (e) {}
      if (ok) document.body.removeChild(area)
      else area.className = 'copied seen'
      done(ok)
    }
    try {
      navigator.clipboard.writeText(text).then(function () { done(true) }, byHand)
    } catch (e) {
      byHand()
    }
  }

  // ---- dd.config, and what the server says to it

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
      url: shown, signed: signed, outcome: outcome, code: code, message: message, missed: missed,
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
  probe(function () { ask.apply(null, last) })
})()
