// Content-Security-Policy: the script runs where the page's policies let it, the
// data are there in any case, and nothing of ours is ever reported as a violation.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {world} from './harness.mjs'
import {html, publish} from './upstream.mjs'
import {visit, watcher} from './visit.mjs'

const hash = "'sha256-iIhav6IWFCO74Mj9f+FRsBRlBbG1e9nOhHEwAy07Z40='"

// forms: inline, external (a data block and a script from the endpoint), data (the block alone).
const policies = [
  ['no policy', [], 'inline'],
  ['one that does not speak of scripts', ["img-src 'self'; frame-ancestors *"], 'inline'],
  ["'unsafe-inline'", ["script-src 'self' 'unsafe-inline'"], 'inline'],
  ['a nonce', ["script-src 'nonce-abc+/='"], 'inline'],
  ['a nonce that switches unsafe-inline off', ["script-src 'unsafe-inline' 'nonce-abc'"], 'inline'],
  ['a nonce with strict-dynamic', ["script-src 'nonce-abc' 'strict-dynamic'; object-src 'none'"], 'inline'],
  ['a nonce for elements alone', ["script-src-elem 'nonce-abc'; script-src 'none'"], 'inline'],
  ["'self'", ["script-src 'self'"], 'external'],
  ["'self' for everything", ["default-src 'self'"], 'external'],
  ["'self' with trusted types", ["script-src 'self'; require-trusted-types-for 'script'"], 'external'],
  ['a host', () => [`script-src ${world.origin('auto')}`], 'external'],
  ['a host with a wildcard and the endpoint', () => [`script-src http://*.test:${new URL(world.origin('auto')).port}/.dingtalk/`], 'external'],
  ['a scheme', ['script-src http:'], 'external'],
  ["'self' and a hash, which switches unsafe-inline off", [`script-src 'self' 'unsafe-inline' ${hash}`], 'external'],
  ["two headers, 'self' and a nonce", ["script-src 'self'", "script-src 'nonce-abc'"], 'external'],
  ["two policies in a header, 'self' and a nonce", ["script-src 'self', script-src 'nonce-abc'"], 'external'],
  ["two policies, 'self' and 'unsafe-inline'", ["script-src 'self', script-src 'unsafe-inline'"], 'data'],
  ["two policies, 'self' and 'none'", ["script-src 'self', script-src 'none'"], 'data'],
  ["'none'", ["default-src 'none'"], 'data'],
  ['no source at all', ['script-src'], 'data'],
  ['a hash', [`script-src ${hash}`], 'data'],
  ["'self' and the hash of a URL, which switches 'self' off", [`script-src 'self' 'url-${hash.slice(1)}`], 'data'],
  ['another host', ['script-src https://cdn.test'], 'data']
]

// What the same policies ask for where they only report.
const reports = [
  ["'self'", ["script-src 'self'"], 'external'],
  ['a nonce', ["script-src 'nonce-abc'"], 'inline'],
  ["'unsafe-inline'", ["script-src 'unsafe-inline'"], 'inline']
]

// formed makes sure that a page with these headers gets that form, and nothing of it is
// a violation.
function formed (form, headers) {
  const path = publish(html(''), {headers})
  return visit('android', world.origin('auto') + path, async tab => {
    await tab.quiet()
    const page = await tab.evaluate(() => ({
      violations,
      config: window.ddConfig,
      block: scripts[0].node.textContent,
      scripts: scripts.map(({node}) => node.id ? 'block' : node.src ? 'src' : 'inline'),
      left: document.scripts.length
    }))
    assert.deepEqual({violations: page.violations, console: tab.console, errors: tab.errors}, {violations: [], console: [], errors: []})
    assert.deepEqual(page.scripts, {inline: ['inline'], external: ['block', 'src'], data: ['block']}[form])
    assert.equal(page.left, form === 'data' ? 1 : 0)
    if (form === 'inline') return assert.ok(page.config.signature)
    const {config, sidecar} = JSON.parse(page.block)
    assert.equal(sidecar.url, world.origin('auto') + path)
    assert.ok(config.signature)
    assert.deepEqual(page.config, form === 'data' ? undefined : config)
  }, {init: watcher})
}

for (const [what, headers, form] of policies) {
  test(`a policy with ${what}: the form is ${form}`, () => {
    const policy = typeof headers === 'function' ? headers() : headers
    return formed(form, policy.length ? {'content-security-policy': policy} : {})
  })
}

for (const [what, policy, form] of reports) {
  test(`a policy that only reports, with ${what}: the form is ${form}, and nothing is reported`, () =>
    formed(form, {'content-security-policy-report-only': policy.map(p => p + '; report-uri /csp')}))
}

test('an Integrity-Policy: the script that is loaded has its hash, and runs', () =>
  formed('external', {'content-security-policy': "script-src 'self'", 'integrity-policy': 'blocked-destinations=(script)'}))

describe('under a policy that lets both scripts run, the call is made and accepted', () => {
  for (const policy of ["default-src 'self'", "script-src 'nonce-abc'", "script-src 'self', script-src 'nonce-abc'"]) {
    test(policy, () => {
      const path = publish(html('<script src="/sdk/3.2.9.global.js" nonce="abc"></script>'), {headers: {'content-security-policy': policy}})
      return visit('android', world.origin('auto') + path, async tab => {
        await tab.judged()
        await tab.quiet()
        assert.deepEqual(tab.calls.map(c => c.verdict.ok), [true])
        assert.deepEqual(await tab.evaluate(() => violations), [])
      })
    })
  }
})

test('jsapi_url carries the nonce of the policy', () => {
  const path = publish(html(''), {headers: {'content-security-policy': "script-src 'nonce-abc'"}})
  return visit('android', world.origin('jsapi') + path, async tab => {
    await tab.judged()
    assert.deepEqual(tab.calls.map(c => c.verdict.ok), [true])
    assert.deepEqual(await tab.evaluate(() => violations), [])
  })
})

test('a policy in a meta element does not govern what stands before it', () => {
  const path = publish(html('', '<meta http-equiv="content-security-policy" content="script-src \'none\'">\n'))
  return visit('android', world.origin('h5') + path, async tab => {
    await tab.quiet()
    assert.deepEqual(await tab.evaluate(() => [typeof ddConfig, violations]), ['object', []])
  })
})

test('the policies of a page reach the browser as upstream wrote them', () => {
  const policy = ["script-src 'self'", "img-src *, script-src 'nonce-abc'"]
  const path = publish(html(''), {headers: {'content-security-policy': policy}})
  return visit('android', world.origin('h5') + path, async tab => {
    const response = await tab.page.reload()
    assert.deepEqual((await response.headersArray()).filter(h => h.name.toLowerCase() === 'content-security-policy').map(h => h.value), policy)
  })
})
