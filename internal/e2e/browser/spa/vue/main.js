// An app with vue-router: a list, its items, and a page that needs DingTalk.
import * as dd from 'dingtalk-jsapi'
import {createApp, h, onMounted} from 'vue'
import {createRouter, createWebHashHistory, createWebHistory, RouterLink, RouterView, useRoute} from 'vue-router'
import {calls} from '../calls.js'

const page = name => ({setup: () => () => h('h1', name)})

const Item = {
  setup () {
    const route = useRoute()
    return () => h('h1', `item ${route.params.id}`)
  }
}

const Contacts = {
  setup () {
    onMounted(async () => {
      dd.config({...await ddSidecar.sign(), jsApiList: ['biz.contact.choose']})
    })
    return () => h('h1', 'contacts')
  }
}

const App = () => [
  h('nav', ['/', '/list', '/list/7?tab=2', '/contacts'].map(to => h(RouterLink, {to}, () => to))),
  h(RouterView),
  Object.entries(calls).map(([id, onClick]) => h('button', {id, onClick}, id))
]

const router = createRouter({
  history: ROUTING === 'hash' ? createWebHashHistory() : createWebHistory(),
  routes: [
    {path: '/', component: page('home')},
    {path: '/list', component: page('list')},
    {path: '/list/:id', component: Item},
    {path: '/contacts', component: Contacts},
    {path: '/old', redirect: '/list'}
  ]
})

createApp(App).use(router).mount('#app')
