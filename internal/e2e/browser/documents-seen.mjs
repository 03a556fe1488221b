// What a browser makes of a document, where our insertion has gone again.
import {after} from 'node:test'
import {skip, launch} from './firefox.mjs'
import {world} from './harness.mjs'
import {watcher} from './visit.mjs'

// count runs in every document before its scripts: a browser that finds out late
// what the charset is loads the document a second time.
const count = `() => {
  try {
    const key = 'begun ' + location.href
    sessionStorage.setItem(key, 1 + Number(sessionStorage.getItem(key)))
  } catch {} // a document without an origin
  ${watcher}
}`

// engines are the browsers, each with one tab, which is opened when it is needed
// for the first time.
export const engines = [
  {name: 'Chromium', skip: false, open: chromium},
  {name: 'Firefox', skip, open: () => launch(count)}
]
for (const engine of engines) {
  let tab
  engine.tab = () => tab ??= engine.open()
  after(async () => (await tab)?.close())
}

async function chromium () {
  const context = await world.browser.newContext({ignoreHTTPSErrors: true})
  await context.addInitScript(`(${count})()`)
  const page = await context.newPage()
  return {goto: url => page.goto(url), evaluate: (f, argument) => page.evaluate(f, argument), close: () => context.close()}
}

// see opens a page in an engine and returns what became of it. again is the white
// space that a spliced page has once more behind the insertion.
export async function see (engine, url, again = '') {
  const tab = await engine.tab()
  await tab.goto(url)
  return JSON.parse(await tab.evaluate(facts, again))
}

// facts runs in the page. Its answer is text: the drivers are slow with large objects.
async function facts (again) {
  for (let i = 0; i < 3; i++) await new Promise(resolve => setTimeout(resolve, 0)) // what the page's scripts have begun
  const place = scripts.findIndex(({node}) => node.text.startsWith('(function') && node.text.includes('ddSidecar'))
  const ours = scripts[place]
  const inserted = ours && {first: place === 0, place: ours.place, gone: !ours.node.isConnected, signed: !!window.ddConfig}
  const behind = ours && document.head.firstChild
  if (again && behind?.nodeType === Node.TEXT_NODE && behind.data.startsWith(again)) {
    behind.data = behind.data.slice(again.length)
    if (!behind.data) behind.remove()
  }
  const nodes = [] // a line for each, deeper ones further to the right
  const note = (node, depth) => {
    const details = node.nodeType === Node.DOCUMENT_TYPE_NODE
      ? [node.publicId, node.systemId]
      : Array.from(node.attributes ?? [], a => [a.name, a.value])
    nodes.push(' '.repeat(depth) + JSON.stringify([node.nodeType, node.nodeName, node.nodeValue, ...details]))
    for (const child of (node instanceof HTMLTemplateElement ? node.content : node).childNodes) note(child, depth + 1)
  }
  note(document, 0)
  return JSON.stringify({
    inserted,
    document: {
      characterSet: document.characterSet,
      compatMode: document.compatMode,
      title: document.title,
      html: document.documentElement.outerHTML,
      nodes: nodes.join('\n'),
      count: nodes.length,
      begun: Number(sessionStorage.getItem('begun ' + location.href))
    }
  })
}
