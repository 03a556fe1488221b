// How pages come to DingTalk's script, and what of it they call, with every version.
import {after, before} from 'node:test'
import {start, stop} from './harness.mjs'

before(start)
after(stop)

await import('./loading-ways.mjs')
await import('./loading-copies.mjs')
await import('./loading-old.mjs')
await import('./loading-order.mjs')
await import('./loading-hint.mjs')
