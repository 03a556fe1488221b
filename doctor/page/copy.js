// The doctor page as text, for whoever can help; see page.js.

// text is all of it, without secrets.
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
