/*
 * The native bridge as DingTalk's client apps provide it to H5 pages, simulated. ES5.
 *
 * Load it before DingTalk's JSAPI script (that looks at the user agent and at the bridge when it loads), then
 *
 *   __ddNative.install(platform, {userAgent: true, verify: fn})
 *
 * platform   'ios', 'android', 'pc' or 'harmony'
 * userAgent  true: navigator.userAgent becomes one of that platform's client app
 * checks     which URL dd.config must be signed for: 'entry', the one that the document was opened with, or
 *            'current', the one that the browser shows when it is called. They differ once a router has moved.
 *            Default: 'entry' on android, 'current' elsewhere, as users of both report (juejin pin
 *            7275270809777651723, developer.aliyun.com/ask/549440)
 * verify     function (request, done) that judges a dd.config call: request is {platform, href, params},
 *            where href is the URL to check, and done takes {ok, error: {errorCode, errorMessage}}.
 *            Default: __ddNative.remote('/native/verify')
 * code       function (request, done) that gives a code to a page that asks who uses it: request is {platform,
 *            method, params, granted}, where granted tells whether a dd.config was accepted before, and done
 *            takes {ok, code, error: {errorCode, errorMessage}}. Default: __ddNative.remote('/native/code')
 *
 * __ddNative.codes holds every call for a code: {platform, method, params, granted, answer}.
 * __ddNative.calls holds every dd.config call that reached the bridge: {platform, params, href, verdict},
 * where verdict is null until it is known. Any other API succeeds once a config call with that API in its
 * jsApiList was accepted, and fails with errorCode 7 before.
 *
 * Shapes: dingtalk-jsapi 3.2.9, lib/bridge and lib/packages/frame-talk-client-pc.
 */
