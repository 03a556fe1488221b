// Service workers that answer navigations, each in its own way.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {accepted, open, platforms, spa} from './spa-world.mjs'
import {html, publish, sdk} from './upstream.mjs'

const hour = 3600_000

const script = {headers: {'content-type': 'text/javascript'}}
const takeOver = "addEventListener('activate', e => e.waitUntil(clients.claim()));"
const call = sdk('3.2.9') + '<script>dd.config(ddConfig)</script>'

// A shell that is fetched by the worker itself is no document to the sidecar: it
// has no parameters in it, and asks for them.
const asking = sdk('3.2.9') + `<script>
  fetch('/.dingtalk/config?url=' + encodeURIComponent(location.href)).then(r => r.json()).then(dd.config)
</script>`

// workers are the ways of workers, by the folder that each is for.
const workers = {
  // The first document that the browser asks for becomes the shell of all.
  keeping: `addEventListener('activate', e => e.waitUntil(registration.navigationPreload.enable().then(() => clients.claim())))
    addEventListener('fetch', e => {
      if (e.request.mode !== 'navigate') return
      e.respondWith((async () => {
        const cache = await caches.open('shell')
        const kept = await cache.match('/shell')
        if (kept) return kept
        const shell = await e.preloadResponse
        await cache.put('/shell', shell.clone())
        return shell
      })())
    })`,
  // The shell is fetched when the worker is installed, as Workbox does.
  installing: `${takeOver}
    addEventListener('install', e => e.waitUntil(caches.open('shell').then(cache => cache.add('shell'))))
    addEventListener('fetch', e => {
      if (e.request.mode === 'navigate') e.respondWith(caches.match('shell'))
    })`,
  // Each document comes from the network, by a request of the worker: browsers say
  // Sec-Fetch-Dest: empty then.
  passing: `${takeOver}
    addEventListener('fetch', e => { if (e.request.mode === 'navigate') e.respondWith(fetch(e.request)) })`
}

// enter is a page of that folder which has the worker installed, and waits for it.
export function enter (folder) {
  publish(workers[folder], {...script, target: `/${folder}/worker.js`})
  return publish(html(`<script>
    navigator.serviceWorker.register('worker.js').then(() => {
      if (navigator.serviceWorker.controller) return seen('controlled')
      navigator.serviceWorker.addEventListener('controllerchange', () => seen('controlled'))
    }, e => seen(String(e)))
  </script>`), {target: `/${folder}/`})
}

for (const folder of ['keeping', 'passing']) publish(html(call), {target: `/${folder}/first`})
publish(html(call), {target: '/passing/second?x=1'})
publish(html(asking), {target: '/installing/shell'})

// controlled opens a folder's first page, and the story when the worker answers.
function controlled (platform, folder, story) {
  const site = spa.origin('pages', 'localhost')
  return open(platform, site + enter(folder), async tab => {
    assert.deepEqual(await tab.seen(), ['controlled'])
    await story(tab, site + '/' + folder)
  })
}

describe('with a service worker', () => {
  for (const platform of platforms) {
    test(`that keeps the first document as the shell of all, the shell asks for its own URL (${platform})`, () =>
      controlled(platform, 'keeping', async (tab, folder) => {
        await tab.page.goto(folder + '/first')
        await accepted(tab, {url: folder + '/first', asked: []})
        tab.calls.length = 0

        const deep = folder + '/deep/route?x=1' // which no server has
        await tab.page.goto(deep)
        assert.equal(await tab.evaluate(() => performance.getEntriesByType('navigation')[0].workerStart > 0), true)
        await accepted(tab, {url: deep, asked: [deep]})
        assert.equal(await tab.evaluate(() => ddSidecar.url), deep)
      }))
  }

  test('that keeps a shell for hours, the shell asks even for the URL that it was signed for', () =>
    controlled('ios', 'keeping', async (tab, folder) => {
      await tab.page.goto(folder + '/first')
      await accepted(tab, {url: folder + '/first', asked: []})
      tab.calls.length = 0

      await tab.page.clock.setFixedTime(Date.now() + hour)
      await tab.page.reload()
      await accepted(tab, {url: folder + '/first', asked: [folder + '/first']})
    }))

  test('that has installed a shell, the shell has no parameters and asks for them itself', () =>
    controlled('android', 'installing', async (tab, folder) => {
      const deep = folder + '/deep/route?x=1'
      await tab.page.goto(deep)
      await accepted(tab, {url: deep, asked: [deep]})
      assert.deepEqual(await tab.evaluate(() => [typeof ddConfig, typeof ddSidecar]), ['undefined', 'undefined'])
    }))

  test('that passes navigations on, each document is signed and none asks', () =>
    controlled('pc', 'passing', async (tab, folder) => {
      for (const path of ['/first', '/second?x=1']) {
        tab.calls.length = 0
        await tab.page.goto(folder + path)
        await accepted(tab, {url: folder + path, asked: []})
      }
    }))
})
