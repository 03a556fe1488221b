/* Authorises and revokes the app for a corp, as its administrator does in DingTalk. ES5. */
(function () {
  'use strict';

  function post(path, body, done) {
    var x = new XMLHttpRequest();
    x.open('POST', path);
    x.setRequestHeader('Content-Type', 'application/json');
    x.onloadend = function () {
      var answer = {};
      try { answer = JSON.parse(x.responseText); } catch (e) { /* said below */ }
      done(x.status, answer);
    };
    x.send(JSON.stringify(body));
  }

  // say tells what was pushed and answered, in both languages.
  function say(card, zh, en) {
    card.querySelector('.pushed').innerHTML = zh + ' <span class="en">' + en + '</span>';
  }

  function mark(card, state) {
    card.setAttribute('data-authorized', state === 'authorized');
    [].forEach.call(card.querySelectorAll('button'), function (button) {
      button.disabled = button.getAttribute('data-state') === state;
    });
  }

  function choose(card, state, event) {
    var corp = card.getAttribute('data-corp');
    [].forEach.call(card.querySelectorAll('button'), function (button) { button.disabled = true; });
    post('/sandbox/corp', {corpid: corp, state: state}, function () {
      post('/sandbox/push', {url: location.origin + '/corps/.dingtalk/callback', event: event, corpid: corp}, function (status, answer) {
        if (answer.reply === 'success') {
          say(card, '钉钉推送了 <code>' + event + '</code>，sidecar 回复 <code>success</code>。',
            'DingTalk pushed it, and the sidecar answered.');
        } else {
          say(card, '推送失败：' + (answer.status || status) + '，sidecar 还不知道这个变化。', 'The push failed: the sidecar does not know of it yet.');
        }
        mark(card, state);
        card.querySelector('iframe').contentWindow.location.reload();
      });
    });
  }

  [].forEach.call(document.querySelectorAll('.corp'), function (card) {
    mark(card, card.getAttribute('data-authorized') === 'true' ? 'authorized' : 'revoked');
    [].forEach.call(card.querySelectorAll('button'), function (button) {
      button.onclick = function () { choose(card, button.getAttribute('data-state'), button.getAttribute('data-event')); };
    });
  });
})();
