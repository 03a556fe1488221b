// Pages that stay open longer than the ticket lives that they were signed with.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {accepted, checked, dead, open, platforms, replaceTicket, spa} from './spa-world.mjs'
import {html, publish, sdk} from './upstream.mjs'

const hour = 3600_000

for (const platform of platforms) {
  for (const button of platform === 'android' ? ['global', 'sign'] : ['global']) {
    test(`an app that is left open for three hours is accepted (${button}, ${platform})`, () => {
      const site = spa.origin('open-long')
      const url = checked(platform, {entry: site + '/', current: site + '/list'})
      return open(platform, site + '/', async tab => {
        await tab.page.click('nav a:text-is("/list")')
        await tab.page.waitForSelector('h1:text-is("list")')
        const params = await tab.evaluate(() => ddConfig)
        await replaceTicket()
        await dead({...params, jsApiList: []}, site + '/')
        await tab.page.clock.setFixedTime(Date.now() + 3 * hour)
        await tab.page.click('#' + button)
        await accepted(tab, {url, asked: [url]})
      }, {sandbox: spa.replaced})
    })
  }
}

test('a page in a browser whose clock is wrong asks once, and is accepted', () => {
  const url = spa.origin('pages') + publish(html(sdk('3.2.9') + '<script>dd.config(ddConfig)</script>'))
  return open('ios', url, tab => accepted(tab, {url, asked: [url]}), {
    init: `Date.now = (function (now) { return function () { return now() - ${hour} } })(Date.now);`
  })
})

test('a page that calls dd.config within a few minutes does not ask', () => {
  const url = spa.origin('pages') + publish(html(sdk('3.2.9')))
  return open('ios', url, async tab => {
    await tab.page.clock.setFixedTime(Date.now() + hour / 10 - 60_000)
    await tab.evaluate(() => dd.config(ddConfig))
    await accepted(tab, {url, asked: []})
    assert.deepEqual(tab.reports, [])
  })
})
