// The content codings in which upstream may send a page, and what becomes of one on
// the wire.
import assert from 'node:assert/strict'
import {execFileSync} from 'node:child_process'
import {once} from 'node:events'
import https from 'node:https'
import {buffer} from 'node:stream/consumers'
import {gunzipSync, gzipSync} from 'node:zlib'

const zstd = (argument, input) => execFileSync('zstd', ['-q', '-c', argument], {input, maxBuffer: 1 << 28})

function missing () {
  try {
    zstd('-1', '')
  } catch {
    return process.env.CODED_TOOLS !== 'required' && 'zstd is not installed: apt-get install zstd'
  }
  return false
}

export const codings = [
  {name: 'gzip', skip: false, encode: body => gzipSync(body), decode: body => gunzipSync(body)},
  {name: 'zstd', skip: missing(), encode: body => zstd('-3', body), decode: body => zstd('-d', body)}
]

// wire asks for a page that upstream sends in a coding. page is that, decoded, with
// the insertion taken out again: the document as upstream has it. spliced says
// whether the insertion stands in front of what upstream had compressed, and again
// is the white space of the document's beginning then: that is there once more,
// behind the insertion.
export async function wire (url, coding) {
  const raw = await get(url, coding)
  const text = coding.decode(raw).toString('latin1')
  const begin = text.indexOf('<script>(function')
  if (begin < 0) return {page: text, spliced: false}
  const end = text.indexOf(')</script>', begin) + ')</script>'.length
  const [before, behind] = [text.slice(0, begin), text.slice(end)]
  if (!raw.includes('({"config":')) return {page: before + behind, spliced: false} // it has been compressed
  assert.ok(behind.startsWith(before), 'the document begins again behind the insertion')
  return {page: behind, spliced: true, again: before.replace(/<(?:"[^"]*"|'[^']*'|[^>"'])*>/g, '').replace(/\r\n?/g, '\n')}
}

const agent = new https.Agent({keepAlive: true, rejectUnauthorized: false})

async function get (url, coding) {
  const {hostname, port, pathname} = new URL(url)
  const request = https.get({
    agent, host: '127.0.0.1', port, path: pathname, servername: hostname,
    headers: {host: `${hostname}:${port}`, 'sec-fetch-dest': 'document', 'accept-encoding': coding.name}
  })
  const [response] = await once(request, 'response')
  assert.equal(response.headers['content-encoding'], coding.name)
  return buffer(response)
}
