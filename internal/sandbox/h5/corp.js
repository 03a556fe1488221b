/* The third-party app's page: it calls dd.config with what the sidecar has put into it, and shows for whom. ES5. */
(function () {
  'use strict';

  function element(id) { return document.getElementById(id); }

  function verdict(mood, mark, zh, en) {
    element('verdict').className = 'card ' + mood;
    element('mark').textContent = mark;
    element('verdict-zh').textContent = zh;
    element('verdict-en').textContent = en;
  }

  function row(name, value) {
    var tr = element('tenant').insertRow();
    tr.appendChild(document.createElement('th')).textContent = name;
    tr.insertCell().textContent = value;
  }

  var tenant = ddSidecar.tenant;
  if (tenant) {
    row('corpId', tenant.corpId);
    row('agentId', tenant.agentId);
    row('by', tenant.by);
  }
  if (ddSidecar.error) {
    verdict('bad', '✗', '没有签名', 'Not signed');
    row('error', ddSidecar.error.code);
    element('why').textContent = ddSidecar.error.message;
    return;
  }
  dd.config(ddConfig);
  dd.ready(function () { verdict('good', '✓', '签名通过', 'The signature is right'); });
  dd.error(function (error) {
    verdict('bad', '✗', '签名被拒绝', 'The signature was refused');
    element('why').textContent = error && error.errorMessage || '';
  });
})();
