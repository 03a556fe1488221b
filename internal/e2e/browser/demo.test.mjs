// The demo: whatever a visitor clicks, in whichever order and in however many tabs, its
// page says what is so; and the group's chat shows what the robot was sent.
//
//	node --test demo.test.mjs
import {after, before, test} from 'node:test'
import assert from 'node:assert/strict'
import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {launch, startDemo, startSandbox, stop, until} from './harness.mjs'

const out = join(import.meta.dirname, 'out')
let browser, address

before(async () => {
  address = await startDemo()
  browser = await launch()
  mkdirSync(out, {recursive: true})
})

after(async () => {
  await browser?.close()
  await stop()
})

async function visitor (story) {
  const context = await browser.newContext({viewport: {width: 1100, height: 1000}})
  try {
    await story(context)
  } finally {
    await context.close()
  }
}

async function open (context, path = '/') {
  const page = await context.newPage()
  await page.goto(address + path)
  return page
}

// reload does what a visitor does; the page may be reloading itself, to heal, at that moment.
const reload = page => page.reload().catch(() => page.reload())

// said waits until nothing changes any more, and returns what the page says.
async function said (page) {
  let last = ''
  return until('the page has made up its mind', async () => {
    const now = await page.evaluate(() => window.demoStories && ({
      path: location.pathname,
      mood: document.getElementById('verdict').className.replace('card ', ''),
      verdict: document.getElementById('verdict-en').textContent,
      story: document.querySelector('#story .en')?.textContent ?? '',
      cure: document.getElementById('cure').textContent,
      urls: ['shown', 'signed'].map(id => document.getElementById(id).textContent),
      current: document.querySelector('nav [aria-current]')?.getAttribute('data-mistake'),
      sure: window.__ddNative?.calls[0]
    })).catch(() => null) // it is on its way to another page
    if (!now || now.mood === 'waiting') return null
    const same = JSON.stringify(now).replace(/\d+ seconds/, '') === last
    last = JSON.stringify(now).replace(/\d+ seconds/, '')
    return same && now
  })
}

const stories = {
  '': /the sidecar put the right parameters .* The app needs no change/,
  scheme: /wrong scheme/,
  port: /lacks it/,
  ticket: /By now this page is right/
}
const waits = /let it expire again in \d+ seconds/
const dead = /The ticket is dead: .* reload this page in \d+ seconds/

// isTrue holds what the page says against what came of its dd.config.
function isTrue (now) {
  const mistake = now.path.replace('/broken/', '').replace('/', '')
  assert.equal(now.current, mistake, 'the switch of this page is marked')
  const [shown, signed] = now.urls
  if (mistake === 'scheme' || mistake === 'port') {
    assert.equal(now.mood, 'bad')
    assert.notEqual(shown, signed)
    assert.match(now.cure, /Let the sidecar sign it/)
    assert.ok(stories[mistake].test(now.story) || waits.test(now.story), now.story)
    return
  }
  assert.equal(shown, signed)
  if (now.mood === 'good') {
    assert.match(now.verdict, /The signature is right/)
    assert.equal(now.cure, '')
    assert.ok(stories[mistake].test(now.story) || waits.test(now.story), now.story)
    return
  }
  assert.match(now.verdict, /The signature does not match/)
  assert.match(now.cure, /Reload/)
  assert.ok(dead.test(now.story) || waits.test(now.story), now.story)
}

test('twenty random clicks: every state says what is so', t => visitor(async context => {
  const seed = Number(process.env.SEED) || Date.now() % 100_000
  t.diagnostic(`SEED=${seed}`)
  let state = seed
  const random = n => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return Math.floor(state / 2 ** 16) % n
  }
  const tabs = [await open(context), await open(context)]
  const done = []
  const clicks = {
    right: page => page.click('nav a[data-mistake=""]'),
    scheme: page => page.click('nav a[data-mistake="scheme"]'),
    port: page => page.click('nav a[data-mistake="port"]'),
    ticket: page => page.click('nav a[data-mistake="ticket"]'),
    'ticket twice': async page => {
      await page.click('nav a[data-mistake="ticket"]')
      await page.click('nav a[data-mistake="ticket"]', {timeout: 2000}).catch(() => {}) // the page may be on its way
    },
    reload,
    back: page => page.goBack()
  }
  try {
    for (let n = 0; n < 20; n++) {
      const tab = random(2)
      const names = Object.keys(clicks)
      const name = names[random(names.length)]
      done.push(`${name} in tab ${tab}`)
      await clicks[name](tabs[tab])
      if (tabs[tab].url() === 'about:blank') await tabs[tab].goto(address)
      isTrue(await said(tabs[tab]))
    }
  } catch (e) {
    e.message = `after ${done.join(', ')} (SEED=${seed}): ${e.message}`
    throw e
  } finally {
    await tabs[0].screenshot({path: join(out, 'demo.png'), fullPage: true}).catch(() => {})
  }
}))

