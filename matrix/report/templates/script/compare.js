/* Another report file, read here, as what this grid is compared with. */
matrix.compare = (data, refilter) => {
  const { el, count } = matrix.words;
  const section = document.getElementById("changes");
  const shown = document.getElementById("shown");

  /** The cells of a report file, page or JSON. Throws for anything else. */
  const read = (text) => {
    if (/^\s*\{/.test(text)) return matrix.compare.fromJson(JSON.parse(text));
    const [, found] = /type="application\/json" id="grid-data">(.*?)<\/script>/s.exec(text) || [];
    if (!found) throw new Error("it is no report of ours");
    const other = JSON.parse(found);
    other.cells.forEach((cell) => { cell.id = matrix.query.idOf(cell); });
    return other;
  };

  const link = (id) => (data.byId.has(id) ? el("a", { href: `#cell=${id}` }, id) : el("span", {}, id));
  const list = (changes) => matrix.changes.CLASSES.filter((kind) => changes.some(([, found]) => found === kind)).map((kind) => {
    const cells = changes.filter(([, found]) => found === kind).map(([id]) => id);
    return el("div", { "data-change": kind }, el("dt", {}, `${kind} `, el("b", {}, String(cells.length))),
      el("dd", {}, cells.slice(0, 200).map((id) => [link(id), " "]), cells.length > 200 ? `and ${cells.length - 200} more` : null));
  });
  const apply = (other, name) => {
    const changes = matrix.changes.compare(other.cells, data.cells);
    const byId = new Map(changes);
    data.baseline = name;
    data.changes = Object.fromEntries(matrix.changes.CLASSES.map((kind) => [kind, changes.filter(([, found]) => found === kind).map(([id]) => id)]));
    data.cells.forEach((cell) => {
      cell.change = byId.get(cell.id) || "";
      cell.changed = Boolean(cell.change);
      if (cell.change) cell.td.dataset.change = cell.change;
      else delete cell.td.dataset.change;
    });
    section.hidden = false;
    section.querySelector(".baseline").textContent = name;
    section.querySelector(".changes").replaceChildren(...(changes.length ? list(changes) : [el("p", { class: "note" }, "Nothing changed.")]));
    matrix.controls.recount(data);
    refilter();
    shown.textContent = `Compared with ${name}: ${count(changes.length, "cell")} changed.`;
    shown.classList.remove("wrong");
  };
  /** Compare with a File. */
  const withFile = async (file) => {
    try {
      apply(read(await file.text()), file.name);
    } catch (error) {
      shown.textContent = `${file.name} cannot be compared with: ${error.message}.`;
      shown.classList.add("wrong");
    }
  };
  return { withFile };
};
/* The JSON report says the same in other words. */
matrix.compare.fromJson = (report) => {
  if (!report.schema_version || !report.cells) throw new Error("it is no report of ours");
  return {
    ...report,
    cells: report.cells.map((cell) => ({ ...cell, image: cell.image_id, probes: cell.probes_digest })),
  };
};
