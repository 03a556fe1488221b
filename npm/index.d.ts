/** The object for dd.config. */
export interface DDConfig {
  agentId: string
  corpId: string
  /** Seconds. */
  timeStamp: string
  nonceStr: string
  signature: string
  /** 1 for a service window (服务窗), else 0. */
  type: 0 | 1
  jsApiList: string[]
  /** The micro app of a third-party suite. */
  appId?: string
}

/** Who is signed in, on sites with `login`; null where unknown. */
export interface User {
  userId: string | null
  unionId: string | null
  openId: string | null
  name: string | null
  admin: boolean
  corpId: string | null
  departments: number[] | null
  title: string | null
  jobNumber: string | null
  avatar: string | null
  /** Unix seconds. */
  expires: number
}

/** For which app of which organisation a page is signed, on sites with several. */
export interface Tenant {
  corpId: string
  agentId: string
  by: 'query' | 'referer' | 'cookie' | 'default' | 'only'
}

/** What the directive says of the page. */
export interface Sidecar {
  /** The URL that was signed, without fragment; null where it is not known. */
  readonly url: string | null
  /** The path of the directive's endpoints. */
  readonly endpoint: string
  readonly version: string
  /** Why the page is not signed; null where it is. */
  readonly error: { code: string, message: string } | null
  readonly tenant?: Tenant | null
  /** Asks for parameters for the URL that DingTalk checks now, or for another URL of the site. */
  sign (url?: string): Promise<DDConfig>
  /** On sites with `login`: signs in. */
  login? (): Promise<User>
  /** On sites with `login`: who is signed in. */
  user? (): Promise<User>
}

/** The part of dd that ready() needs: that of dingtalk-jsapi has it. */
export interface DD {
  config (config: any): any
  ready (callback: () => void): any
  error (callback: (error: any) => void): any
}

/** The object for dd.config; undefined where the page is not signed. */
export const ddConfig: DDConfig | undefined

/** What the directive says of the page; undefined where it has not served it. */
export const ddSidecar: Sidecar | undefined

/** Why dd.config did not succeed. */
export class DDError extends Error {
  /** DingTalk's code, such as '52013', or one of the directive's, such as 'ticket_unavailable'; 'no_dd' without a dd. */
  readonly code: string
}

export interface Options {
  /** What you import from dingtalk-jsapi; by default the global dd. */
  dd?: DD
  /** The native features to call; by default those of js_api_list in the Caddyfile. */
  jsApiList?: string[]
}

/**
 * Calls dd.config, once a document: later calls get the same promise. It is true when
 * native features may be called, and false where there are none: outside DingTalk, on a
 * server, or where nothing has signed the page, as under `npm run dev`. It rejects with
 * a DDError.
 */
export function ready (options?: Options): Promise<boolean>

declare global {
  interface Window {
    ddConfig?: DDConfig
    ddSidecar?: Sidecar
  }
}
