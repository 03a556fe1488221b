// legible measures in the page how well texts can be read: which of the elements that a
// selector finds are too dim before what is behind them (WCAG AA, 4.5 to 1), and which are cut
// off or stand beyond the edge. Elements without text of their own, or hidden, do not count.
export function legible (selector) {
  const rgb = text => text.match(/[\d.]+/g).map(Number)
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)
    return 0.2126 * x + 0.7152 * y + 0.0722 * z
  }
  const behind = e => {
    for (; e; e = e.parentElement) {
      const color = rgb(getComputedStyle(e).backgroundColor)
      if (color.length === 3) return color
    }
    return [255, 255, 255]
  }
  const contrast = e => {
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x)
    return (a + 0.05) / (b + 0.05)
  }
  const says = e => [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim())
  const texts = [...document.querySelectorAll(selector)].filter(e => says(e) && e.getClientRects().length)
  const name = e => `${e.id || e.className || e.tagName} "${e.textContent.trim().slice(0, 40)}"`
  return {
    texts: texts.length,
    dim: texts.filter(e => contrast(e) < 4.5).map(e => `${name(e)} ${contrast(e).toFixed(2)}`),
    cut: texts.filter(e => {
      const {left, right} = e.getBoundingClientRect()
      return e.clientWidth && e.scrollWidth > e.clientWidth + 1 || left < 0 || right > innerWidth
    }).map(name)
  }
}
