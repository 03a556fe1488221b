// The ways in which a page comes to DingTalk's script, with every version. Where that
// makes a global dd, the page needs no line of ours; elsewhere it needs the one.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {bundle, everyVersion, openDevelop, platformsOf} from './sdk.mjs'
import {acceptedOnce, both, hints, later, listed, open, script, wrong} from './loading-story.mjs'
import {publish} from './upstream.mjs'

const requireJS = readFileSync(createRequire(import.meta.url).resolve('requirejs/require.js'), 'utf8')
publish(requireJS, {target: '/require.js', headers: {'content-type': 'text/javascript'}})

const data = run => `data:text/javascript,${encodeURIComponent(run)}`
const url = (version, form) => script(version, form).match(/src="(.*)"/)[1]
const required = '<script src="/require.js"></script>'
const inserted = (version, run) => `
  var s = document.createElement('script')
  s.src = '${url(version, 'umd')}'
  s.onload = function () { ${run} }
  document.head.appendChild(s)`

const provided = 'provided by the client app'

// Each makes a body that loads the script and then runs something with dd.
const withGlobal = {
  'from a script element': (v, run) => script(v, 'umd') + `<script>${run}</script>`,
  'with async': (v, run) => `<script>function loaded () { ${run} }</script>` + script(v, 'umd', 'async onload="loaded()"'),
  'with defer': (v, run) => script(v, 'umd', 'defer') + `<script defer src="${data(run)}"></script>`,
  'in a module': (v, run) => `<script type="module">import '${url(v, 'umd')}'; ${run}</script>`,
  'inserted by a script': (v, run) => `<script>${inserted(v, run)}</script>`,
  'inserted when the page has loaded': (v, run) => `<script>addEventListener('load', function () { ${inserted(v, run)} })</script>`,
  'built with npm, with a global, beside RequireJS': (v, run) => required + script(v, 'global') + `<script>${run}</script>`,
  [provided]: (v, run) => `<script>${run}</script>`,
  'in two copies, one of them without a global': (v, run) =>
    script(v, 'umd') + `<script type="module">import own from '${url(v, 'module')}'; if (own === dd) seen('one copy'); ${run}</script>`
}

// Here dd is not global, except in the script of before, which sets one always.
const withoutGlobal = {
  'by RequireJS': (v, run) => required + `<script>require(['${url(v, 'umd')}'], function (dd) { ${run} })</script>`,
  'as a module': (v, run) => `<script type="module">import dd from '${url(v, 'module')}'; ${run}</script>`
}

const listen = 'dd.ready(function () { seen("ready") }); dd.error(function (e) { seen({error: e}) })'
const call = params => `dd.config(${params}); ${listen}`

// What a page does with dd, and what must come of it.
const whereGlobal = {
  'a call with wrong parameters is corrected': [call(wrong), acceptedOnce(both, {ready: 1})],
  'a page that calls nothing is called for': ['', acceptedOnce(listed)]
}

const whereLocal = {
  'dd.config(ddConfig) is accepted': [call('ddConfig'), async tab => {
    await acceptedOnce(listed, {ready: 1})(tab)
    assert.equal(await tab.evaluate(() => typeof dd), 'undefined')
  }],
  'the console says once which line to add': [call(wrong), async tab => {
    await tab.judged()
    await later(tab)
    assert.deepEqual(tab.calls.map(c => c.verdict.ok), [false])
    assert.equal(hints(tab).length, 1)
    assert.deepEqual({asked: tab.asked, reports: tab.reports}, {asked: [], reports: []})
  }]
}

// The script of before is no ES module, and sets its global under RequireJS, too, which
// has to load it.
function waysOf (version) {
  if (version !== openDevelop) return [[withGlobal, whereGlobal], [withoutGlobal, whereLocal]]
  const ways = {...withGlobal, 'by RequireJS': withoutGlobal['by RequireJS']}
  delete ways['in two copies, one of them without a global']
  delete ways['built with npm, with a global, beside RequireJS']
  return [[ways, whereGlobal]]
}

for (const version of [...everyVersion, openDevelop]) {
  describe(version, () => {
    const platforms = platformsOf(version)
    let turn = 0 // the platforms take turns: how a script comes has nothing to do with them
    for (const [ways, pages] of waysOf(version)) {
      for (const [how, body] of Object.entries(ways)) {
        for (const [what, [run, story]] of Object.entries(pages)) {
          const platform = platforms[turn++ % platforms.length]
          test(`dd ${how} on ${platform}: ${what}`, async () => {
            const init = how === provided ? await bundle(version, 'umd') : ''
            await open(platform, 'auto', body(version, run), story, {init})
          })
        }
      }
    }
  })
}
