/* Which cells are shown, and the lines and columns that the arrows walk. */
matrix.view = (data) => {
  const { count } = matrix.words;
  const grid = document.querySelector(".grid");
  const shown = document.getElementById("shown");
  const empty = matrix.words.el("p", { class: "empty", hidden: true }, data.cells.length
    ? ["No cell is like that. ", matrix.words.el("button", { type: "button", class: "control", onclick: () => matrix.state.amend({ q: "" }) }, "Show all")]
    : "There is no cell yet: that takes a service in the catalogue and an environment in the inventory.");
  document.getElementById("grid").after(empty);
  const root = document.documentElement;
  const most = Number(root.dataset.most || Infinity);
  const groups = matrix.groups(data);
  const up = matrix.words.el("p", { class: "upward", hidden: true }, matrix.words.el("a", { href: "#" }, "All groups"));
  document.getElementById("grid").before(up);
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
  const say = (text, left, complaint, tiles) => {
    const input = document.getElementById("query");
    input.setAttribute("aria-invalid", String(Boolean(complaint)));
    const all = count(data.cells.length, "cell");
    const told = complaint ? `This query is not understood: ${complaint}. ${all} shown.`
      : text.trim() ? `${left} of ${all} shown` : "";
    const words = tiles ? `${told || all}, in ${count(tiles, "group")}: choose one to see its cells` : told;
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
    if (data.grouped) {
      lines = groups.lines();
      if (!lines.some((line) => line.includes(stop))) stopAt(lines.length ? lines[0][0] : null);
      return;
    }
    const columns = data.shownEnvironments.filter((one) => !one.gone);
    lines = data.shownServices.filter((one) => !one.gone)
      .map((service) => columns.map((one) => service.cells[one.index]));
    if (!columns.length) lines = [];
    if (!stop || !lines.some((line) => line.includes(stop))) stopAt(lines.length ? lines[0][0] : null);
    matrix.arrange.widen(data);
  };
  const showGroups = (text, chosen, complaint) => {
    const tiles = groups.draw([...chosen], matrix.state.read());
    groups.lines().flat().forEach((one) => data.byTd && data.byTd.set(one.td, one));
    say(text, chosen.size, complaint, tiles);
  };
  const showCells = (text, chosen, complaint) => {
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
    grid.style.setProperty("--columns", String(columns.size));
    say(text, chosen.size, complaint);
  };
  const filter = (text) => {
    const [chosen, complaint] = choose(text);
    const within = [groups.box, up].some((one) => one.contains(document.activeElement));
    data.grouped = chosen.size > most;
    data.chosen = data.cells.filter((cell) => chosen.has(cell));
    document.getElementById("grid").hidden = data.grouped || !chosen.size;
    groups.box.hidden = !data.grouped;
    document.querySelector(".skip").setAttribute("href", data.grouped ? "#groups" : "#grid");
    empty.hidden = Boolean(chosen.size);
    up.hidden = data.grouped || data.cells.length <= most;
    up.firstElementChild.setAttribute("href", `#${matrix.state.format({ ...matrix.state.read(), q: "", cell: "" }) || "groups"}`);
    (data.grouped ? showGroups : showCells)(text, chosen, complaint);
    root.classList.add("sorted-out");
    /* Whoever chose a group by keyboard goes on in what it has opened, and back. */
    if (within) {
      measure();
      goTo(stop);
    }
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
  return { filter, measure, stopAt, goTo, grids: [grid, groups.box], lines: () => lines, stop: () => stop };
};
