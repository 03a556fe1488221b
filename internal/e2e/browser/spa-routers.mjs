// Vue Router and React Router, with history and hash routing, in the client apps of
// all platforms.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {until} from './harness.mjs'
import {accepted, apps, checked, open, platforms, routings, spa} from './spa-world.mjs'

// An App is a built app as its users see it.
class App {
  constructor (name, routing) {
    Object.assign(this, {name, routing})
  }

  // at is the URL of one of its routes.
  at (route) {
    return spa.origin(`${this.name}-${this.routing}`) + (this.routing === 'hash' ? '/#' : '') + route
  }

  // document is the part of that URL that counts.
  document (route) {
    return this.at(route).split('#')[0]
  }

  // go follows a link of the app, which the router does without a new document.
  async go (tab, route, heading) {
    await tab.page.click(`nav a:text-is("${route}")`)
    await this.shows(tab, route, heading)
  }

  async shows (tab, route, heading) {
    await tab.page.waitForSelector(`h1:text-is("${heading}")`)
    assert.equal(await tab.evaluate(() => location.href), this.at(route))
  }
}

// usable makes sure that a native feature works now.
async function usable (tab) {
  await tab.page.click('#choose')
  assert.deepEqual(await tab.seen(), ['chosen'])
}

for (const name of apps) {
  for (const routing of routings) {
    const app = new App(name, routing)
    const hash = routing === 'hash'

    describe(`${name} with ${routing} routing`, () => {
      test('entered by a deep link: the call is right at once', () =>
        open('pc', app.at('/list/7?tab=2'), async tab => {
          await app.shows(tab, '/list/7?tab=2', 'item 7')
          await tab.page.click('#global')
          await accepted(tab, {url: app.document('/list/7?tab=2'), asked: []})
          assert.deepEqual(tab.reports, [])
          await usable(tab)
        }))

      for (const platform of platforms) {
        test(`called late, after links, back and forward: the call is right (${platform})`, () => {
          const url = checked(platform, {entry: app.document('/'), current: app.document('/list')})
          const other = url !== app.document('/') // than the one that was signed
          return open(platform, app.at('/'), async tab => {
            await app.go(tab, '/list', 'list')
            await app.go(tab, '/list/7?tab=2', 'item 7')
            await tab.evaluate(() => history.go(-2))
            await app.shows(tab, '/', 'home')
            await tab.evaluate(() => history.forward())
            await app.shows(tab, '/list', 'list')
            await tab.page.click('#global')
            await accepted(tab, {url, asked: other ? [url] : []})
            assert.deepEqual(tab.reports.map(r => r.code), other ? ['url_mismatch'] : [])
            await usable(tab)
          })
        })
      }

      for (const platform of hash ? ['android'] : platforms) {
        test(`signing for itself in the component of a route, as the README shows it: it is accepted (${platform})`, () => {
          const url = checked(platform, {entry: app.document('/'), current: app.document('/contacts')})
          return open(platform, app.at('/'), async tab => {
            await app.go(tab, '/contacts', 'contacts')
            await accepted(tab, {url, asked: [url]})
            await usable(tab)
          })
        })
      }

      test('signing for itself in the component that a deep link opens: it is accepted', () =>
        open('ios', app.at('/contacts'), async tab => {
          await accepted(tab, {url: app.document('/contacts'), asked: [app.document('/contacts')]})
        }))

      for (const button of hash ? [] : ['global', 'sign']) {
        test(`moved on while the sidecar is asked: the call is right (${button})`, () =>
          open('pc', app.at('/'), async tab => {
            const held = []
            await tab.page.route('**/.dingtalk/config?*', route => held.push(route), {times: 1})
            await app.go(tab, '/list', 'list')
            await tab.page.click('#' + button)
            await until('the sidecar is asked', () => held.length)
            await app.go(tab, '/list/7?tab=2', 'item 7')
            await held[0].continue()
            const url = app.document('/list/7?tab=2')
            await accepted(tab, {url, asked: [app.document('/list'), url]})
          }))
      }

      for (const platform of hash ? [] : ['ios', 'android']) {
        test(`signing for itself on the route that it redirects to: it is accepted (${platform})`, () => {
          const url = checked(platform, {entry: app.document('/old'), current: app.document('/list')})
          return open(platform, app.at('/old'), async tab => {
            await app.shows(tab, '/list', 'list')
            await tab.page.click('#sign')
            await accepted(tab, {url, asked: [url]})
          })
        })
      }
    })
  }
}
