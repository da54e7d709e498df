/* More cells than a table bears: groups of rows by groups of columns, each with what is worst in it
   and a link to the query that means its cells. */
matrix.groups = (data) => {
  const { el, count, GLYPHS } = matrix.words;
  const ORDER = ["FAILED", "ERROR", "MISSING", "STALE", "WARNED", "UNSUPPORTED", "PASSED"];
  /* Ways to group, the first that tells things apart is taken: what a thing is, and the words of a
     query for it; the last one leaves each thing by itself. */
  const pattern = (value) => value.replace(/[\s,"]/g, "?");
  const named = (key, read) => ({ read, word: (value) => (value ? `${key}:${pattern(value)}` : `-${key}:?*`) });
  const ROWS = { owner: named("owner", (one) => one.owner), "": named("service", (one) => one.name) };
  const COLUMNS = {
    kind: named("kind", (one) => one.kind),
    site: { read: (one) => one.labels.site, word: (value) => (value ? `label:site=${pattern(value)}` : "-label:site") },
    architecture: named("arch", (one) => one.architecture),
    engine: named("engine", (one) => one.engine),
    "": named("env", (one) => one.name),
  };
  const grouped = (things, ways, asked) => {
    const order = [...new Set([asked, ...Object.keys(ways)])].filter((name) => name).concat("");
    for (const name of order) {
      const { read, word } = ways[name];
      const groups = new Map();
      things.forEach((one) => {
        const value = read(one) || "";
        if (!groups.has(value)) groups.set(value, { title: name ? value || "not known" : one.title, word: word(value), things: [] });
        groups.get(value).things.push(one);
      });
      if (groups.size > 1 || !name) return [...groups.values()];
    }
    return [];
  };

  const place = document.getElementById("grid");
  const box = el("div", { class: "scroller", id: "groups", hidden: true });
  place.after(box);
  let lines = [];

  const tally = (rows, columns, cells) => {
    const at = (groups) => new Map(groups.flatMap((group, index) => group.things.map((one) => [one.name, index])));
    const [row, column] = [at(rows), at(columns)];
    const found = rows.map(() => columns.map(() => new Map()));
    cells.forEach((cell) => {
      const counts = found[row.get(cell.service)][column.get(cell.environment)];
      counts.set(cell.verdict, (counts.get(cell.verdict) || 0) + 1);
    });
    return found;
  };
  const tile = (row, column, counts, state) => {
    const verdict = ORDER.find((one) => counts.has(one));
    if (!verdict) return { td: el("td") };
    const all = [...counts.values()].reduce((sum, one) => sum + one, 0);
    const told = ORDER.filter((one) => counts.has(one)).map((one) => `${counts.get(one)} ${one}`).join(", ");
    const name = `${row.title} on ${column.title}: ${told}`;
    const q = [state.q, row.word, column.word].filter(Boolean).join(" ");
    const link = el("a", { class: "tile", href: `#${matrix.state.format({ ...state, q, cell: "" })}`, title: told, tabindex: -1 },
      el("span", { class: "vh" }, name),
      el("span", { class: "glyph", "aria-hidden": "true" }, GLYPHS[verdict]),
      el("span", { class: "short", "aria-hidden": "true" }, counts.get(verdict) === all ? String(all) : `${counts.get(verdict)}/${all}`));
    return { td: el("td", { "data-verdict": verdict }, link), tile: link, verdict, q };
  };
  const head = (group, scope, noun) => el("th", { scope }, el("span", { class: "title" }, group.title),
    el("span", { class: "note" }, group.things.length > 1 ? count(group.things.length, noun) : ""));

  /** Draw the groups of `cells`; returns how many there are. */
  const draw = (cells, state) => {
    const [services, environments] = ["service", "environment"].map((name) => new Set(cells.map((cell) => cell[name])));
    const rows = grouped(data.shownServices.filter((one) => services.has(one.name)), ROWS, state.rows);
    const columns = grouped(data.shownEnvironments.filter((one) => environments.has(one.name)), COLUMNS, state.columns);
    const found = tally(rows, columns, cells);
    const tiles = rows.map((row, y) => columns.map((column, x) => tile(row, column, found[y][x], state)));
    lines = tiles.map((line) => line.filter((one) => one.tile));
    const table = el("table", { class: "grid groups-grid", role: "grid", "aria-readonly": "true", "aria-label": "Groups of services by groups of environments" },
      el("thead", {}, el("tr", {}, el("th", { class: "corner", scope: "col" }, el("span", {}, count(cells.length, "cell"))), columns.map((one) => head(one, "col", "environment")))),
      el("tbody", {}, rows.map((row, y) => el("tr", {}, head(row, "row", "service"), tiles[y].map((one) => one.td)))));
    table.style.setProperty("--columns", String(columns.length));
    box.replaceChildren(table);
    return lines.flat().length;
  };

  return { draw, box, lines: () => lines };
};
