// An app with React Router: a list, its items, and a page that needs DingTalk.
import * as dd from 'dingtalk-jsapi'
import {createElement as h, useEffect} from 'react'
import {createRoot} from 'react-dom/client'
import {createBrowserRouter, createHashRouter, Link, Outlet, redirect, useParams} from 'react-router'
import {RouterProvider} from 'react-router/dom'
import {calls} from '../calls.js'

const page = name => h('h1', null, name)

function Item () {
  return page(`item ${useParams().id}`)
}

function Contacts () {
  useEffect(() => {
    ddSidecar.sign().then(config => dd.config({...config, jsApiList: ['biz.contact.choose']}))
  }, [])
  return page('contacts')
}

function App () {
  return [
    h('nav', {key: 'nav'}, ['/', '/list', '/list/7?tab=2', '/contacts'].map(to => h(Link, {key: to, to}, to))),
    h(Outlet, {key: 'outlet'}),
    ...Object.entries(calls).map(([id, onClick]) => h('button', {key: id, id, onClick}, id))
  ]
}

const create = ROUTING === 'hash' ? createHashRouter : createBrowserRouter
const router = create([{
  element: h(App),
  children: [
    {path: '/', element: page('home')},
    {path: '/list', element: page('list')},
    {path: '/list/:id', element: h(Item)},
    {path: '/contacts', element: h(Contacts)},
    {path: '/old', loader: () => redirect('/list')}
  ]
}])

createRoot(document.getElementById('app')).render(h(RouterProvider, {router}))
