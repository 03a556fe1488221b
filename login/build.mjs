// Makes login/page.min.js of login/page.js and DingTalk's script: `npm run login`. The
// bundle is committed: building the module needs no Node.
import {readFileSync, writeFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {fileURLToPath} from 'node:url'

// The packages are those of the browser tests.
const packages = new URL('../internal/e2e/browser/', import.meta.url)
const {build: bundle} = createRequire(packages)('esbuild')

const source = fileURLToPath(new URL('page.js', import.meta.url))
export const built = new URL('page.min.js', import.meta.url)

export async function build () {
  const {version, license} = JSON.parse(readFileSync(new URL('node_modules/dingtalk-jsapi-3.2.9/package.json', packages), 'utf8'))
  const {outputFiles: [file]} = await bundle({
    entryPoints: [source],
    nodePaths: [fileURLToPath(new URL('node_modules', packages))],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es5', // old Android webviews run it
    charset: 'ascii',
    banner: {js: `/* with dingtalk-jsapi ${version} (${license}) */`},
    write: false
  })
  return file.text
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(built, await build())
