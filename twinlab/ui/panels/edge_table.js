// Who acts on whom.  `rows`: [{regulator, target, sign, confidence, source, verdict, conflict}];
// `regulators` and `targets`: names an edge may have.  Texts only: nothing here is markup.
const SIGNS = [["0", "±"], ["1", "+"], ["-1", "−"]]

function choice(options, value, label) {
  const select = document.createElement("select")
  select.setAttribute("aria-label", label)
  for (const [key, words] of options) {
    const option = document.createElement("option")
    option.value = key
    option.textContent = words
    option.selected = key === String(value)
    select.append(option)
  }
  return select
}

function sureness(value, label) {
  const input = document.createElement("input")
  input.type = "number"
  input.min = 0
  input.max = 1
  input.step = 0.05
  input.value = Number(value.toFixed(3))
  input.setAttribute("aria-label", label)
  return input
}

function button(words, label, pressed) {
  const made = document.createElement("button")
  made.type = "button"
  made.textContent = words
  made.setAttribute("aria-label", label)
  made.addEventListener("click", pressed)
  return made
}

function cells(...contents) {
  const tr = document.createElement("tr")
  for (const content of contents) {
    const td = document.createElement("td")
    td.append(content)
    tr.append(td)
  }
  return tr
}

export function render({ model }) {
  const table = document.createElement("table")
  const inside = (input) => Math.min(1, Math.max(0, Number(input.value) || 0))
  const lines = (row) => {
    const label = `${row.regulator} on ${row.target}`
    const name = document.createElement("span")
    name.className = "name"
    name.textContent = `${row.regulator} → ${row.target}`
    name.title = row.source
    const sign = choice(SIGNS, row.sign, `Sign of ${label}`)
    const confidence = sureness(row.confidence, `Confidence of ${label}`)
    const send = () => model.send_msg({
      action: "set", regulator: row.regulator, target: row.target, sign: Number(sign.value),
      confidence: inside(confidence),
    })
    sign.addEventListener("change", send)
    confidence.addEventListener("change", send)
    const remove = button("×", `Remove ${label}`, () => model.send_msg({
      action: "remove", regulator: row.regulator, target: row.target,
    }))
    const out = [cells(name, sign, confidence, remove)]
    if (row.verdict) {
      const tr = document.createElement("tr")
      const td = document.createElement("td")
      td.colSpan = 4
      td.className = row.conflict ? "verdict conflict" : "verdict"
      td.textContent = row.verdict
      tr.append(td)
      out.push(tr)
    }
    return out
  }
  const adding = () => {
    const pairs = (names) => names.map((name) => [name, name])
    const from = choice(pairs(model.regulators), "", "Regulator of a new edge")
    const to = choice(pairs(model.targets), model.targets[model.targets.length - 1], "Target of a new edge")
    const both = document.createElement("span")
    both.className = "pair"
    both.append(from, "→", to)
    const sign = choice(SIGNS, "0", "Sign of a new edge")
    const confidence = sureness(0.8, "Confidence of a new edge")
    const add = button("+", "Add the edge", () => model.send_msg({
      action: "set", regulator: from.value, target: to.value, sign: Number(sign.value),
      confidence: inside(confidence),
    }))
    const tr = cells(both, sign, confidence, add)
    tr.className = "adding"
    return tr
  }
  const draw = () => {
    const head = document.createElement("tr")
    for (const words of ["Edge", "Sign", "Confidence", ""]) {
      const th = document.createElement("th")
      th.scope = "col"
      th.textContent = words
      head.append(th)
    }
    const rows = model.rows.flatMap(lines)
    table.replaceChildren(head, ...rows, ...(model.targets.length ? [adding()] : []))
  }
  model.on("rows", draw)
  model.on("targets", draw)
  draw()
  return table
}
