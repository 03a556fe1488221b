// The client and the module in a browser, with DingTalk's own JSAPI scripts. One
// process, so that all topics share one Caddy and one browser:
//
//	npm ci && npm test
//	node --test --test-name-pattern='a policy' browser.test.mjs
import {after, before} from 'node:test'
import {start, stop} from './harness.mjs'

before(start)
after(stop)

await import('./calls.mjs')
await import('./rest.mjs')
await import('./arrival.mjs')
await import('./urls.mjs')
await import('./policies.mjs')
await import('./refusals.mjs')
await import('./heal.mjs')
await import('./outside.mjs')
await import('./traceless.mjs')
await import('./again.mjs')
await import('./documents.mjs')
await import('./cached.mjs')
