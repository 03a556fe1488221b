// Libraries that show other pages in the same document (Turbo, pjax), in short.

// follow does what such a library does with a link, and returns what is asked about
// the document before and after.
export const follow = (tab, path) => tab.evaluate(async path => {
  const text = await (await fetch(path, {headers: {accept: 'text/html'}})).text()
  history.pushState(null, '', path)
  const page = new DOMParser().parseFromString(text, 'text/html')
  document.body.replaceWith(page.body)
  for (const script of page.head.querySelectorAll('script')) {
    const copy = document.createElement('script')
    for (const {name, value} of script.attributes) copy.setAttribute(name, value)
    copy.textContent = script.textContent
    const loaded = copy.src && new Promise(resolve => { copy.onload = resolve })
    document.head.append(copy)
    await loaded
  }
}, path)
