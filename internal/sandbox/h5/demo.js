/* The demo page. There is no signing in here: it calls dd.config with what its backend gave it. ES5. */
(function () {
  'use strict';

  var sidecar = window.ddSidecar; // defined by the sidecar, if there is one in front of this page
  var shown = location.href.split('#')[0];
  var signed = sidecar ? sidecar.url : app.signedURL;

  /* ---- the call ---- */

  dd.config(JSON.parse(JSON.stringify(app.config)));

  var stories = window.demoStories(say, {sidecar: sidecar, app: app});

  dd.ready(function () {
    stories.tell('good');
    verdict('good', '✓', '签名通过', 'The signature is right');
    say('meaning', '客户端按自己显示的 URL 重算了签名，结果一致，原生能力已经开放。',
      'The client app hashed the URL that it shows, got the same signature, and opened its native features.');
    showParams();
  });

  dd.error(function (error) {
    var message = error && error.errorMessage || '';
    var code = (/Code:(\d{5})/.exec(message) || [])[1] || (message.indexOf('签名校验失败') === 0 ? '52013' : '');
    var title = titles[code] || titles.other;
    verdict('bad', '✗', code + ' ' + title[0], title[1]);
    element('words').hidden = false;
    element('words').textContent = JSON.stringify(error);
    if (code === '52013') { explainMismatch(); }
    stories.tell(code === '52013' && shown === signed ? 'dead ticket' : 'bad');
    offerCure();
    showParams();
  });

  var titles = {
    52010: ['无效的 corpId', 'Wrong corpId'],
    52013: ['签名校验失败', 'The signature does not match'],
    52019: ['无效的 agentId', 'Wrong agentId'],
    other: ['调用被拒绝', 'The call was refused']
  };

  function verdict(mood, mark, zh, en) {
    element('verdict').className = 'card ' + mood;
    element('mark').textContent = mark;
    element('verdict-zh').textContent = zh;
    element('verdict-en').textContent = en;
  }

  function explainMismatch() {
    if (shown === signed) {
      say('meaning', '两个 URL 一致，所以是 ticket 错了：签名用的那个已经失效，客户端不再承认它。',
        'Both URLs are the same, so it is the ticket: the one that was signed with is dead, and no longer accepted.');
      return;
    }
    var differing = parts(shown).filter(function (part, i) { return part.text !== parts(signed)[i].text; });
    say('meaning', '客户端按自己显示的 URL 重算了签名，而页面签的是另一个 URL：' +
      differing.map(function (part) { return part.zh; }).join('、') + '不同。',
      'The client app hashed the URL that it shows, but the page signed another one: the ' +
      differing.map(function (part) { return part.en; }).join(' and the ') + ' differs.');
  }

  function offerCure() {
    if (shown === signed) {
      element('cure').innerHTML = '<a class="action" href="">重新加载 <span class="en">Reload</span></a>';
      element('cure').firstChild.onclick = function () { location.reload(); return false; };
    } else if (app.mistake) {
      element('cure').innerHTML = '<a class="action" href="/">交给 sidecar 签名 <span class="en">Let the sidecar sign it</span></a>';
      element('cure').firstChild.search = location.search;
    }
  }

  /* ---- two URLs ---- */

  function parts(url) {
    var m = /^([^:]+:\/\/)([^\/:?]*)(:\d+)?([^?]*)(\?.*)?$/.exec(url) || [];
    return [
      {zh: '协议', en: 'scheme', text: m[1]},
      {zh: '主机', en: 'host', text: m[2]},
      {zh: '端口', en: 'port', text: m[3]},
      {zh: '路径', en: 'path', text: m[4]},
      {zh: '查询', en: 'query', text: m[5]}
    ];
  }

  // Writes url into an element and marks the parts that other has differently.
  function writeURL(id, url, other) {
    parts(url).forEach(function (part, i) {
      var differs = part.text !== parts(other)[i].text;
      element(id).appendChild(document.createElement(differs ? 'mark' : 'span')).textContent = part.text || '';
    });
  }

  function showURLs() {
    element('signer').textContent = sidecar ? 'sidecar' : '应用后端 backend';
    writeURL('shown', shown, signed || shown);
    if (signed) { writeURL('signed', signed, shown); }
    if (sidecar && sidecar.error) {
      element('difference').textContent = sidecar.error.code + ': ' + sidecar.error.message;
    }
  }

  /* ---- parameters ---- */

  function showParams() {
    var call = __ddNative.calls[0];
    if (!call) { return; } // inside the real DingTalk
    ['agentId', 'corpId', 'timeStamp', 'nonceStr', 'signature', 'type', 'jsApiList'].forEach(function (name) {
      var went = JSON.stringify(call.params[name]);
      var row = element('params').insertRow();
      row.appendChild(document.createElement('th')).textContent = name;
      row.insertCell().textContent = went;
      if (went !== JSON.stringify(app.config[name])) {
        row.className = 'corrected';
        say('corrected', '绿色的由 sidecar 改正。', 'Green ones were corrected by the sidecar.');
      }
    });
  }

  /* ---- native feature, switches ---- */

  element('alert').onclick = function () {
    dd.device.notification.alert({
      title: '你好', message: 'Hello', buttonName: 'OK',
      onSuccess: function () {
        say('alert-result', '✓ 客户端接受了调用。', 'The client app accepted the call.');
      },
      onFail: function (error) {
        say('alert-result', '✗ 客户端拒绝了调用，errorCode ' + error.errorCode + '：这个 API 不在已通过的 jsApiList 里。',
          'The client app refused: this API is in no jsApiList that was accepted.');
      }
    });
  };

  [].forEach.call(document.querySelectorAll('nav a'), function (link) {
    var mistake = link.getAttribute('data-mistake');
    link.search = location.search;
    if (mistake === app.mistake) { link.setAttribute('aria-current', 'page'); }
    if (mistake === 'ticket') { link.onclick = stories.expireFirst; }
  });

  element('platform').value = platform;
  element('platform').disabled = inDingTalk;
  element('platform').onchange = function () { location.search = '?platform=' + this.value; };

  function element(id) { return document.getElementById(id); }

  // Fills an element with Chinese and, beneath, English.
  function say(id, zh, en) {
    element(id).innerHTML = '<p>' + zh + '</p><p class="en">' + en + '</p>';
  }

  showURLs();
})();
