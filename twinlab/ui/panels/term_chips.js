// Candidate terms as toggle buttons.  `items`: [{text, html, on}], html already escaped.
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "chips"
  const draw = () => {
    box.replaceChildren(...model.items.map((item) => {
      const chip = document.createElement("button")
      chip.type = "button"
      chip.innerHTML = item.html
      chip.title = item.text
      chip.setAttribute("aria-pressed", item.on ? "true" : "false")
      chip.addEventListener("click", () => {
        const on = chip.getAttribute("aria-pressed") !== "true"
        chip.setAttribute("aria-pressed", on ? "true" : "false")
        model.send_msg({ text: item.text, on })
      })
      return chip
    }))
  }
  model.on("items", draw)
  draw()
  return box
}
