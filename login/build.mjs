// Makes login/page.min.js of login/page.js and DingTalk's script: `npm run login`. The
// bundle is committed: building the module needs no Node.
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {build as bundle} from 'esbuild'

const source = fileURLToPath(new URL('page.js', import.meta.url))
export const built = new URL('page.min.js', import.meta.url)

export async function build () {
  const {version, license} = JSON.parse(readFileSync(new URL('../node_modules/dingtalk-jsapi-3.2.9/package.json', import.meta.url), 'utf8'))
  const {outputFiles: [file]} = await bundle({
    entryPoints: [source],
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
