/* What this grid is compared with: what it was written with, an earlier run, or another report file. */
matrix.compare = (data, compared) => {
  const { el, count } = matrix.words;
  const { CLASSES } = matrix.changes;
  const section = document.getElementById("changes");
  const shown = document.getElementById("shown");
  const select = document.getElementById("base");
  const base = matrix.base(data);
  const written = { name: data.baseline, changes: Object.entries(data.changes).flatMap(([kind, ids]) => ids.map((id) => [id, kind])) };

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
  const list = (changes) => Object.entries(changes).map(([kind, cells]) =>
    el("div", { "data-change": kind }, el("dt", {}, `${kind} `, el("b", {}, String(cells.length))),
      el("dd", {}, cells.slice(0, 200).map((id) => [link(id), " "]), cells.length > 200 ? `and ${cells.length - 200} more` : null)));
  const showChanges = () => {
    const all = list(data.changes);
    section.hidden = !data.baseline;
    section.querySelector(".baseline").textContent = data.baseline;
    section.querySelector(".same").hidden = Boolean(all.length);
    section.querySelector(".changes").hidden = !all.length;
    section.querySelector(".changes").replaceChildren(...all);
  };
  /* The second line of a tile's title says first what changed. */
  const retitle = (cell, before, now) => {
    if (before === now) return;
    const [sentence, more = ""] = cell.tile.title.split("\n");
    const others = before && more.startsWith(before) ? more.slice(before.length).replace(/^, /, "") : more;
    cell.tile.title = [sentence, [now, others].filter(Boolean).join(", ")].filter(Boolean).join("\n");
  };
  const mark = (cell, kind, name) => {
    retitle(cell, cell.change && `${cell.change} since ${data.baseline}`, kind && `${kind} since ${name}`);
    cell.change = kind;
    cell.changed = Boolean(kind);
    if (kind) cell.td.dataset.change = kind;
    else delete cell.td.dataset.change;
  };
  const say = (words) => {
    const told = shown.textContent.replace(/([^.])$/, "$1.");
    shown.textContent = [told, words].filter(Boolean).join(" ");
  };
  const refuse = (words) => {
    shown.textContent = words;
    shown.classList.add("wrong");
  };
  /** Show `changes`, pairs of id and class, since what is called `name`; "" for nothing. */
  const apply = (name, changes, more = "") => {
    const kinds = new Map(changes);
    data.cells.forEach((cell) => mark(cell, kinds.get(cell.id) || "", name));
    data.baseline = name;
    data.changes = Object.fromEntries(CLASSES.map((kind) => [kind, changes.filter(([, found]) => found === kind).map(([id]) => id)])
      .filter(([, ids]) => ids.length));
    showChanges();
    matrix.controls.recount(data);
    compared();
    say(name ? `Compared with ${name}: ${count(changes.length, "cell")} changed.${more}` : "Compared with nothing.");
  };

  /* What is in force or being read; each choice is another turn, and only the last one counts. */
  let [asked, turn] = ["", 0];
  const file = el("option", {});
  const point = (option) => {
    if (option !== file) file.remove();
    option.selected = true;
  };
  const optionOf = (name) => [...select.options].find((one) => one !== file && one.value === name);

  const withWritten = () => {
    const other = data.baseline !== written.name || file.isConnected || select.hasAttribute("aria-busy");
    point(optionOf(""));
    select.removeAttribute("aria-busy");
    if (other) apply(written.name, written.changes);
  };
  const withBase = async (found) => {
    const mine = turn;
    point(optionOf(found.name));
    select.setAttribute("aria-busy", "true");
    shown.textContent = `Comparing with ${found.name}: reading what ${count(data.cells.length, "cell")} came to …`;
    const { before, now, lost } = await base.sides(found);
    if (mine !== turn) return;
    select.removeAttribute("aria-busy");
    const more = lost ? ` What ${count(lost, "cell")} came to then is no longer kept.` : "";
    apply(found.name, matrix.changes.compare(before, now), more);
  };
  /** Compare with the run or the release of this name; "" for what the page was written with. */
  const show = (name) => {
    if (name === asked) return;
    [asked, turn] = [name, turn + 1];
    const found = base.find(name);
    if (found && name !== written.name) {
      withBase(found);
      return;
    }
    withWritten();
    if (name && name !== written.name) refuse(`This page knows no earlier run and no release called “${name}”, so it is compared with ${written.name || "nothing"}.`);
  };
  /** The same, as somebody chose it. */
  const choose = (name) => {
    if (!name && !matrix.state.read().base) {
      turn += 1;
      withWritten();
    }
    matrix.state.go({ base: name });
  };
  /** Compare with a File: no address can hold it. */
  const withFile = async (one) => {
    try {
      const changes = matrix.changes.compare(read(await one.text()).cells, data.cells);
      [asked, turn] = ["", turn + 1];
      select.removeAttribute("aria-busy");
      if (matrix.state.read().base) matrix.state.go({ base: "" });
      apply(one.name, changes);
      file.textContent = one.name;
      select.append(file);
      point(file);
      offer();
    } catch (error) {
      refuse(`${one.name} cannot be compared with: ${error.message}.`);
    }
  };

  /* A choice of one is none. */
  const offer = () => {
    const none = select.options.length < 2;
    select.parentElement.hidden = none;
    document.querySelector(".file span").classList.toggle("vh", !none);
  };
  select.options[0].textContent = written.name ? `${written.name} (as written)` : "nothing";
  select.append(...base.options());
  offer();
  return { show, choose, withFile };
};
/* The JSON report says the same in other words. */
matrix.compare.fromJson = (report) => {
  if (!report.schema_version || !report.cells) throw new Error("it is no report of ours");
  return {
    ...report,
    cells: report.cells.map((cell) => ({ ...cell, image: cell.image_id, probes: cell.probes_digest })),
  };
};
