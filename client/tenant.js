// The part of the script that only sites with several tenants have: it keeps a tab with
// the tenant that it was opened for. It returns the further part of the question to
// `config` where the page has been made for another one, '' else; ES5 like core.js.
(function (sidecar) {
  try {
    var tenant = sidecar.tenant
    var kept = sessionStorage.ddTenant
    var own = tenant && '&corpid=' + encodeURIComponent(tenant.corpId) + '&agentid=' + encodeURIComponent(tenant.agentId)
    if (own && (tenant.by === 'query' || !kept)) sessionStorage.ddTenant = own
    else if (tenant !== undefined && kept && kept !== own) return kept
  } catch (e) {}
  return ''
})
