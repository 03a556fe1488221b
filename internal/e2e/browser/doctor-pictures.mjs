// Takes the pictures of the doctor page for the README anew, as a phone shows them.
// Any program that makes a palette of their colours makes them smaller.
//
//	node doctor-pictures.mjs docs
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {launch, onExit, stop} from './harness.mjs'
import {consult, startDoctors, tlsPort} from './doctor-world.mjs'

const folder = process.argv[2]
if (!folder) throw new Error('name the folder for the pictures')

await startDoctors()
// The page is seen under the URL that it has in real life.
const browser = await launch(`--host-resolver-rules=MAP *.example.com:443 127.0.0.1:${tlsPort()}, MAP g.alicdn.com:443 127.0.0.1:${tlsPort()}`)
onExit(() => browser.close())

async function picture (name, platform, url, {dark, english} = {}) {
  await consult(platform, url, async tab => {
    await tab.page.setViewportSize({width: 375, height: 720})
    if (dark) await tab.page.emulateMedia({colorScheme: 'dark'})
    if (english) await tab.page.click('#language')
    await tab.page.evaluate(() => document.activeElement.blur())
    const session = await tab.page.context().newCDPSession(tab.page)
    const {data} = await session.send('Page.captureScreenshot', {clip: {x: 0, y: 0, width: 375, height: 720, scale: 2}})
    writeFileSync(join(folder, name + '.png'), data, 'base64')
  }, {browser})
}

const page = 'https://h5.example.com/.dingtalk/doctor?q=%E4%B8%AD%E6%96%87'
await picture('doctor-zh', 'android', page)
await picture('doctor-en', 'android', page, {english: true})
await picture('doctor-dark', 'ios', 'https://app.example.com/.dingtalk/doctor', {dark: true})
await stop()
