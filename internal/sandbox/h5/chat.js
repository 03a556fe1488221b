/* The chat of a group: what its robot has been sent, as DingTalk shows it. ES5. */
(function () {
  'use strict';

  var chat = document.getElementById('chat'), shown = 0;

  function add(parent, name, text) {
    var e = parent.appendChild(document.createElement(name));
    if (text) { e.textContent = text; }
    return e;
  }

  // Bold, links and plain text, with \ before what is no markup. Nothing of a message becomes HTML.
  function inline(parent, text) {
    var part = /\\([^A-Za-z0-9\s])|\*\*((?:\\.|[^*\\])+)\*\*|\[((?:\\.|[^\]\\])*)\]\((https?:\/\/[^)\s]+)\)|(@[\w+-]+)/;
    for (var m = part.exec(text); m; m = part.exec(text)) {
      parent.appendChild(document.createTextNode(text.slice(0, m.index)));
      if (m[1]) { parent.appendChild(document.createTextNode(m[1])); }
      if (m[2]) { inline(add(parent, 'strong'), m[2]); }
      if (m[4]) { link(parent, m[3].replace(/\\(.)/g, '$1'), m[4]); }
      if (m[5]) { add(parent, 'mark', m[5]); }
      text = text.slice(m.index + m[0].length);
    }
    parent.appendChild(document.createTextNode(text));
  }

  function link(parent, text, url) {
    var a = add(parent, 'a', text);
    if (/^https?:\/\//.test(url)) { a.href = url; a.rel = 'noopener'; a.target = '_blank'; }
    return a;
  }

  function markdown(parent, text) {
    var list = null;
    text.split('\n').forEach(function (line) {
      var heading = /^#{1,6}\s+(.*)/.exec(line), item = /^[-*+]\s+(.*)/.exec(line);
      if (!item) { list = null; }
      if (heading) { inline(add(parent, 'h3'), heading[1]); return; }
      if (item) { list = list || add(parent, 'ul'); inline(add(list, 'li'), item[1]); return; }
      if (line.replace(/\s/g, '')) { inline(add(parent, 'p'), line.replace(/^>\s*/, '')); }
    });
  }

  function card(parent, title, text, url) {
    var target = link(parent, '', url);
    add(target, 'h3', title);
    if (text) { add(parent, 'p', text); }
  }

  function actionCard(parent, c) {
    add(parent, 'h3', c.title);
    markdown(parent, c.text);
    (c.btns || [{title: c.singleTitle, actionURL: c.singleURL}]).forEach(function (b) { link(parent, b.title, b.actionURL).className = 'action'; });
  }

  function show(message) {
    var m = message.body, bubble = document.createElement('li');
    var time = new Date(message.time);
    add(bubble, 'time', time.toLocaleTimeString());
    if (m.text) { add(bubble, 'p', m.text.content).style.whiteSpace = 'pre-line'; }
    if (m.markdown) { markdown(bubble, m.markdown.text); }
    if (m.link) { card(bubble, m.link.title, m.link.text, m.link.messageUrl); }
    if (m.actionCard) { actionCard(bubble, m.actionCard); }
    if (m.feedCard) { (m.feedCard.links || []).forEach(function (l) { card(bubble, l.title, '', l.messageURL); }); }
    chat.insertBefore(bubble, chat.firstChild);
  }

  function look() {
    var http = new XMLHttpRequest();
    http.open('GET', '/sandbox/robot');
    http.onload = function () {
      var all = [];
      try { all = JSON.parse(http.responseText).filter(function (m) { return m.shown; }); } catch (e) { return; }
      while (shown < all.length) { show(all[shown++]); }
      document.getElementById('chat-empty').hidden = shown > 0;
    };
    http.onloadend = function () { setTimeout(look, 2000); };
    http.send();
  }

  look();
})();
