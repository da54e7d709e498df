/* The order of rows and columns, and the groups they stand in. */
matrix.arrange = (() => {
  const { el, count } = matrix.words;
  const failures = (cells) => cells.reduce((sum, cell) =>
    sum + ({ FAILED: 1000, ERROR: 1 }[cell.verdict] || 0), 0);
  const oldest = (cells) => cells.reduce((at, cell) =>
    Math.min(at, cell.finished_at ? Date.parse(cell.finished_at) : Infinity), Infinity);
  const WEIGHTS = {
    failures: (one) => -failures(one.cells),
    flakiness: (one) => -one.cells.filter((cell) => cell.flaky).length,
    age: (one) => oldest(one.cells),
  };
  const compare = (a, b) => (a === b ? 0 : a < b ? -1 : 1);
  const sorted = (things, by) => {
    if (by === "name") return [...things].sort((a, b) => a.title.localeCompare(b.title));
    const weight = WEIGHTS[by];
    if (!weight) return [...things];
    const weights = new Map(things.map((one) => [one, weight(one)]));
    return [...things].sort((a, b) => compare(weights.get(a), weights.get(b)));
  };
  const GROUPS = {
    kind: (one) => one.kind,
    site: (one) => one.labels.site,
    architecture: (one) => one.architecture,
    engine: (one) => one.engine,
    owner: (one) => one.owner,
  };
  const grouped = (things, by) => {
    const read = GROUPS[by];
    if (!read) return [["", things]];
    const groups = new Map();
    things.forEach((one) => {
      const name = read(one) || "not known";
      groups.set(name, [...(groups.get(name) || []), one]);
    });
    return [...groups].sort(([a], [b]) => compare(a, b));
  };

  const placeRows = (data, groups, by) => {
    const body = data.services[0].tr.parentElement;
    body.querySelectorAll("tr.group").forEach((line) => line.remove());
    data.rowGroups = [];
    const lines = groups.flatMap(([name, services]) => {
      const own = services.map((one) => one.tr);
      if (!by) return own;
      const head = el("tr", { class: "group" }, el("th", { scope: "rowgroup", colspan: data.environments.length + 1 },
        el("span", {}, `${name} `, el("small", {}, count(services.length, "service")))));
      data.rowGroups.push({ head, services });
      return [head, ...own];
    });
    body.append(...lines);
  };
  const placeColumns = (data, groups, by) => {
    const order = groups.flatMap(([, environments]) => environments);
    const moved = order.some((one, at) => one !== data.shownEnvironments[at]);
    if (moved) {
      order[0].th.parentElement.append(...order.map((one) => one.th));
      data.services.forEach((service) => service.tr.append(...order.map((one) => service.cells[one.index].td)));
    }
    document.querySelectorAll(".grid thead tr.groups").forEach((line) => line.remove());
    data.columnGroups = [];
    if (!by) return order;
    const heads = groups.map(([name, environments]) => {
      const head = el("th", { scope: "colgroup" }, el("span", {}, name));
      data.columnGroups.push({ head, environments });
      return head;
    });
    document.querySelector(".grid").tHead.prepend(el("tr", { class: "groups" }, el("td", { class: "corner" }), heads));
    return order;
  };
  /** Heads of groups as wide as what is left of them. */
  const widen = (data) => {
    (data.columnGroups || []).forEach(({ head, environments }) => {
      const left = environments.filter((one) => !one.gone).length;
      head.classList.toggle("gone", !left);
      head.colSpan = Math.max(1, left);
    });
    const width = data.environments.filter((one) => !one.gone).length + 1;
    (data.rowGroups || []).forEach(({ head, services }) => {
      head.firstElementChild.colSpan = width;
      head.classList.toggle("gone", services.every((one) => one.gone));
    });
  };

  let now = "";
  /** Put rows and columns as `state` asks. Says whether anything moved. */
  const apply = (data, state) => {
    const asked = [state.rows, state.columns, state.sort].join(" ");
    if (asked === now || (!now && asked === "  ") || !data.cells.length) return false;
    now = asked;
    const rows = grouped(sorted(data.services, state.sort), state.rows);
    const columns = grouped(sorted(data.environments, state.sort), state.columns);
    placeRows(data, rows, state.rows);
    data.shownServices = rows.flatMap(([, services]) => services);
    data.shownEnvironments = placeColumns(data, columns, state.columns);
    return true;
  };

  return { apply, widen };
})();
