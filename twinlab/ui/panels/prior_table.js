// Beliefs about the terms of one equation.  `rows`:
// [{term, html, rule, sign, odds, verdict, conflict}]; `verdict` is text.
const RULES = [["", "allowed"], ["required", "required"], ["excluded", "excluded"]]
const SIGNS = [["0", "±"], ["1", "+"], ["-1", "−"]]

function choice(options, value, label, changed) {
  const select = document.createElement("select")
  select.setAttribute("aria-label", label)
  for (const [key, words] of options) {
    const option = document.createElement("option")
    option.value = key
    option.textContent = words
    option.selected = key === String(value)
    select.append(option)
  }
  select.addEventListener("change", () => changed(select.value))
  return select
}

export function render({ model }) {
  const table = document.createElement("table")
  const line = (row) => {
    const state = { ...row }
    const send = (change) => {
      Object.assign(state, change)
      model.send_msg({ term: state.term, rule: state.rule, sign: Number(state.sign), odds: state.odds })
      mark()
    }
    const tr = document.createElement("tr")
    const cell = (content) => {
      const td = document.createElement("td")
      td.append(content)
      tr.append(td)
    }
    const name = document.createElement("span")
    name.innerHTML = row.html
    name.title = row.term
    name.className = "name"
    cell(name)
    cell(choice(RULES, row.rule, `Rule for ${row.term}`, (v) => send({ rule: v })))
    cell(choice(SIGNS, row.sign, `Sign of ${row.term}`, (v) => send({ sign: v })))
    const odds = document.createElement("input")
    odds.type = "number"
    odds.min = -6
    odds.max = 6
    odds.step = 0.5
    odds.value = row.odds
    odds.setAttribute("aria-label", `Log-odds of ${row.term}`)
    odds.addEventListener("change", () => {
      const value = Math.min(6, Math.max(-6, Number(odds.value) || 0))
      odds.value = value
      send({ odds: value })
    })
    cell(odds)
    const mark = () => {
      const set = state.rule !== "" || Number(state.sign) !== 0 || state.odds !== 0
      tr.className = `${set ? "set" : ""} ${state.rule}`
    }
    mark()
    if (!row.verdict) return [tr]
    const below = document.createElement("tr")
    const said = document.createElement("td")
    said.colSpan = 4
    said.className = row.conflict ? "verdict conflict" : "verdict"
    said.textContent = row.verdict
    below.append(said)
    return [tr, below]
  }
  const draw = () => {
    const head = document.createElement("tr")
    for (const words of ["Term", "Rule", "Sign", "Log-odds"]) {
      const th = document.createElement("th")
      th.scope = "col"
      th.textContent = words
      head.append(th)
    }
    table.replaceChildren(head, ...model.rows.flatMap(line))
  }
  model.on("rows", draw)
  draw()
  return table
}
