// End to end through real proxies: nginx, HAProxy and a second Caddy in front, each
// set up as in the recipes, DingTalk's own script in the page, and a native side
// that checks the signature against the URL that the browser shows. All pages are
// opened first; the tests look at what came of them.
import {after, before, describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {skip as skipFirefox} from './firefox.mjs'
import {launch, stop} from './harness.mjs'
import {recipes, rows} from './proxies-recipes.mjs'
import {visitAll, visitInFirefox} from './proxies-visits.mjs'
import {skip, startProxies} from './proxies-world.mjs'

describe('behind proxies', {skip}, () => {
  let visited, port

  before(async () => {
    const world = await startProxies()
    port = world.port
    const browser = await launch('--host-resolver-rules=' + world.rules)
    try {
      visited = await visitAll(browser, world.sandbox, rows)
    } finally {
      await browser.close()
    }
  })
  after(() => {
    if (visited) console.log(table(visited))
    return stop()
  })

  for (const name of Object.keys(recipes)) {
    test(`${name}: ${promise(name)}`, () => {
      const mine = visited.filter(row => row.name === name)
      assert.notEqual(mine.length, 0)
      assert.deepEqual(
        mine.map(({url, app, outcome, trouble}) => ({url, app, outcome, trouble})),
        mine.map(({url, app, expected}) => ({url, app, outcome: expected, trouble: undefined})))
    })
  }

  test('the proxies make of a request what the data says', () => {
    for (const {url, host, request_target: target, arrived, status} of visited.filter(row => row.measured)) {
      if (target) {
        const [seenHost, seenTarget] = arrived.split(' ')
        assert.equal(seenTarget, target, url)
        if (!host.startsWith('127.')) assert.equal(seenHost, host, url) // there it is an address of the test
      } else {
        assert.equal(status, 400, url)
      }
    }
  })

  test('nobody is wrong', () => {
    assert.deepEqual(visited.filter(row => row.outcome === 'wrong'), [])
  })

  // Chromium escapes a | in a path; Firefox and WebKit send and show it as it is, and
  // Caddy's reverse_proxy escapes the whole path anew.
  describe('behind Caddy a path with | is accepted in Firefox', {skip: skipFirefox}, () => {
    test('when the client asks', async () => {
      const {href, signed, ...seen} = await visitInFirefox(`http://plain.test:${port}/app/[x]|y?a|b`)
      assert.deepEqual(seen, {said: 'ready', calls: 1})
      assert.equal(new URL(href).pathname, '/app/[x]|y')
      assert.equal(new URL(signed).pathname, '/app/%5Bx%5D%7Cy')
    })

    test('at once where that Caddy passes on what the browser has sent', async () => {
      const {href, signed, ...seen} = await visitInFirefox(`http://original.test:${port}/app/[x]|y?a|b`)
      assert.deepEqual(seen, {said: 'ready', calls: 1})
      assert.equal(signed, href)
    })
  })
})

// promise says what the rows of a recipe are to show.
function promise (name) {
  const count = who => rows.filter(row => row.name === name && row.expected === who).length
  const parts = {server: 'signed by the server', client: 'signed when the client asks', 'no page': 'refused with 400'}
  return Object.entries(parts).filter(([who]) => count(who)).map(([who, what]) => `${count(who)} ${what}`).join(', ')
}

test('the docs have the lines that were run', () => {
  for (const name of ['docs/proxies.md', 'docs/zh/proxies.md']) {
    const text = readFileSync(join(import.meta.dirname, '../../..', name), 'utf8')
    for (const [recipe, {cure = [], site = [], directive = []}] of Object.entries(recipes)) {
      for (const line of [...cure, ...site, ...directive]) {
        const shown = line.replace('ORIGIN', 'https://h5.example.com')
        assert.ok(text.includes(shown), `${name} does not show \`${shown}\` for ${recipe}`)
      }
    }
  }
})

// table shows for each recipe who was right about the URL, and how often.
function table (visited) {
  const columns = ['server', 'client', 'wrong', 'no page']
  const line = (name, front, numbers) => name.padEnd(28) + front.padEnd(16) + numbers.map(n => String(n).padStart(8)).join('')
  const counts = rows => [rows.length, ...columns.map(outcome => rows.filter(row => row.outcome === outcome).length)]
  return [
    line('recipe', 'front', ['rows', ...columns]),
    ...Object.entries(recipes).map(([name, recipe]) => line(name, front(recipe), counts(visited.filter(row => row.name === name)))),
    line('all', '', counts(visited))
  ].join('\n')
}

function front ({imitated, haproxy, caddy, second}) {
  if (imitated) return 'imitated'
  return (haproxy ? 'haproxy' : caddy ? 'caddy' : 'nginx') + (second ? ' + nginx' : '')
}
