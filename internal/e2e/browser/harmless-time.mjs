// The time that our script takes of the main thread. How long a millisecond is depends
// on the machine, so the measure is the least that an inline script can do.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {world} from './harness.mjs'
import {mainThread, median} from './harmless-trace.mjs'
import {html, publish} from './upstream.mjs'

const userAgent = 'Mozilla/5.0 (Linux; U; Android 14; zh-CN) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 ' +
  'Chrome/100.0.4896.58 Mobile Safari/537.36 AliApp(DingTalk/7.5.36) com.alibaba.android.rimet/37747409'

// Each time has a URL of its own: browsers keep what they have compiled.
function pages (site, body) {
  const base = publish(html(body))
  return i => world.origin(site) + publish(html(body), {target: `${base}?${i}`})
}

let least // what the shortest script costs
const fake = 'window.dd = {env: {}, config: function () {}, ready: function () {}, error: function () {}}'
publish(fake, {target: '/fake.js', headers: {'content-type': 'text/javascript'}})

for (const [where, body, options] of [
  ['outside DingTalk', '', {}],
  ['in DingTalk, without dd', '', {userAgent}],
  ['in DingTalk, with a dd that is called for', '<script src="/fake.js"></script>', {userAgent}]
]) {
  test(`our script ${where} runs a few times, for as long as a few of the shortest scripts`, async t => {
    const costs = await mainThread(pages('auto', body), options)
    const ms = median(costs.map(c => c.ms))
    const unit = await (least ??= mainThread(pages('plain', '<script>window.x = 1</script>')).then(costs => median(costs.map(c => c.ms))))
    const phone = await mainThread(pages('auto', body), {...options, rate: 4, loads: 10}) // one of the middle sort
    t.diagnostic(`${ms.toFixed(2)} ms; ${median(phone.map(c => c.ms)).toFixed(2)} ms on a CPU slowed down by 4; the shortest script ${unit.toFixed(2)} ms`)
    assert.ok(unit > 0 && ms > unit)
    assert.ok(ms <= 25 * unit, `${ms} ms are more than 25 times ${unit} ms`)
    assert.ok(Math.max(...costs.map(c => c.calls)) <= 4)
  })
}
