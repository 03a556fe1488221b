// The document around the insertion is the one that upstream sent.
import {test} from 'node:test'
import assert from 'node:assert/strict'
import {world} from './harness.mjs'
import {publish} from './upstream.mjs'
import {visit} from './visit.mjs'

const gbk = Buffer.from([0xd6, 0xd0, 0xce, 0xc4]) // 中文

const documents = {
  'in UTF-8': '<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>中文</title></head><body><p>中文</p></body></html>',
  'in GBK by a meta element': Buffer.concat([Buffer.from('<!DOCTYPE html><html><head><meta http-equiv="Content-Type" content="text/html; charset=gbk"><title>'), gbk, Buffer.from('</title></head><body>'), gbk, Buffer.from('</body></html>')]),
  'without a charset': '<!DOCTYPE html><html><head><title>x</title></head><body>caf\u00e9</body></html>',
  'with a byte order mark': '\ufeff<!DOCTYPE html><html><head><title>中文</title></head><body>中文</body></html>',
  'in quirks mode': '<html><head><title>x</title></head><body><table><tr><td>x</table></body></html>',
  'in limited quirks mode': '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd"><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body>x</body></html>',
  'with a frameset': '<html><head><title>x</title></head><frameset cols="50%,*"><frame src="about:blank"><frame src="about:blank"></frameset></html>',
  'without any tag': 'just text, and <b>a bold</b> word',
  'without head and body tags': '<!doctype html><meta charset=utf-8><title>x</title><p>one<p>two',
  'with comments and an XML declaration in front': '<?xml version="1.0"?><!-- a <head> in a comment --><!DOCTYPE html><!-- another --><html class="a"><!-- third --><head data-x="1"><title>x</title></head><body>x</body></html>',
  'whose first element is in the body': '<!doctype html>\n\n<div>x</div><script>document.title = "set"</script>',
  'with a preloading head': '<!doctype html><html><head>\n\t<base href="/elsewhere/">\n\t<link rel="icon" href="data:,">\n\t<style>p{color:red}</style>\n</head>\n<body>\n<p>x\n</body>\n</html>\n'
}

for (const [what, body] of Object.entries(documents)) {
  test(`a document ${what} stays as it is around the insertion`, async () => {
    const path = publish(body, {headers: {'content-type': 'text/html'}})
    const [without, withSidecar] = [await observe('plain', path), await observe('h5', path)]
    assert.match(withSidecar.ours, /^\(function/)
    assert.equal(withSidecar.signed, true)
    assert.equal(without.ours, undefined)
    for (const key of ['characterSet', 'compatMode', 'title', 'html', 'shape']) assert.deepEqual(withSidecar[key], without[key])
  })
}

// observe takes our script out of the document and returns what is left.
async function observe (site, path) {
  let told
  await visit('browser', world.origin(site) + path, async tab => {
    await tab.quiet()
    told = await tab.evaluate(() => {
      const script = Array.from(document.scripts).find(s => s.text.includes('ddSidecar'))
      const place = script && [script.parentNode.nodeName, script.previousSibling]
      script?.remove()
      const shape = node => [node.nodeType, node.nodeName, node.nodeValue, Array.from(node.attributes ?? [], a => [a.name, a.value]), Array.from(node.childNodes, shape)]
      return {
        ours: script?.text, place, signed: !!window.ddConfig,
        characterSet: document.characterSet, compatMode: document.compatMode, title: document.title,
        html: document.documentElement.outerHTML, shape: shape(document)
      }
    })
  })
  return told
}
