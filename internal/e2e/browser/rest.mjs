// The half of the script that is loaded when something calls for it: not before, and
// once; a page goes on where it cannot be had.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {world} from './harness.mjs'
import {html, listen, publish, sdk} from './upstream.mjs'
import {visit} from './visit.mjs'

const page = body => world.origin('auto') + publish(html(sdk('3.2.9') + body))
const moved = '<script>history.replaceState(null, "", "/moved?x=1")</script>'
const loads = tab => tab.evaluate(() => performance.getEntriesByType('resource').filter(e => /\/rest\.[0-9a-f]+\.js$/.test(e.name)).length)

// A page that asks for the rest gets something else.
const without = what => `Object.defineProperty(HTMLScriptElement.prototype, 'src', {
  set: function (v) { this.setAttribute('src', v.replace(/[^\\/]*rest\\.[0-9a-f]+\\.js/, '${what}')) }
});`
publish('no script {', {target: '/broken.js', headers: {'content-type': 'text/javascript'}})

test('a page where all is well does not load the rest', () =>
  visit('ios', page(`<script>${listen}</script>`), async tab => {
    await tab.judged()
    await tab.quiet()
    assert.deepEqual([tab.calls.map(c => c.verdict.ok), await loads(tab)], [[true], 0])
  }))

test('a page that has moved and signs for itself loads the rest once', () =>
  visit('ios', page(moved), async tab => {
    await tab.judged()
    await tab.evaluate(() => ddSidecar.sign())
    await tab.evaluate(() => ddSidecar.sign('/other'))
    assert.deepEqual([tab.calls.map(c => c.verdict.ok), await loads(tab)], [[true], 1])
  }))

for (const [what, name] of [['is not there', 'nowhere.js'], ['is broken', '../broken.js']]) {
  test(`where the rest ${what} dd.config goes out as it is, and the console says so once`, () =>
    visit('ios', page(moved), async tab => {
      await tab.judged()
      assert.equal(tab.calls.length, 1)
      const reason = await tab.evaluate(() => ddSidecar.sign().then(() => '', e => e.message))
      assert.match(reason, /rest\.[0-9a-f]+\.js/)
      await tab.quiet()
      assert.equal(tab.console.filter(line => line.startsWith('warning: dingtalk: no ')).length, 1)
    }, {init: without(name)}))
}

// The core has let the call go by then. DingTalk's script would ignore another one.
test('a rest that comes after its time makes no call again', () =>
  visit('ios', world.origin('auto') + publish(html(`${moved}<script>
    dd = {env: {}, config: function () { seen('config') }, ready: function () {}, error: function () {}}
    dd.config({})
  </script>`)), async tab => {
    assert.deepEqual(await tab.seen(), ['config'])
    await tab.evaluate(() => new Promise((resolve, reject) => {
      late()
      setTimeout(() => ddSidecar.sign().then(resolve, reject), 500) // the rest has taken over
    }))
    assert.deepEqual(await tab.evaluate(() => seen.list), ['config'])
  }, {init: `(function (append) {
    Node.prototype.appendChild = function (node) {
      if (!/rest\\.[0-9a-f]+\\.js$/.test(node.src)) return append.call(this, node)
      setTimeout(function () { node.onerror() })
      var parent = this
      window.late = function () { append.call(parent, node) }
      return node
    }
  })(Node.prototype.appendChild);`}))
