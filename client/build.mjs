// Makes client.min.js of client.js: `make client`.
//
// Go appends `({…data…})` to the file and puts it between script tags, so it must
// be one function expression, with neither a semicolon nor a newline behind it.
import {readFileSync, writeFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {fileURLToPath} from 'node:url'

// The packages are those of the browser tests.
const {minify} = createRequire(new URL('../internal/e2e/browser/', import.meta.url))('terser')

export const source = new URL('client.js', import.meta.url)
export const built = new URL('client.min.js', import.meta.url)

export async function build () {
  const {code} = await minify(readFileSync(source, 'utf8'), {
    ecma: 5, // old Android webviews run it
    compress: {passes: 3, keep_fargs: false, expression: true},
    mangle: true
  })
  return code.replace(/;?\s*$/, '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(built, await build())
