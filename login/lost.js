(function () {
  function lost () {
    var block = document.getElementById('dd-login')
    if (!block) return
    var data = JSON.parse(block.textContent)
    var go = document.getElementById('go')
    go.textContent = data.words.error.go
    go.hidden = false
    go.onclick = function () {
      if (data.next) location.assign(data.next)
      else if (data.posted) history.back()
      else location.reload()
      return false
    }
    if (data.code) return
    document.documentElement.setAttribute('data-state', 'error')
    document.documentElement.setAttribute('data-code', 'script_missing')
    document.title = document.getElementById('title').textContent = data.words.error.title
    document.getElementById('text').textContent = data.advice.script_missing
    document.getElementById('code').textContent = 'script_missing'
  }
  document.addEventListener('DOMContentLoaded', lost)
  setTimeout(lost, 20000)
})()
