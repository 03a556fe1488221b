// Libraries that show other pages in the same document (Turbo, pjax) run their
// scripts there, ours among them. dd.config counts once a document.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {follow} from './follow.mjs'
import {world} from './harness.mjs'
import {html, publish, sdk} from './upstream.mjs'
import {visit} from './visit.mjs'

for (const [form, headers] of Object.entries({'inline': {}, 'a file of its own': {'content-security-policy': "script-src 'self'; connect-src 'self'"}})) {
  for (const platform of ['android', 'ios']) {
    test(`a second page in the document does not call again, and signs what DingTalk checks (${platform}, ${form})`, () => {
      const [first, second] = [publish(html(sdk('3.2.9')), {headers}), publish(html(''), {headers})]
      return visit(platform, world.origin('auto') + first, async tab => {
        await tab.judged()
        await follow(tab, second)
        await tab.quiet()
        assert.deepEqual(tab.calls.map(c => c.verdict.ok), [true])
        const url = world.origin('auto') + (platform === 'android' ? first : second)
        const params = await tab.evaluate(() => ddSidecar.sign())
        assert.deepEqual([await tab.evaluate(() => ddSidecar.url), tab.asked], [url, [url]])
        const verdict = await world.sandbox.call('/native/verify', {platform, href: url, params})
        assert.deepEqual([verdict.ok, tab.errors, tab.reports], [true, [], []])
        assert.equal(await tab.evaluate(() => document.querySelectorAll('script').length), 0) // the first page's own has gone with its body
      })
    })
  }
}

test('a second page in the document has its ddConfig at once, for its own call', () => {
  const [first, second] = [publish(html('')), publish(html(''))]
  return visit('ios', world.origin('h5') + first, async tab => {
    await follow(tab, second)
    await tab.page.addScriptTag({url: '/sdk/3.2.9.global.js'})
    await tab.evaluate(() => dd.config(ddConfig))
    await tab.judged()
    await tab.quiet()
    assert.deepEqual([tab.calls.map(c => c.verdict.ok), tab.asked], [[true], []])
  })
})
