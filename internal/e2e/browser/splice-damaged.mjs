// Compressed pages that are not as they should be: cut off, in several members, with
// something behind. A browser shows as much of them as without us, or more.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {engines} from './documents-seen.mjs'
import {world} from './harness.mjs'
import {codings} from './splice.mjs'
import {publish} from './upstream.mjs'

const paragraphs = 3000
const page = comment => Buffer.from(`<!DOCTYPE html>\n<html>${comment}<head><meta charset="utf-8"></head><body>` +
  Array.from({length: paragraphs}, (_, i) => `<p class="p${i * i % 97}">页面 ${i * 7919 % 10007}</p>\n`).join('') + '</body></html>')
const pages = {spliced: page(''), transcoded: page('<!-- c -->')}

const half = b => b.subarray(0, b.length / 2)
const behind = text => (encode, page) => Buffer.concat([encode(page), Buffer.from(text)])

// How to compress a page so that it is damaged. What stands behind zstd is left out:
// browsers refuse that, without us and with us, and say so in ways of their own.
const damages = [
  {what: 'half of it', short: true, make: (encode, page) => half(encode(page))},
  {what: 'all but the last byte', make: (encode, page) => encode(page).subarray(0, -1)},
  {what: 'a line feed behind', only: 'gzip', make: behind('\n')},
  {what: 'zeros behind', only: 'gzip', make: behind('\0'.repeat(512))},
  {what: 'text behind', only: 'gzip', make: behind('<!-- served in 3 ms -->')},
  {what: 'two members or frames', make: (encode, page) => Buffer.concat([encode(page.subarray(0, 5000)), encode(page.subarray(5000))])},
  {what: 'two, the second cut off', short: true, make: (encode, page) => Buffer.concat([encode(page.subarray(0, 5000)), half(encode(page.subarray(5000)))])},
  {what: 'another checksum', only: 'gzip', make: (encode, page) => {
    const b = Buffer.from(encode(page))
    b[b.length - 6] ^= 1
    return b
  }}
]

describe('a damaged page shows as much as without us', {concurrency: true}, () => {
  for (const engine of engines) {
    describe(`in ${engine.name}`, {skip: engine.skip, concurrency: 1}, () => {
      for (const coding of codings) {
        for (const {what, only = coding.name, short, make} of damages) {
          if (only !== coding.name) continue
          for (const [way, page] of Object.entries(pages)) {
            test(`${coding.name}, ${way}: ${what}`, {skip: coding.skip}, async t => {
              const body = make(coding.encode, page)
              const headers = {'content-type': 'text/html', 'content-encoding': coding.name}
              const without = await shown(engine, publish(body, {headers: {...headers, 'cache-control': 'no-transform'}}))
              const withUs = await shown(engine, publish(body, {headers}))
              t.diagnostic(`${engine.name} shows ${without} of ${paragraphs} paragraphs without us, ${withUs} with us`)
              assert.ok(withUs >= without)
              assert.ok(!short || withUs < paragraphs)
            })
          }
        }
      }
    })
  }
})

// shown returns how many paragraphs a browser shows.
async function shown (engine, path) {
  const tab = await engine.tab()
  await tab.goto(world.origin('h5', 'https') + path)
  return Number(await tab.evaluate(() => String(document.querySelectorAll('p[class]').length)))
}
