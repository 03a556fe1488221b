// How the doctor page shows what was found; see page.js.

function byId (id) { return document.getElementById(id) }

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

function row (card, label, value, mark) {
  var line = add(card, 'div', 'row')
  add(line, 'div', 'label', label)
  var cell = add(line, 'div', 'value')
  put(cell, value)
  if (mark) add(cell, 'span', (value ? 'tag behind ' : 'tag ') + mark.status, mark.text)
  return cell
}

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