// Somebody else, who knows nothing of the minute.
test('a ticket that dies again within the minute: the page says so, and counts until it is right', () => visitor(async context => {
  const page = await open(context)
  await said(page)
  for (let n = 0; n < 2; n++) {
    await fetch(address + '/sandbox/expire', {method: 'POST'})
    await reload(page)
    isTrue(await said(page))
  }
  assert.match((await said(page)).story, dead)
  await page.screenshot({path: join(out, 'demo-dead-ticket.png'), fullPage: true})
}))

test("the demo's chat tells of the ticket", () => visitor(async context => {
  const page = await open(context)
  const first = page.locator('#chat > li').last()
  await first.waitFor()
  assert.match(await first.textContent(), /取到了新的 jsapi_ticket.*There is a new jsapi_ticket/s)
  assert.equal(await page.locator('#chat-empty').isHidden(), true)
}))

// Each kind of message as DingTalk renders it. What is no markup stays text.
const evil = '<img src=x onerror=alert(1)> \\*kept\\*'
const messages = [
  {msgtype: 'text', text: {content: `one\n${evil}`}},
  {msgtype: 'markdown', markdown: {title: 't', text: `## Heading\n\n**bold** and [a link](https://example.com/x)\n\n- an item @13800138000\n- ${evil}\n\n[no link](javascript:alert(1))`}},
  {msgtype: 'link', link: {title: 'A page', text: evil, messageUrl: 'https://example.com/y'}},
  {msgtype: 'actionCard', actionCard: {title: 'A card', text: `**choose** ${evil}`, btns: [{title: 'Yes', actionURL: 'https://example.com/yes'}, {title: 'No', actionURL: 'javascript:alert(1)'}]}},
  {msgtype: 'feedCard', feedCard: {links: [{title: 'First', messageURL: 'https://example.com/1', picURL: 'https://example.com/1.png'}]}}
]

test('the chat shows what the robot was sent as DingTalk does, and none of it becomes HTML', () => visitor(async context => {
  const sandbox = await startSandbox()
  for (const message of messages) await sandbox.call('/robot/send?access_token=sandboxrobot', message)
  const page = await context.newPage()
  await page.goto(sandbox.base + '/')
  const bubbles = page.locator('#chat > li')
  await until('all messages are shown', async () => await bubbles.count() === messages.length)
  const shown = (await bubbles.evaluateAll(all => all.map(bubble => ({
    text: bubble.textContent.replace(bubble.querySelector('time').textContent, ''),
    tags: [...bubble.querySelectorAll('*')].map(e => e.nodeName.toLowerCase()).filter(n => n !== 'time'),
    links: [...bubble.querySelectorAll('a[href]')].map(a => a.href)
  })))).reverse() // the newest is on top
  const kept = '<img src=x onerror=alert(1)> *kept*'
  assert.deepEqual(shown, [
    {text: `one\n${evil}`, tags: ['p'], links: []},
    {
      text: `Headingbold and a linkan item @13800138000${kept}[no link](javascript:alert(1))`,
      tags: ['h3', 'p', 'strong', 'a', 'ul', 'li', 'mark', 'li', 'p'],
      links: ['https://example.com/x']
    },
    {text: `A page${evil}`, tags: ['a', 'h3', 'p'], links: ['https://example.com/y']},
    {text: `A cardchoose ${kept}YesNo`, tags: ['h3', 'p', 'strong', 'a', 'a'], links: ['https://example.com/yes']},
    {text: 'First', tags: ['a', 'h3'], links: ['https://example.com/1']}
  ])
  await page.locator('#chat').screenshot({path: join(out, 'demo-chat.png')})
}))
