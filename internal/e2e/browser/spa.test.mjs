// Single-page apps in a browser: Vue and React built with Vite, and what else makes
// the browser show another URL than the one that was signed.
//
//	node --test --test-name-pattern='service worker' spa.test.mjs
import {after, before} from 'node:test'
import {start, stop} from './spa-world.mjs'

before(start)
after(stop)

await import('./spa-native.mjs')
await import('./spa-routers.mjs')
await import('./spa-sign.mjs')
await import('./spa-documents.mjs')
await import('./spa-history.mjs')
await import('./spa-worker.mjs')
await import('./spa-open-long.mjs')
await import('./spa-firefox.mjs')
