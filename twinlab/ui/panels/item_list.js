// Lines of text, each with a button that removes it.  `rows`: [{key, text}].
export function render({ model }) {
  const list = document.createElement("ul")
  const draw = () => {
    list.replaceChildren(...model.rows.map((row) => {
      const item = document.createElement("li")
      const words = document.createElement("span")
      words.textContent = row.text
      const remove = document.createElement("button")
      remove.type = "button"
      remove.textContent = "×"
      remove.setAttribute("aria-label", `Remove ${row.text}`)
      remove.addEventListener("click", () => model.send_msg({ key: row.key }))
      item.append(words, remove)
      return item
    }))
  }
  model.on("rows", draw)
  draw()
  return list
}
