/* Which cells are shown, and the lines and columns that the arrows walk. */
matrix.view = (data) => {
  const { count } = matrix.words;
  const grid = document.querySelector(".grid");
  const shown = document.getElementById("shown");
  const empty = matrix.words.el("p", { class: "empty", hidden: true }, "No cell is like that. ",
    matrix.words.el("button", { type: "button", class: "control", onclick: () => matrix.state.amend({ q: "" }) }, "Show all"));
  document.getElementById("grid").after(empty);
  let lines = [];
  let stop = null;

  const toggle = (thing, name, node, is) => {
    if (Boolean(thing[name]) === is) return;
    thing[name] = is;
    node.classList.toggle(name, is);
  };
  const hideColumn = (environment, gone) => {
    if (Boolean(environment.gone) === gone) return;
    toggle(environment, "gone", environment.th, gone);
    environment.cells.forEach((cell) => cell.td.classList.toggle("gone", gone));
  };
  const choose = (text) => {
    try {
      return [new Set(matrix.query.select(data.cells, text, Date.now())), ""];
    } catch (error) {
      return [new Set(data.cells), error.message];
    }
  };
  const say = (text, left, complaint) => {
    const input = document.getElementById("query");
    input.setAttribute("aria-invalid", String(Boolean(complaint)));
    const all = count(data.cells.length, "cell");
    const words = complaint ? `This query is not understood: ${complaint}. ${all} shown.`
      : text.trim() ? `${left} of ${all} shown` : "";
    if (shown.textContent !== words) shown.textContent = words;
    shown.classList.toggle("wrong", Boolean(complaint));
  };

  /* The grid has one tab stop; arrows move inside it (WAI-ARIA Authoring Practices, grid). */
  const stopAt = (cell) => {
    if (stop) stop.tile.tabIndex = -1;
    stop = cell;
    if (stop) stop.tile.tabIndex = 0;
  };
  /** Take the order of rows and columns as they stand now. */
  const measure = () => {
    const columns = data.shownEnvironments.filter((one) => !one.gone);
    lines = data.shownServices.filter((one) => !one.gone)
      .map((service) => columns.map((one) => service.cells[one.index]));
    if (!columns.length) lines = [];
    if (!stop || !lines.some((line) => line.includes(stop))) stopAt(lines.length ? lines[0][0] : null);
    matrix.arrange.widen(data);
  };
  const filter = (text) => {
    const [chosen, complaint] = choose(text);
    const rows = new Set();
    const columns = new Set();
    for (const cell of data.cells) {
      const within = chosen.has(cell);
      toggle(cell, "out", cell.td, !within);
      if (within) {
        rows.add(cell.service);
        columns.add(cell.environment);
      }
    }
    data.services.forEach((one) => toggle(one, "gone", one.tr, !rows.has(one.name)));
    data.environments.forEach((one) => hideColumn(one, !columns.has(one.name)));
    document.getElementById("grid").hidden = !chosen.size;
    empty.hidden = Boolean(chosen.size);
    grid.style.setProperty("--columns", String(columns.size));
    say(text, chosen.size, complaint);
    data.chosen = data.cells.filter((cell) => chosen.has(cell));
  };
  const goTo = (cell) => {
    if (!cell) return;
    stopAt(cell);
    cell.tile.focus();
    cell.tile.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  data.shownServices = data.services;
  data.shownEnvironments = data.environments;
  data.environments.forEach((one, index) => { one.index = index; });
  data.cells.forEach((cell) => { cell.tile.tabIndex = -1; });
  grid.setAttribute("role", "grid");
  grid.setAttribute("aria-readonly", "true");
  return { filter, measure, stopAt, goTo, lines: () => lines, stop: () => stop };
};
