// What a script has fetched is opened as a page. On plain http a browser says little about
// what it asks for, and its cache keeps one answer for a URL: it must not be the one
// without the snippet.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {world} from './harness.mjs'
import {answered, html, publish, sdk} from './upstream.mjs'
import {visit} from './visit.mjs'

const date = 'Mon, 02 Jan 2006 15:04:05 GMT'
const kept = {
  'a tag': {etag: '"v1"'},
  'a tag and a date, as files have': {etag: '"v1"', 'last-modified': date},
  'a tag, for ten minutes': {etag: '"v1"', 'cache-control': 'max-age=600'},
  'a weak tag, for ten minutes and for each Accept-Encoding': {etag: 'W/"v1"', 'cache-control': 'public, max-age=600', vary: 'Accept-Encoding'},
  'a tag, for this browser': {etag: '"v1"', 'cache-control': 'private, max-age=600'},
  'a date, for ten minutes': {'last-modified': date, 'cache-control': 'max-age=600'},
  'a date': {'last-modified': date}
}

const from = publish(html(''))
const fetchTwice = (tab, target) => tab.evaluate(async url => {
  for (let n = 0; n < 2; n++) await (await fetch(url)).text()
}, target)

for (const [how, headers] of Object.entries(kept)) {
  test(`a page that a script has fetched twice is signed when it is opened (kept by ${how})`, () => {
    const target = publish(html('<script>dd.config(ddConfig)</script>', sdk('3.2.9')), {headers})
    return visit('ios', world.origin('h5') + from, async tab => {
      await fetchTwice(tab, target)
      await tab.page.goto(world.origin('h5') + target)
      assert.equal((await tab.judged()).verdict.ok, true)
      assert.equal(answered(target).at(-1), 200, 'the document came from upstream')
      if (headers.etag && headers['cache-control'] !== 'private, max-age=600') assert.equal(answered(target)[1], 304)
    })
  })
}

test('a script that was fetched twice has what upstream says, and comes from the cache', () => {
  const headers = {'content-type': 'text/javascript', etag: '"v1"', 'cache-control': 'max-age=0'}
  const target = publish('1', {headers})
  return visit('ios', world.origin('h5') + from, async tab => {
    await fetchTwice(tab, target)
    assert.deepEqual(answered(target), [200, 304])
    const {tag, control} = await tab.evaluate(async url => {
      const {headers} = await fetch(url)
      return {tag: headers.get('etag'), control: headers.get('cache-control')}
    }, target)
    assert.deepEqual([tag, control], ['"v1"', 'max-age=0'])
  })
})
