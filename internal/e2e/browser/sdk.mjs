// DingTalk's JSAPI script in the forms in which pages have it. The package holds
// CommonJS only; pages load a bundle of it.
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {build} from 'esbuild'

// versions are those that all tests walk through, everyVersion those of the last
// eight years.
export const versions = ['3.2.9', '2.15.6', '2.13.42']
export const everyVersion = ['3.2.9', '3.0.26', '2.15.6', '2.13.92', '2.13.42', '2.10.3', '2.0.56']

// openDevelop is the script of before: no package, and the same global.
export const openDevelop = '1.6.9'

const withoutPC = [openDevelop, '2.0.56', '2.10.3'] // at the top level, where a page is on its own
const withHarmony = ['2.15.6', '3.2.9']

// The platforms of a version.
export function platformsOf (version) {
  return [
    'ios', 'android',
    ...withoutPC.includes(version) ? [] : ['pc'],
    ...withHarmony.includes(version) ? ['harmony'] : []
  ]
}

const forms = {
  // A property of window, as apps make it that are built with npm.
  global: name => ({entry: `window.dd = require('${name}')`}),
  // As on DingTalk's CDN: a global only where neither CommonJS nor AMD asks for it.
  umd: name => ({
    entry: `module.exports = require('${name}')`,
    globalName: 'made',
    banner: {js: `(function (root, make) {
      if (typeof exports === 'object' && typeof module === 'object') module.exports = make()
      else if (typeof define === 'function' && define.amd) define([], make)
      else if (typeof exports === 'object') exports.dd = make()
      else root.dd = make()
    })(typeof self === 'undefined' ? this : self, function () {`},
    footer: {js: 'return made })'}
  }),
  // Variables at the top level of a script.
  var: name => ({entry: `module.exports = require('${name}')`, globalName: 'dd'}),
  other: name => ({entry: `module.exports = require('${name}')`, globalName: 'other'}),
  // The namespace of an ES module, whose members cannot be written.
  namespace: name => ({entry: `import * as dd from '${name}'; window.dd = dd`}),
  // An ES module, for pages that import it.
  module: name => ({entry: `import dd from '${name}'; export default dd`, format: 'esm'}),
  // As an app has it that is built with npm: no global, and the call within.
  app: name => ({
    entry: `
      import * as dd from '${name}'
      dd.config(window.ddConfig)
      dd.ready(function () { seen('ready') })
      dd.error(function (e) { seen({error: e}) })`
  }),
  // As client apps provide it: scripts of 3.x take this one in the place of their own.
  client: name => ({
    entry: `
      window.__ddSDK = require('${name}/lib/ddSdk').ddSdk
      require('${name}/platform')
      window.__useNativeSDK = true`
  })
}

const bundles = new Map()

// bundle returns the script in that form, as text.
export function bundle (version, form) {
  if (version === openDevelop) return readFile(join(import.meta.dirname, 'loading-open-develop.js'), 'utf8')
  const key = `${version} ${form}`
  if (!bundles.has(key)) bundles.set(key, make(forms[form](`dingtalk-jsapi-${version}`)))
  return bundles.get(key)
}

async function make ({entry, ...options}) {
  const {outputFiles: [file]} = await build({
    format: 'iife',
    ...options,
    stdin: {contents: entry, resolveDir: import.meta.dirname},
    bundle: true,
    minify: true,
    write: false
  })
  return file.text
}
