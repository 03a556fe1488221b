/* The demo page. There is no signing in here: it calls dd.config with what its backend gave it. ES5. */
(function () {
  'use strict';

  var sidecar = window.ddSidecar; // defined by the sidecar, if there is one in front of this page
  var shown = location.href.split('#')[0];
  var signed = sidecar ? sidecar.url : app.signedURL;

  /* ---- the call ---- */

  dd.config(JSON.parse(JSON.stringify(app.config)));

  dd.ready(function () {
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
    if (app.mistake === 'ticket') {
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

  /* ---- stories ---- */

  function story() {
    var flipped = location.protocol !== 'https:';
    switch (app.mistake) {
    case 'scheme':
      return ['TLS 在 nginx 或 SLB 上终止，又没有转发 X-Forwarded-Proto：应用以为自己在用 http，签出来的 URL 协议不对。' +
        (flipped ? '（本演示站是 http，所以这里反过来签成了 https，一样失败。）' : ''),
        'TLS ends at nginx or an SLB that does not pass on X-Forwarded-Proto: the app believes it is on http, and signs a URL with the wrong scheme.' +
        (flipped ? ' (This demo runs on http, so here it is the other way round. It fails just the same.)' : '')];
    case 'port':
      return ['nginx 写了 <code>proxy_set_header Host $host</code>，<code>$host</code> 不含端口，应用签的 URL 就丢了端口（应写 <code>$http_host</code>）。也有应用把自己监听的端口写了进去。',
        'nginx says <code>proxy_set_header Host $host</code>, and <code>$host</code> has no port, so the signed URL lacks it (<code>$http_host</code> has it). Other apps put in the port that they listen on.'];
    case 'ticket':
      return ['另一个系统用同一个 AppKey 取了 ticket，缓存里的那个就失效了。第一次加载失败，页面把 52013 报告给 sidecar，sidecar 重新获取 ticket（每分钟最多一次），页面自己刷新一次就好了。',
        'A second system fetched the ticket of the same AppKey, and the cached one died. The first load fails, the page reports the 52013, the sidecar fetches the ticket again (at most once a minute), and the page reloads itself, once.'];
    }
    if (!sidecar) {
      return ['这个页面前面没有 sidecar，用的是后端签的参数：后端看到的协议是 ' + scheme() + '，浏览器看到的不是。',
        'There is no sidecar in front of this page, so the backend\'s own parameters went out: it sees ' + scheme() + ', the browser does not.'];
    }
    return ['后端仍然签了它自己看到的 URL（' + scheme() + '），但 sidecar 在 dd.config 发出之前换上了正确的参数。应用一行代码都不用改。',
      'The backend still signed the URL that it sees (' + scheme() + '), but the sidecar put the right parameters into the dd.config call. The app needs no change.'];
  }

  function scheme() { return app.signedURL.split('://')[0]; }

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
    if (mistake === 'ticket') { link.onclick = expireFirst; }
  });

  // The second system: the ticket dies first, then the page loads with a signature that was made with it.
  // One that dies again before the sidecar may fetch another would only break all pages for the rest of the minute.
  function expireFirst() {
    var href = this.href;
    var left = Math.ceil(61 - (Date.now() - (sessionStorage.expired || 0)) / 1000);
    if (left > 0) {
      say('story', '每分钟最多重新获取一次 ticket：请 ' + left + ' 秒后再试。',
        'The ticket is fetched again at most once a minute: try again in ' + left + ' seconds.');
      return false;
    }
    sessionStorage.expired = Date.now();
    var http = new XMLHttpRequest();
    http.open('POST', '/sandbox/expire');
    http.onloadend = function () { location.href = href; };
    http.send();
    return false;
  }

  element('platform').value = platform;
  element('platform').disabled = inDingTalk;
  element('platform').onchange = function () { location.search = '?platform=' + this.value; };

  function element(id) { return document.getElementById(id); }

  // Fills an element with Chinese and, beneath, English.
  function say(id, zh, en) {
    element(id).innerHTML = '<p>' + zh + '</p><p class="en">' + en + '</p>';
  }

  say('story', story()[0], story()[1]);
  showURLs();
})();
