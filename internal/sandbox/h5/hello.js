/* Chooses who holds the DingTalk app, and from where the greeting is opened. ES5. */
(function () {
  'use strict';

  var trouble = document.getElementById('trouble');

  function post(path, body, done) {
    var x = new XMLHttpRequest();
    x.open('POST', path);
    x.setRequestHeader('Content-Type', 'application/json');
    x.onloadend = function () { done(x.status); };
    x.send(body);
  }

  // A greeting for somebody else begins with nobody signed in.
  function alone(then) {
    trouble.textContent = '';
    post(ddSidecar.endpoint + '/logout', '', then);
  }

  function greet() { location.href = '/hello/me'; }

  document.getElementById('inside').onclick = function () {
    var user = document.querySelector('[name=user]:checked').value;
    alone(function () {
      post('/sandbox/user', JSON.stringify({user: user}), function () {
        __ddNative.install('ios', {userAgent: true});
        ddSidecar.login().then(greet, function (error) {
          trouble.textContent = error.message + ' (' + error.code + ')';
        });
      });
    });
  };

  document.getElementById('outside').onclick = function () {
    window.name = ''; // the other demo says by it that this tab is the client app's
    alone(greet);
  };
})();
