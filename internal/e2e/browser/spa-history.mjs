// Back and forward between documents, which browsers either keep alive or load again
// from their cache, whatever Cache-Control says short of no-store.
import {after, before, describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {until} from './harness.mjs'
import {accepted, checked, dead, launchKeeping, open, platforms, replaceTicket, spa} from './spa-world.mjs'
import {html, publish, sdk} from './upstream.mjs'

const hour = 3600_000

// shows notes of each document whether it came back alive.
const shows = 'window.shows = []; addEventListener("pageshow", function (e) { shows.push(e.persisted) });'

describe('in a browser that keeps documents alive', () => {
  let browser
  before(async () => { browser = await launchKeeping() })
  after(() => browser?.close())

  // away opens an app, moves by its router, leaves it for another document, and
  // comes back.
  const away = (platform, story) => open(platform, spa.origin('vue-history') + '/', async tab => {
    await tab.page.click('nav a:text-is("/list")')
    await tab.page.waitForSelector('h1:text-is("list")')
    await tab.page.goto(spa.origin('vue-history') + '/list/7')
    await tab.evaluate(() => history.back())
    await until('the document is back', () => tab.evaluate(() => shows.length === 2).catch(() => false))
    assert.deepEqual(await tab.evaluate(() => [location.pathname, shows]), ['/list', [false, true]])
    await story(tab)
  }, {browser, init: shows})

  for (const platform of platforms) {
    const url = () => checked(platform, {entry: spa.origin('vue-history') + '/', current: spa.origin('vue-history') + '/list'})

    test(`a document that is back calls dd.config late: it is accepted (${platform})`, () =>
      away(platform, async tab => {
        await tab.page.click('#global')
        await accepted(tab, {url: url(), asked: platform === 'android' ? [] : [url()]})
      }))

    test(`a document that is back an hour later asks again: it is accepted (${platform})`, () =>
      away(platform, async tab => {
        await tab.page.clock.setFixedTime(Date.now() + hour)
        await tab.page.click('#global')
        await accepted(tab, {url: url(), asked: [url()]})
      }))
  }
})

describe('in a browser that loads documents again from its cache', () => {
  const page = publish(html(sdk('3.2.9') + '<script>seen(JSON.parse(JSON.stringify(ddConfig))); dd.config(ddConfig)</script>'))
  const other = publish(html(''))

  // back opens a page, leaves it, lets something happen, and comes back. story gets
  // the URL and the parameters that the document has come with both times.
  const back = (platform, meanwhile, story) => {
    const url = spa.origin('pages-long') + page
    return open(platform, url, async tab => {
      const [params] = await tab.seen()
      await tab.judged()
      await tab.page.goto(spa.origin('pages-long') + other)
      await meanwhile(tab)
      await tab.page.goBack()
      assert.deepEqual(await tab.seen(), [params]) // as old as before
      await until('the native side has judged the second dd.config', () => tab.calls[1]?.verdict)
      await tab.quiet()
      await story(tab, url, params)
      assert.deepEqual(tab.calls.map(c => [c.href, c.verdict.ok]), [[url, true], [url, true]])
    }, {sandbox: spa.replaced})
  }

  for (const platform of ['ios', 'android']) {
    test(`a page that is back at once does not ask (${platform})`, () =>
      back(platform, () => {}, tab => assert.deepEqual(tab.asked, [])))

    test(`a page that is back an hour later, when its ticket is dead, asks (${platform})`, () =>
      back(platform, async tab => {
        await replaceTicket()
        await tab.page.clock.setFixedTime(Date.now() + hour)
      }, async (tab, url, params) => {
        await dead(params, url)
        assert.deepEqual(tab.asked, [url])
      }))
  }
})
