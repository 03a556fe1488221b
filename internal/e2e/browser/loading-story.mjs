// What the stories of the loading tests have in common.
import assert from 'node:assert/strict'
import {world} from './harness.mjs'
import {openDevelop} from './sdk.mjs'
import {html, publish} from './upstream.mjs'
import {visit} from './visit.mjs'

// wrong is what a page's own backend has signed.
export const wrong = JSON.stringify({
  agentId: '1', corpId: 'dingother', timeStamp: 1700000000000, nonceStr: 'theirs', signature: '00', type: 0, jsApiList: ['biz.user.get']
})

export const listed = ['biz.contact.choose', 'device.notification.alert'] // by the site auto
export const both = ['biz.contact.choose', 'biz.user.get', 'device.notification.alert']

// Timers of a second and more run when a test says that the time has come.
const patience = `
  window.later = [];
  (function (setTimeout) {
    window.setTimeout = function (f, ms, a) { return ms >= 1000 ? later.push(function () { f(a) }) : setTimeout.apply(this, arguments) }
  })(setTimeout);`

export const open = (platform, site, body, story, {init = '', ...options} = {}) =>
  visit(platform, world.origin(site) + publish(html(body)), story, {init: patience + init, ...options})

// later waits until the page is quiet, and lets much time pass.
export async function later (tab) {
  await tab.quiet()
  await tab.evaluate(() => later.splice(0).forEach(f => f()))
  await tab.quiet()
}

// hints returns what the console says that is ours.
export const hints = tab => tab.console.filter(line => /dd\.config\(ddConfig\)/.test(line))

// quietly makes sure that we have said nothing, asked nothing and broken nothing.
export function quietly (tab) {
  assert.deepEqual(
    {hints: hints(tab), asked: tab.asked, reports: tab.reports, errors: tab.errors},
    {hints: [], asked: [], reports: [], errors: []})
}

// acceptedOnce makes sure that dd.config goes out once and is right, with that list,
// and that dd.ready has told the page so as often as it asked.
export const acceptedOnce = (list, {ready = 0} = {}) => async tab => {
  await tab.judged()
  if (ready) await tab.seen(ready)
  await later(tab)
  assert.deepEqual(tab.calls.map(c => c.verdict), [{...tab.calls[0].verdict, ok: true}])
  assert.deepEqual(tab.calls[0].params.jsApiList.toSorted(), list)
  assert.deepEqual(await tab.evaluate(() => seen.list), Array(ready).fill('ready'))
  quietly(tab)
}

// The script of that version in that form, in a script element with these attributes.
export const script = (version, form, attributes = '') =>
  `<script ${attributes} src="/sdk/${version}.${version === openDevelop ? 'global' : form}.js"></script>`
