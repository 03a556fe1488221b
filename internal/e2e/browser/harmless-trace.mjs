// What the inline scripts of a page cost the main thread, as Chromium's tracing sees it.
import {world} from './harness.mjs'

// mainThread opens a page as often as given, on a CPU that is slowed down by rate, and
// returns for each time how long the main thread was busy with compiling and running
// the page's inline scripts and what they left to be called, in ms, and how many such
// calls there were. target(i) returns the URL for a time; no two may be the same.
export async function mainThread (target, {rate = 1, loads = 30, userAgent} = {}) {
  const context = await world.browser.newContext({userAgent})
  try {
    const page = await context.newPage()
    const session = await context.newCDPSession(page)
    await session.send('Emulation.setCPUThrottlingRate', {rate})
    await page.goto(target(0)) // what a browser does once
    await world.browser.startTracing(page, {categories: ['devtools.timeline']})
    const urls = Array.from({length: loads}, (_, i) => target(i + 1))
    for (const url of urls) {
      await page.goto(url)
      await page.evaluate(() => new Promise(resolve => setTimeout(() => setTimeout(resolve, 0), 0)))
    }
    const {traceEvents} = JSON.parse((await world.browser.stopTracing()).toString())
    return urls.map(url => cost(traceEvents.filter(e => e.ph === 'X' && names.includes(e.name) && e.args.data?.url === url)))
  } finally {
    await context.close()
  }
}

const names = ['EvaluateScript', 'v8.compile', 'FunctionCall']

// cost adds up events, none of them twice: some are within others.
function cost (events) {
  let end = -Infinity
  let ms = 0
  let calls = 0
  for (const e of events.toSorted((a, b) => a.ts - b.ts || b.dur - a.dur)) {
    if (e.ts < end) continue
    end = e.ts + e.dur
    ms += (e.tdur ?? e.dur) / 1000 // of the thread: what else the machine does is not counted
    calls += e.name === 'FunctionCall'
  }
  return {ms, calls}
}

export function median (numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
}