(function () {
  'use strict';

  var userAgents = {
    ios: 'Mozilla/5.0 (iPhone; CPU iPhone OS 26_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/23E246 AliApp(DingTalk/7.8.1) com.laiwang.DingTalk/46766536 Channel/201200 language/zh-Hans-CN UT4Aplus/0.0.6 WK',
    android: 'Mozilla/5.0 (Linux; U; Android 14; zh-CN; 24069RA21C Build/UKQ1.240116.001) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.58 UWS/5.12.4.0 Mobile Safari/537.36 AliApp(DingTalk/7.5.36) com.alibaba.android.rimet/37747409 Channel/700159 language/zh-CN abi/64 xpn/xiaomi UT4Aplus/0.2.25 colorScheme/light',
    pc: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.125 Safari/537.36 dingtalk-win/1.0.0 nw(0.14.7) DingTalk(7.8.10-Release.250724002) Mojo/1.0.0 Native AppType(release) Channel/201200 Architecture/x86_64',
    harmony: 'Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile AliApp(DingTalk/7.8.1) com.dingtalk.hmos Channel/201200 language/zh-CN'
  };

  // What window.name holds in the PC client.
  var container = {hostOrigin: 'https://im.dingtalk.com', containerId: 'c1', hostVersion: '7.8.10', language: 'zh_CN'};

  var calls = [];
  var codes = [];
  var givesCodes = ['runtime.permission.requestAuthCode', 'runtime.permission.requestAuthCodeV2', 'channel.permission.requestAuthCode'];

  // The client app behind all bridges: invoke(method, params, answer), answer(ok, body) comes later, as
  // everything native does.
  function clientApp(platform, checks, verify, code) {
    var entry = location.href;
    var granted = [];
    var configured = false;

    function config(params, href, answer) {
      var call = {platform: platform, params: params, href: href, verdict: null};
      calls.push(call);
      verify({platform: platform, href: href, params: params}, function (verdict) {
        call.verdict = verdict;
        granted = verdict.ok ? params.jsApiList : granted;
        configured = configured || verdict.ok;
        answer(verdict.ok, verdict.ok ? {} : verdict.error);
      });
    }

    function giveCode(method, params, answer) {
      var call = {platform: platform, method: method, params: params, granted: configured, answer: null};
      codes.push(call);
      code({platform: platform, method: method, params: params, granted: configured}, function (given) {
        call.answer = given;
        answer(given.ok, given.ok ? {code: given.code} : given.error);
      });
    }

    return function (method, params, answer) {
      var href = checks === 'entry' ? entry : location.href;
      var plain = JSON.parse(JSON.stringify(params || {})); // a bridge carries no functions
      setTimeout(function () {
        if (method === 'config' || method === 'runtime.permission.requestJsApis') {
          config(plain, href, answer);
        } else if (givesCodes.indexOf(method) >= 0) {
          giveCode(method, plain, answer); // without dd.config: requestAuthCode needs none
        } else if (granted.indexOf(method) >= 0) {
          answer(true, {});
        } else {
          answer(false, {errorCode: '7', errorMessage: 'no permission: ' + method + ' is not in the jsApiList of an accepted dd.config'});
        }
      }, 0);
    };
  }

  var bridges = {
    ios: function (invoke) {
      window.WebViewJavascriptBridge = {
        init: function () {},
        registerHandler: function () {},
        callHandler: function (name, params, callback) {
          invoke(name, params, function (ok, body) {
            callback(ok ? {errorCode: '0', result: body} :
              {errorCode: String(body.errorCode), errorMessage: body.errorMessage});
          });
        }
      };
      announce('WebViewJavascriptBridgeReady');
    },

    android: function (invoke) {
      function exec(success, fail, service, action, params) {
        invoke(service + '.' + action, params, function (ok, body) { (ok ? success : fail)(body); });
      }
      window.nuva = {isReady: true, require: function () { return exec; }};
      announce('runtimeready');
    },

    harmony: function (invoke) {
      window.DingTalkJSBridge = {
        init: function () {},
        call: function (name, params, callback) {
          invoke(name, params, function (ok, body) { callback({success: ok, body: body}); });
        }
      };
      announce('DingTalkJSBridgeReady');
    },

    pc: function (invoke) {
      var original = window.postMessage;
      // In a frame the SDK talks to the top window, unless it is told that this window carries the bridge.
      container.corsIframe = window.top !== window;
      window.name = JSON.stringify(container);
      window.dingtalk = window.dingtalk || {};
      window.dingtalk.platform = {invokeAPI: function () {}};
      window.postMessage = function (message) {
        if (!message || message.type !== 'request' || !message.msgId) {
          return original.apply(window, arguments);
        }
        invoke(message.methodName, message.body, function (ok, body) {
          window.dispatchEvent(new MessageEvent('message', {
            origin: container.hostOrigin,
            source: window,
            data: {type: 'response', msgId: message.msgId, success: ok, body: body}
          }));
        });
      };
    }
  };

  function announce(name) {
    var event = document.createEvent('Event');
    event.initEvent(name, false, false);
    document.dispatchEvent(event);
  }

  function install(platform, options) {
    options = options || {};
    if (!bridges.hasOwnProperty(platform)) {
      throw new Error('__ddNative: unknown platform ' + platform);
    }
    if (options.userAgent) {
      Object.defineProperty(navigator, 'userAgent', {value: userAgents[platform], configurable: true});
    }
    if (platform !== 'pc' && window.name.indexOf(container.hostOrigin) >= 0) {
      window.name = ''; // it outlives a page that ran as pc in this window
    }
    var checks = options.checks || (platform === 'android' ? 'entry' : 'current');
    bridges[platform](clientApp(platform, checks, options.verify || remote('/native/verify'),
      options.code || remote('/native/code')));
  }

  // A verify function that asks the sandbox's native handler at that URL.
  function remote(url) {
    return function (request, done) {
      var http = new XMLHttpRequest();
      http.open('POST', url);
      http.setRequestHeader('Content-Type', 'application/json');
      http.onload = function () {
        done(http.status === 200 ? JSON.parse(http.responseText) : failure('answered ' + http.status));
      };
      http.onerror = function () { done(failure('did not answer')); };
      http.send(JSON.stringify(request));

      function failure(what) {
        return {ok: false, error: {errorCode: 2, errorMessage: url + ' ' + what}};
      }
    };
  }

  window.__ddNative = {install: install, remote: remote, userAgents: userAgents, calls: calls, codes: codes};
})();
