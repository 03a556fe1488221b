// What the script leaves in the document when it has run: nothing.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {build} from 'esbuild'
import {world} from './harness.mjs'
import {html, publish, sdk} from './upstream.mjs'
import {visit} from './visit.mjs'

publish('', {target: '/empty.js', headers: {'content-type': 'text/javascript'}})
const own = {'content-security-policy': "script-src 'self'"}
const forms = {'inline': {}, 'a file of its own': own}

for (const [form, headers] of Object.entries(forms)) {
  for (const [what, site, body] of [['', 'auto', sdk('3.2.9')], [", with DingTalk's script from us", 'jsapi', '<script src="/empty.js"></script>']]) {
    test(`the elements of a page are its own (${form}${what})`, () =>
      visit('android', world.origin(site) + publish(html(body), {headers}), async tab => {
        await tab.judged()
        await tab.quiet()
        const elements = () => tab.evaluate(() => [document.querySelectorAll('script').length, document.head.firstChild.data, document.getElementById('dd-sidecar')])
        assert.deepEqual(await elements(), [1, '\n', null])
        assert.deepEqual([tab.calls.map(c => c.verdict.ok), tab.errors], [[true], []])
      }))
  }
}

// An app that draws the whole document, as those of Next.js and Remix do, and says what
// it did not find as it had been drawn on the server.
const app = `
  import {createElement as e, useEffect} from 'react'
  import {hydrateRoot} from 'react-dom/client'
  function App () {
    useEffect(function () { seen('hydrated') }, [])
    return e('html', null,
      e('head', null, e('meta', {charSet: 'utf-8'}), e('title', null, 'app')),
      e('body', null, e('input', {id: 'typed'}), e('script', {src: location.pathname.replace('.html', '.js')})))
  }
  document.getElementById('typed').value = 'of the user'
  hydrateRoot(document, e(App), {onRecoverableError: function (error) { seen(error.message) }})`
const drawn = '<!DOCTYPE html><html><head><meta charSet="utf-8"/><title>app</title></head><body><input id="typed"/><script src="SCRIPT"></script></body></html>'

describe('an app that draws the whole document finds it as it was drawn', () => {
  for (const [react, packages] of Object.entries({
    'React 18': {react: 'react-18', 'react-dom': 'react-dom-18'},
    'React 19': {react: 'react', 'react-dom': 'react-dom'}
  })) {
    const name = '/' + react.toLowerCase().replace(' ', '-')
    const publishApp = async headers => {
      const {outputFiles: [file]} = await build({
        stdin: {contents: app, resolveDir: import.meta.dirname},
        alias: packages, define: {'process.env.NODE_ENV': '"production"'},
        format: 'iife', bundle: true, minify: true, write: false
      })
      publish(file.text, {target: name + '.js', headers: {'content-type': 'text/javascript'}})
      return publish(drawn.replace('SCRIPT', name + '.js'), {target: name + '.html', headers})
    }

    for (const [form, headers] of Object.entries(forms)) {
      test(`${react} (${form})`, async () =>
        visit('android', world.origin('h5') + await publishApp(headers), async tab => {
          assert.deepEqual(await tab.seen(), ['hydrated'])
          await tab.quiet()
          assert.deepEqual(await tab.evaluate(() => [document.getElementById('typed').value, typeof ddConfig.signature]), ['of the user', 'string'])
          assert.deepEqual([await tab.evaluate(() => seen.list), tab.errors], [['hydrated'], []])
        }))
    }
  }
})
