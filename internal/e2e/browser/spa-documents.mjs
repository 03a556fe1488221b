// Documents whose URL is not what it seems: <base>, frames, user:password@, and
// documents that a browser takes from its cache or fetches beforehand.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {until} from './harness.mjs'
import {accepted, checked, open, platforms, spa} from './spa-world.mjs'
import {html, publish, sdk} from './upstream.mjs'

const script = sdk('3.2.9')
const call = '<script>dd.config(ddConfig)</script>'
const at = path => spa.origin('pages') + path

for (const platform of platforms) {
  test(`a page with <base> that a router has moved is called for its own URL (${platform})`, () => {
    const path = publish(html(`<script>addEventListener('load', function () {
      history.pushState(null, '', '/moved/7')
      dd.config(ddConfig)
    })</script>`, '<base href="/other/">' + script))
    const url = checked(platform, {entry: at(path), current: at('/moved/7')})
    return open(platform, at(path), tab => accepted(tab, {url, asked: url === at(path) ? [] : [url]}))
  })
}

test('a page with <base> that signs for itself is signed for its own URL', () => {
  const path = publish(html(`<script>addEventListener('load', function () {
    history.pushState(null, '', '/moved/7')
    ddSidecar.sign().then(dd.config)
  })</script>`, '<base href="/other/">' + script))
  return open('harmony', at(path), tab => accepted(tab, {url: at('/moved/7'), asked: [at('/moved/7')]}))
})

// A link opens the app with a password in its URL. What the browser shows has none.
for (const button of ['global', 'sign']) {
  test(`an app that was opened with user:password@ and has moved is accepted (${button})`, () => {
    const site = spa.origin('vue-history')
    return open('ios', site.replace('//', '//user:password@') + '/list', async tab => {
      assert.equal(await tab.evaluate(() => location.href), site + '/list')
      await tab.page.click('nav a:text-is("/list/7?tab=2")')
      await tab.page.waitForSelector('h1:text-is("item 7")')
      await tab.page.click('#' + button)
      await accepted(tab, {url: site + '/list/7?tab=2', asked: [site + '/list/7?tab=2']})
    })
  })
}

// The PC client frames apps, and portals frame each other. On phones a frame has no
// bridge.
for (const app of ['vue-history', 'react-history']) {
  test(`${app} in a frame of another site is signed for the URL of the frame (pc)`, () => {
    const portal = publish(html(`<iframe src="${spa.origin(app)}/list/7?tab=2"></iframe>`))
    return open('pc', spa.origin('plain') + portal, async tab => {
      const frame = tab.page.frameLocator('iframe')
      await frame.locator('h1:text-is("item 7")').waitFor()
      await frame.locator('#global').click()
      await accepted(tab, {url: spa.origin(app) + '/list/7?tab=2', asked: []})
    })
  })

  test(`${app} that has moved in a frame of another site is signed for the URL that the frame shows (pc)`, () => {
    const portal = publish(html(`<iframe src="${spa.origin(app)}/list"></iframe>`))
    return open('pc', spa.origin('plain') + portal, async tab => {
      const frame = tab.page.frameLocator('iframe')
      await frame.locator('nav a:text-is("/contacts")').click()
      await accepted(tab, {url: spa.origin(app) + '/contacts', asked: [spa.origin(app) + '/contacts']})
    })
  })
}

test('a page and the page that it frames are signed each for itself (pc)', () => {
  const inner = publish(html(script + call))
  const outer = publish(html(`${script}${call}<iframe src="${inner}"></iframe>`))
  return open('pc', at(outer), async tab => {
    await tab.page.frameLocator('iframe').locator('p').waitFor()
    await tab.quiet()
    assert.deepEqual(tab.calls.map(c => [c.href, c.verdict.ok]).sort(), [[at(inner), true], [at(outer), true]].sort())
    assert.deepEqual([tab.asked, tab.errors], [[], []])
  })
})

// Two pages that a browser takes for one, if it is told so.
const searches = ['?a=1&utm=x', '?a=1&utm=y']

function publishTwins (name) {
  const headers = {'no-vary-search': 'params=("utm")', 'cache-control': 'max-age=3600'}
  for (const search of searches) {
    publish(html(`<h1>${search}</h1>`, script), {headers, target: name + search})
  }
  return name
}

// turn opens one and then the other, and returns for which the document was made.
async function turn (tab, second) {
  await tab.page.goto(second)
  return tab.page.textContent('h1')
}

test('No-Vary-Search of a page without the sidecar makes the browser show a page that was made for another URL', () => {
  const page = spa.origin('plain') + publishTwins('/twins')
  return open('browser', page + searches[0], async tab => {
    assert.equal(await turn(tab, page + searches[1]), searches[0])
  })
})

test('No-Vary-Search of a signed page is gone: each page is made and signed for its own URL', () => {
  const page = at(publishTwins('/twins'))
  return open('ios', page + searches[0], async tab => {
    assert.equal(await turn(tab, page + searches[1]), searches[1])
    await tab.evaluate(() => dd.config(ddConfig))
    await accepted(tab, {url: page + searches[1], asked: []})
  })
})

// prefetched opens a page that lets the browser fetch the first of the twins
// beforehand, waits until it has it, and follows a link to one of them.
async function prefetched (platform, site, search, story) {
  const twins = publishTwins('/prefetched')
  const rules = {prefetch: [{urls: [twins + searches[0]], expects_no_vary_search: 'params=("utm")', eagerness: 'immediate'}]}
  const from = publish(html(`<a href="${twins}${search}">link</a>`))
  await open(platform, spa.origin(site, 'localhost') + from, async tab => {
    const devtools = await tab.page.context().newCDPSession(tab.page)
    const states = []
    devtools.on('Preload.prefetchStatusUpdated', ({status}) => states.push(status))
    await devtools.send('Preload.enable')
    await tab.evaluate(rules => {
      const script = document.createElement('script')
      script.type = 'speculationrules'
      script.textContent = JSON.stringify(rules)
      document.head.append(script)
    }, rules)
    await until('the browser has fetched the page', () => states.includes('Ready'))
    await tab.page.click('a')
    await tab.page.waitForSelector('h1')
    const shown = await tab.evaluate(() => ({
      href: location.href,
      made: document.querySelector('h1').textContent,
      beforehand: performance.getEntriesByType('navigation')[0].deliveryType === 'navigational-prefetch'
    }))
    await story(tab, shown)
  })
}

test('a page that was fetched beforehand without the sidecar is shown for another URL', () =>
  prefetched('browser', 'plain', searches[1], (tab, {made, beforehand}) => {
    assert.deepEqual([made, beforehand], [searches[0], true])
  }))

for (const search of searches) {
  const itself = search === searches[0]
  test(`a signed page that was fetched beforehand is shown for ${itself ? 'its own URL, with a signature that is right' : 'no other URL'}`, () =>
    prefetched('ios', 'pages', search, async (tab, {href, made, beforehand}) => {
      assert.deepEqual([made, beforehand], [search, itself])
      await tab.evaluate(() => dd.config(ddConfig))
      await accepted(tab, {url: href, asked: []})
    }))
}
