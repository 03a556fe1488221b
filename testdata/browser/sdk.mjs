// DingTalk's JSAPI script in the forms in which pages have it. The package holds
// CommonJS only; pages load a bundle of it.
import {build} from 'esbuild'

export const versions = ['3.2.9', '2.15.6', '2.13.42']

// The platforms of a version: 2.13 knows no HarmonyOS.
export const platformsOf = version => version === '2.13.42' ? ['ios', 'android', 'pc'] : ['ios', 'android', 'pc', 'harmony']

const forms = {
  // As on DingTalk's CDN: a property of window.
  global: name => ({entry: `window.dd = require('${name}')`}),
  // Variables at the top level of a script.
  var: name => ({entry: `module.exports = require('${name}')`, globalName: 'dd'}),
  other: name => ({entry: `module.exports = require('${name}')`, globalName: 'other'}),
  // The namespace of an ES module, whose members cannot be written.
  namespace: name => ({entry: `import * as dd from '${name}'; window.dd = dd`}),
  // As an app has it that is built with npm: no global, and the call within.
  app: name => ({
    entry: `
      import * as dd from '${name}'
      dd.config(window.ddConfig)
      dd.ready(function () { seen('ready') })
      dd.error(function (e) { seen({error: e}) })`
  })
}

const bundles = new Map()

// bundle returns the script in that form, as text.
export function bundle (version, form) {
  const key = `${version} ${form}`
  if (!bundles.has(key)) bundles.set(key, make(forms[form](`dingtalk-jsapi-${version}`)))
  return bundles.get(key)
}

async function make ({entry, ...options}) {
  const {outputFiles: [file]} = await build({
    ...options,
    stdin: {contents: entry, resolveDir: import.meta.dirname},
    bundle: true,
    minify: true,
    format: 'iife',
    write: false
  })
  return file.text
}
