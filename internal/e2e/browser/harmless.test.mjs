// Nothing of a page breaks, whatever it is made of, in DingTalk and elsewhere.
import {after, before} from 'node:test'
import {start, stop} from './harness.mjs'

before(start)
after(stop)

await import('./harmless-dd.mjs')
await import('./harmless-page.mjs')
await import('./harmless-time.mjs')
