// What the doctor page says, in both languages; see page.js.

function both (zh, en) { return {zh: zh, en: en} }

function said (text) { return typeof text === 'string' ? text : /^zh/.test(root.lang) ? text.zh : text.en }

function span (seconds) {
  var h = Math.floor(seconds / 3600)
  var m = Math.floor(seconds % 3600 / 60)
  var s = seconds % 60
  return both(
    (h ? h + ' 小时 ' : '') + (h || m ? m + ' 分' : s + ' 秒'),
    (h ? h + ' h ' : '') + (h || m ? m + ' min' : s + ' s'))
}

var parts = {
  scheme: both('协议', 'scheme'), host: both('主机', 'host'), port: both('端口', 'port'),
  path: both('路径', 'path'), query: both('查询参数', 'query')
}

var outcomes = {
  '': both('正在尝试……', 'trying …'),
  outside: both('未尝试：不在钉钉里', 'not tried: this is not DingTalk'),
  unsigned: both('未尝试：页面没有签名', 'not tried: the page is not signed'),
  no_script: both('未尝试：没有 JSAPI 脚本', 'not tried: there is no JSAPI script'),
  silent: both('没有回应', 'no answer'),
  ready: both('成功', 'succeeded'),
  error: both('失败', 'failed')
}

var scripts = {
  loading: both('正在加载', 'loading'),
  loaded: both('已加载', 'loaded'),
  failed: both('加载失败，请检查手机能否访问该地址', 'could not be loaded: check that this phone reaches it')
}

var icons = {ok: '✓', open: '…', warning: '!', error: '✕'}

var names = {caddy: 'Caddy', nginx: 'nginx', 'ingress-nginx': 'Kubernetes (ingress-nginx)'}

function masked (text) { return text.replace(/([?&]token=)[^&]*/g, '$1***') }
