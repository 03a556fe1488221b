// How the apps call dd.config when the user presses a button.
import * as dd from 'dingtalk-jsapi'

// What the app's own backend signs: always wrong.
const backend = {agentId: '1', corpId: 'ding', timeStamp: '1', nonceStr: 'n', signature: 'of the backend', type: 0, jsApiList: ['biz.contact.choose']}

export const calls = {
  // With DingTalk's script from a script element, the global dd, and parameters of
  // the app's own backend.
  async global () {
    await script('/sdk/3.2.9.global.js')
    window.dd.config(backend)
  },

  // With dingtalk-jsapi from npm, and parameters of the sidecar.
  async sign () {
    dd.config({...await ddSidecar.sign(), jsApiList: ['biz.contact.choose']})
  },

  // A native feature: it works after a dd.config that was accepted.
  async choose () {
    const api = window.dd ?? dd
    seen(await api.biz.contact.choose({multiple: true}).then(() => 'chosen', error => ({error})))
  }
}

function script (src) {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script')
    Object.assign(element, {src, onload: resolve, onerror: reject})
    document.head.append(element)
  })
}
