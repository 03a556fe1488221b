// For apps behind Caddy's dingtalk directive: what the directive puts into the page, with
// types, and a promise of DingTalk's native features. It works without the directive, too,
// as under `npm run dev`: ready() is false then, and the console says once why.

const page = typeof window === 'undefined' ? undefined : window

/** The object for dd.config; undefined where the page is not signed. */
export const ddConfig = page && page.ddConfig

/** What the directive says of the page; undefined where it has not served it. */
export const ddSidecar = page && page.ddSidecar

/** Why dd.config did not succeed: code is DingTalk's, or one of ours. */
export class DDError extends Error {
  constructor (code, message) {
    super(message)
    this.name = 'DDError'
    this.code = code
  }
}

// dd.config counts once a document, and so does this.
let once

/**
 * Calls dd.config, once a document, with a signature for the URL that DingTalk checks.
 * It is true when native features may be called, and false where there are none: outside
 * DingTalk, on a server, or where nothing has signed the page. It rejects with a DDError
 * where DingTalk refuses, or where there is no signature or no dd.
 */
export function ready (options) {
  if (!once) once = start(options || {})
  return once
}

async function start (options) {
  if (!page) return false
  if (!page.ddSidecar) {
    missing()
    return false
  }
  if (!inDingTalk()) return false
  const dd = options.dd || await globalDD()
  return configure(dd, {...await signed(), jsApiList: options.jsApiList || (page.ddConfig || {}).jsApiList || []})
}

function missing () {
  console.warn('caddy-dingtalk: nothing has signed this page, so dd.config is not called. Under `npm run dev` that is as it should be; ' +
    'elsewhere open the page through Caddy, as a document, and look that its site has the dingtalk directive (caddy dingtalk doctor). ' +
    '这个页面没有经过 Caddy 的 dingtalk 指令，不会调用 dd.config：开发环境中属于正常，线上请通过 Caddy 打开。')
}

// The test of the script that the directive inserts.
function inDingTalk () {
  return /DingTalk|TaurusApp|"containerId"/i.test(page.navigator.userAgent + page.name)
}

// A script of the page may still be on its way.
async function globalDD () {
  if (!page.dd && page.document.readyState !== 'complete') {
    await new Promise(resolve => page.addEventListener('load', resolve))
  }
  if (!page.dd) {
    throw new DDError('no_dd', "there is no dd: load DingTalk's script, or give ready({dd}) what you import from dingtalk-jsapi")
  }
  return page.dd
}

// The page's own parameters are right as long as it shows the URL that they are for, and for ten minutes.
async function signed () {
  const {ddConfig: config, ddSidecar: sidecar} = page
  const fresh = config && Date.now() / 1000 - config.timeStamp < 600
  if (fresh && sidecar.url === page.location.href.split('#')[0]) return config
  try {
    return await sidecar.sign()
  } catch (e) {
    const {code, message} = e.code === 'unreachable' && sidecar.error || e // why it was not signed says more
    throw new DDError(code, message)
  }
}

function configure (dd, config) {
  return new Promise((resolve, reject) => {
    dd.ready(() => resolve(true))
    dd.error(e => reject(new DDError(codeOf(e), e.errorMessage || e.message || JSON.stringify(e))))
    dd.config(config)
  })
}

// DingTalk's five digits stand in its text.
function codeOf (e) {
  const digits = /(?:^|\D)(52\d{3})(?:\D|$)/.exec(e.errorMessage || e.message || '')
  return digits ? digits[1] : String(e.errorCode || e.code || 'unknown')
}
