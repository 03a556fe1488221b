/* Chooses who holds the DingTalk app, and from where the greeting is opened. ES5. */
(function () {
  'use strict';

  var trouble = document.getElementById('trouble');

  function get(path, done) {
    var x = new XMLHttpRequest();
    x.open('GET', path);
    x.onloadend = function () { done(x.status); };
    x.send();
  }

  function post(path, body, done) {
    var x = new XMLHttpRequest();
    x.open('POST', path);
    x.setRequestHeader('Content-Type', 'application/json');
    x.onloadend = function () { done(x.status); };
    x.send(body);
  }

  // Says a text in Chinese and in English.
  function say(zh, en) {
    trouble.textContent = zh + ' ';
    var english = trouble.appendChild(document.createElement('span'));
    english.className = 'en';
    english.textContent = en;
  }

  // A greeting for somebody else begins with nobody signed in. Who is signed out has to click before the next
  // sign-in, so nobody is who was not signed in. (ddSidecar.user() would load DingTalk's script, which looks for
  // the client app when it loads: it comes with ddSidecar.login(), when that is simulated.)
  function alone(then) {
    trouble.textContent = '';
    get(ddSidecar.endpoint + '/user', function (status) {
      if (status === 200) { post(ddSidecar.endpoint + '/logout', '', then); } else { then(); }
    });
  }

  function refused(error) {
    if (error.code === 'no_answer') {
      say('钉钉客户端没有给出授权码，所以没有登录：它只给企业成员，不给外部联系人。(no_answer)',
        'The DingTalk app gave no code, so nobody is signed in: members of the organisation get one, external contacts do not.');
    } else {
      say('没有登录：' + error.message + ' (' + error.code + ')', 'Nobody is signed in.');
    }
  }

  function greet() { location.href = '/hello/me'; }

  document.getElementById('inside').onclick = function () {
    var user = document.querySelector('[name=user]:checked').value;
    alone(function () {
      post('/sandbox/user', JSON.stringify({user: user}), function () {
        __ddNative.install('ios', {userAgent: true});
        say('正在向钉钉客户端要授权码…', 'Asking the DingTalk app for a code…');
        ddSidecar.login().then(greet, refused);
      });
    });
  };

  document.getElementById('outside').onclick = function () {
    window.name = ''; // the other demo says by it that this tab is the client app's
    alone(greet);
  };
})();
