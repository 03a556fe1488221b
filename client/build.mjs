// Makes the minified parts of the client: `make client`.
//
// Go calls each as `(…)({…data…})`, between script tags or in a file, so it must be one
// function expression, with neither a semicolon nor a newline behind it.
import {readFileSync, writeFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {fileURLToPath} from 'node:url'

// The packages are those of the browser tests.
const {minify} = createRequire(new URL('../internal/e2e/browser/', import.meta.url))('terser')

export const parts = ['core', 'rest', 'tenant']
export const source = part => new URL(part + '.js', import.meta.url)
export const built = part => new URL(part + '.min.js', import.meta.url)

// shared are the short names of what the halves share: the same in both, and in all versions.
const shared = () => ({$$config: 'c', $$held: 'h', $$renew: 'r', $$take: 't', $$taken: 'k'})

export async function build (part) {
  const {code} = await minify(readFileSync(source(part), 'utf8'), {
    ecma: 5, // old Android webviews run it
    compress: {passes: 3, keep_fargs: false, expression: true},
    mangle: {properties: {regex: /^\$/}},
    nameCache: {props: {props: shared()}}
  })
  return code.replace(/;?\s*$/, '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) for (const part of parts) writeFileSync(built(part), await build(part))
