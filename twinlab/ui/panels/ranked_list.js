// Ranked alternatives.  `rows`: [{rank, probability, width, html, selected}], html already escaped.
export function render({ model }) {
  const list = document.createElement("div")
  list.setAttribute("role", "radiogroup")
  list.setAttribute("aria-label", "Ranked models")
  const draw = () => {
    list.replaceChildren(...model.rows.map((row) => {
      const item = document.createElement("button")
      item.type = "button"
      item.setAttribute("role", "radio")
      item.setAttribute("aria-checked", row.selected ? "true" : "false")
      item.innerHTML = `<span class="rank">${row.rank}</span>
        <span class="chance"><span class="track"><span class="bar" style="width:${row.width}%"></span>
        </span>${row.probability}</span><span class="words">${row.html}</span>`
      item.addEventListener("click", () => model.send_msg({ rank: row.rank }))
      return item
    }))
  }
  model.on("rows", draw)
  draw()
  return list
}
