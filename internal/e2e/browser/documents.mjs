// The document around the insertion is the one that upstream sent, in two engines.
import {describe, test} from 'node:test'
import assert from 'node:assert/strict'
import {documents, placeless} from './documents-corpus.mjs'
import {engines, see} from './documents-seen.mjs'
import {world} from './harness.mjs'
import {codings, wire} from './splice.mjs'
import {publish} from './upstream.mjs'

// served publishes a document. Nothing but the document is loaded, whatever it asks for.
function served ({body, charset}, headers) {
  return publish(body, {headers: {
    'content-type': 'text/html' + (charset ? `; charset=${charset}` : ''),
    'content-security-policy': "default-src 'unsafe-inline'",
    ...headers
  }})
}

const origin = () => world.origin('h5', 'https') // a browser asks for zstd over TLS alone

for (const document of documents) {
  document.visited = []
  for (const coding of codings) {
    test(`a document ${document.name} in ${coding.name} is what it was, around the insertion`, {skip: coding.skip}, async () => {
      const path = served({...document, body: coding.encode(document.body)}, {'content-encoding': coding.name})
      const {page, spliced, again} = await wire(origin() + path, coding)
      assert.equal(page, document.body.toString('latin1'))
      if (spliced || guessed(document)) document.visited.push({coding, path, spliced, again})
    })
  }
}

// Chromium guesses a charset by what it gets first, and that may be our insertion alone.
const guessed = d => !d.charset && !/charset/i.test(d.body.subarray(0, 1024).toString('latin1')) && d.body.indexOf('\ufeff')
test('a page is spliced only if something tells its charset', () => {
  assert.deepEqual(documents.filter(d => guessed(d) && d.visited.some(v => v.spliced)).map(d => d.name), [])
})

describe('a document stays as it is around the insertion', {concurrency: true}, () => {
  for (const engine of engines) {
    describe(`in ${engine.name}`, {skip: engine.skip, concurrency: 1}, () => {
      for (const document of documents) {
        test(document.name, async t => {
          const path = served(document)
          const plain = await see(engine, world.origin('plain') + path)
          assert.equal(plain.inserted, undefined)
          const expect = seen => {
            assert.deepEqual(seen.inserted, placeless.has(document.name) ? undefined : {first: true, place: 'HEAD', gone: true, signed: true})
            assert.deepEqual(seen.document, plain.document)
          }
          expect(await see(engine, origin() + path))
          for (const {coding, path, again} of document.visited) {
            await t.test(`in ${coding.name}`, async () => expect(await see(engine, origin() + path, again)))
          }
        })
      }
    })
  }
})

await import('./splice-damaged.mjs')
