// The documents that are looked at, as bytes by name.
import {readFileSync, readdirSync} from 'node:fs'
import {join} from 'node:path'

const directory = join(import.meta.dirname, '../../../testdata/html')

const corpus = Object.fromEntries(readdirSync(directory).filter(name => name.endsWith('.html'))
  .map(name => [name, readFileSync(join(directory, name))]))

// placeless are the documents of the corpus that must be left alone.
export const placeless = new Set([
  'utf16le.html', 'utf16be.html', 'utf16-without-mark.html',
  'iso-2022-jp.html', 'unterminated-comment.html', 'unterminated-doctype.html', 'unterminated-tag.html'
])

const gbk = Buffer.from([0xd6, 0xd0, 0xce, 0xc4]) // 中文

const html = {
  'in UTF-8': '<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>中文</title></head><body><p>中文</p></body></html>',
  'without a charset': '<!DOCTYPE html><html><head><title>x</title></head><body>caf\u00e9</body></html>',
  'with a byte order mark': '\ufeff<!DOCTYPE html><html><head><title>中文</title></head><body>中文</body></html>',
  'in quirks mode': '<html><head><title>x</title></head><body><table><tr><td>x</table></body></html>',
  'in limited quirks mode': '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd"><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body>x</body></html>',
  'with a frameset': '<html><head><title>x</title></head><frameset cols="50%,*"><frame src="about:blank"><frame src="about:blank"></frameset></html>',
  'without any tag': 'just text, and <b>a bold</b> word',
  'without head and body tags': '<!doctype html><meta charset=utf-8><title>x</title><p>one<p>two',
  'with comments and an XML declaration in front': '<?xml version="1.0"?><!-- a <head> in a comment --><!DOCTYPE html><!-- another --><html class="a"><!-- third --><head data-x="1"><title>x</title></head><body>x</body></html>',
  'whose first element is in the body': '<!doctype html>\n\n<div>x</div><script>document.title = "set"</script>',
  'with a preloading head': '<!doctype html><html><head>\n\t<base href="/elsewhere/">\n\t<link rel="icon" href="data:,">\n\t<style>p{color:red}</style>\n</head>\n<body>\n<p>x\n</body>\n</html>\n',
  'with everything twice': '<!DOCTYPE html>\n<html lang="zh" class=a>\n<html dir="rtl">\n<head>\n\n<head data-x>\n<title>x</title>\n</head>\n\n<body>\nx',
  'on lines with carriage returns': '\r\n<!DOCTYPE html>\r\n<html>\r\n<head>\r\n<title>x</title>\r\n</head>\r\n<body>\r\nx\r\n</body>\r\n</html>\r\n',
  'on lines with carriage returns alone': '<!DOCTYPE html>\r<html>\r\f\r<head>\r<title>x</title>\r</head>\r<body>\rx',
  'whose head ends at once': '<!DOCTYPE html>\n<html>\n<head>\n</head>\n<body>\nx</body>',
  'that is over behind head': '<!DOCTYPE html>\n<html>\n<head>'
}

// Pages of the old charsets say them in the header, in a meta element, or not at all.
const charsets = {'jquery-gbk.html': 'gbk', 'big5.html': 'big5', 'gb18030-four-bytes.html': 'gb18030', 'shift-jis.html': 'shift_jis', 'euc-kr.html': 'euc-kr', 'windows-1251.html': 'windows-1251'}

// Pages whose meta element stands where the insertion may push it out of a browser's
// sight: browsers look for it in the first 1024 bytes, and some of them further.
const late = [300, 990, 1100].flatMap(offset => Object.entries({
  'in head': ['<!DOCTYPE html>\n<html>\n<head>\n<style>', '</style>\n'],
  'behind an unknown element': ['<!DOCTYPE html>\n<html>\n<head>\n<x-app></x-app><style>', '</style>\n'],
  'in a body': ['<!DOCTYPE html>\n<html>\n<body>\n<p title="', '">\n'],
  'behind a comment': ['<!DOCTYPE html>\n<!-- ', ' -->\n<html>\n<head>\n']
}).map(([where, [before, after]]) => ({
  name: `with its charset at ${offset}, ${where}`,
  body: Buffer.concat([
    Buffer.from(`${before.padEnd(offset - after.length, 'x')}${after}<meta charset="gbk"><title>`),
    gbk, Buffer.from('</title>\n'), Buffer.alloc(2000, gbk)
  ])
})))

const long = '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>x</title>\n</head>\n<body>\n' +
  Array.from({length: 3000}, (_, i) => `<p class="p${i * i % 97}">页面 ${i * 7919 % 10007} &amp; <b>more</b> of it</p>\n`).join('')

// documents are {name, body, charset}, charset being what the header says.
export const documents = [
  ...Object.entries({...html, 'that is long': long, ...corpus}).map(([name, body]) => ({name, body: Buffer.from(body)})),
  ...late,
  ...Object.entries(charsets).flatMap(([file, charset]) => {
    const bare = Buffer.from(corpus[file].toString('latin1').replace(/<meta[^>]*charset[^>]*>/i, ''), 'latin1')
    return [
      {name: `${file} with ${charset} in the header`, body: corpus[file], charset},
      {name: `${file} with ${charset} in the header alone`, body: bare, charset},
      {name: `${file} without a charset`, body: bare}
    ]
  })
]

for (const name of [...placeless, ...Object.keys(charsets)]) if (!corpus[name]) throw new Error(`testdata/html has no ${name}`)
