// The judge of these tests: which URL the simulated client apps check.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {open, spa} from './spa-world.mjs'
import {html, publish, sdk} from './upstream.mjs'

const page = publish(html(sdk('3.2.9') + `<script>
  history.pushState(null, '', '/moved')
  dd.config({signature: 'of nobody', jsApiList: []})
</script>`))

for (const [platform, checks, path] of [
  ['android', undefined, page],
  ['ios', undefined, '/moved'],
  ['pc', undefined, '/moved'],
  ['harmony', undefined, '/moved'],
  ['android', 'current', '/moved'],
  ['ios', 'entry', page]
]) {
  test(`the simulated client app of ${platform} checks the ${path === page ? 'entry' : 'current'} URL${checks ? ' if a test says so' : ''}`, () =>
    open(platform, spa.origin('plain') + page, async tab => {
      const {verdict} = await tab.judged()
      assert.equal(verdict.ok, false)
      assert.equal(verdict.expected.url, spa.origin('plain') + path)
    }, {checks}))
}
