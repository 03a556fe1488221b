/*
 * A stand-in for DingTalk's older JSAPI script, g.alicdn.com/dingding/open-develop/1.x/dingtalk.js, which is
 * published there alone. It is written anew after what is known of the behaviour of 1.0 to 1.9:
 *
 * - It sets window.dd wherever none is, under RequireJS and Sea.js, too, where it is a module besides. It is an
 *   empty object then; config, error and ready are added to it afterwards, under the name __dd.
 * - dd.config(params) calls nothing. It keeps corpId, appId || -1, timeStamp, nonceStr, signature, jsApiList,
 *   and agentId if there is one; each further call replaces that. It returns nothing.
 * - dd.ready(f) authenticates: as soon as the bridge is there the kept parameters go to requestJsApis, with
 *   every dd.ready again, and f gets the bridge upon success. Without a dd.config before, f gets it at once.
 * - dd.error(f) keeps one function, the last. It gets {message: '权限校验失败 …', errorCode: 3}, later.
 * - It knows iOS and Android. Elsewhere dd.ready says so in the console, and that is all.
 *
 * The calls of dd.biz and the like, and the beacons of its own, are left out.
 */
(function () {
  'use strict'
  var dd = {
    ios: /iPhone|iPad|iPod/i.test(navigator.userAgent),
    android: /Android/i.test(navigator.userAgent)
  }
  if (typeof define === 'function' && (define.amd || define.cmd)) define(function () { return dd })
  if (typeof window.dd === 'undefined') window.dd = dd
  window.__dd = dd
})();

(function (dd) {
  'use strict'
  var kept = null
  var handler = null
  var warned = false

  function failed (error) {
    setTimeout(function () {
      if (handler) handler({message: '权限校验失败 ' + (error && error.errorMessage || ''), errorCode: 3})
    })
  }

  function authenticate (bridge, done) {
    if (!kept) {
      if (!warned) console.log('没有配置dd.config')
      warned = true
      done(bridge)
    } else if (dd.ios) {
      bridge.callHandler('runtime.permission.requestJsApis', kept, function (answer) {
        if (answer && answer.errorCode === '0') done(bridge)
        else failed(answer)
      })
    } else {
      bridge(function () { done(bridge) }, failed, 'runtime.permission', 'requestJsApis', kept)
    }
  }

  function whenBridge (found) {
    function ios () {
      window.WebViewJavascriptBridge.init(function () {})
      found(window.WebViewJavascriptBridge)
    }
    function android () {
      window.WebViewJavascriptBridgeAndroid = window.nuva.require()
      found(window.WebViewJavascriptBridgeAndroid)
    }
    if (dd.ios) {
      if (window.WebViewJavascriptBridge) ios()
      else document.addEventListener('WebViewJavascriptBridgeReady', ios)
    } else if (dd.android) {
      if (window.WebViewJavascriptBridgeAndroid) found(window.WebViewJavascriptBridgeAndroid)
      else if (window.nuva && window.nuva.isReady !== false) android()
      else document.addEventListener('runtimeready', android)
    } else {
      console.log('请在钉钉App打开此页面')
    }
  }

  var functions = {
    config: function (params) {
      if (!params) return
      kept = {
        corpId: params.corpId,
        appId: params.appId || -1,
        timeStamp: params.timeStamp,
        nonceStr: params.nonceStr,
        signature: params.signature,
        jsApiList: params.jsApiList
      }
      if (params.agentId) kept.agentId = params.agentId
    },
    error: function (f) { handler = f },
    ready: function (f) {
      whenBridge(function (bridge) { authenticate(bridge, f) })
    }
  }
  for (var name in functions) dd[name] = functions[name]
})(window.__dd)
