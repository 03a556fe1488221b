/*
 * A stand-in for DingTalk's JSAPI script, so that the demo runs without a network. It is not DingTalk's
 * code: it knows dd.config, dd.ready, dd.error and dd.device.notification.alert, and talks to the same
 * bridges as the real one. A real page loads
 * https://g.alicdn.com/dingding/dingtalk-jsapi/3.1.0/dingtalk.open.js instead.
 */
(function () {
  'use strict';

  var configured = false;
  var outcome = null; // {ok, value} once dd.config has been answered
  var listeners = [];

  function settle(ok) {
    return function (value) {
      outcome = {ok: ok, value: value};
      listeners.forEach(function (listener) { listener(outcome); });
    };
  }

  function listen(ok, callback) {
    function listener(o) { if (o.ok === ok) { callback(o.value); } }
    listeners.push(listener);
    if (outcome) { listener(outcome); }
  }

  // One function per client app: call(method, params, success, fail).
  var clients = {
    ios: function (method, params, success, fail) {
      window.WebViewJavascriptBridge.callHandler(method, params, function (answer) {
        if (answer.errorCode === '0') { success(answer.result); } else { fail(answer); }
      });
    },
    android: function (method, params, success, fail) {
      var dot = method.lastIndexOf('.');
      window.nuva.require()(success, fail, method.slice(0, dot), method.slice(dot + 1), params);
    },
    harmony: function (method, params, success, fail) {
      window.DingTalkJSBridge.call(method, params, function (answer) {
        (answer.success ? success : fail)(answer.body);
      });
    },
    pc: function (method, params, success, fail) {
      var host = JSON.parse(window.name);
      var id = Math.floor(Math.random() * 1e9) + 1;
      window.addEventListener('message', function receive(event) {
        if (event.origin !== host.hostOrigin || event.data.msgId !== id) { return; }
        window.removeEventListener('message', receive);
        (event.data.success ? success : fail)(event.data.body);
      });
      window.postMessage({type: 'request', msgId: id, containerId: host.containerId, methodName: method, body: params}, host.hostOrigin);
    }
  };

  function platform() {
    if (window.WebViewJavascriptBridge) { return 'ios'; }
    if (window.nuva) { return 'android'; }
    if (window.DingTalkJSBridge) { return 'harmony'; }
    return window.dingtalk && window.dingtalk.platform ? 'pc' : 'notInDingTalk';
  }

  function call(method, params, success, fail) {
    var client = clients[platform()];
    if (client) {
      client(method, params, success, fail);
    } else {
      fail({errorCode: 4040, errorMessage: 'not in DingTalk: there is no bridge'});
    }
  }

  window.dd = {
    env: {platform: platform()},
    config: function (params) {
      if (configured) { return; } // dd.config counts once a document
      configured = true;
      call(platform() === 'pc' ? 'config' : 'runtime.permission.requestJsApis', params, settle(true), settle(false));
    },
    ready: function (callback) { listen(true, callback); },
    error: function (callback) { listen(false, callback); },
    device: {
      notification: {
        alert: function (params) {
          call('device.notification.alert', params, params.onSuccess, params.onFail);
        }
      }
    }
  };
})();
