/* The panel of one cell. It has the address #cell=queue@qa. */
matrix.panel = (data, view) => {
  const { el, badge, moment, ago, code, typed } = matrix.words;
  const root = document.documentElement;
  const main = document.getElementById("main");
  const panel = document.getElementById("panel");
  const narrow = matchMedia("(max-width: 900px)");
  const services = new Map(data.services.map((one) => [one.name, one]));
  let opened = null;

  const commandOf = (cell) => typed("matrix", "run", "-s", cell.service, "-e", cell.environment);
  const close = () => matrix.state.go({ cell: "" });

  const change = (cell) => (cell.change ? el("span", { class: "chip change" }, `${cell.change}${data.baseline ? ` since ${data.baseline}` : ""}`) : null);
  const marks = (cell) => [
    change(cell),
    cell.flaky ? el("span", { class: "chip" }, "flaky") : null,
    cell.waived ? el("span", { class: "chip" }, "waived") : null,
    cell.reused ? el("span", { class: "chip" }, `taken over from run ${cell.reused}`) : null,
    cell.reported ? el("span", { class: "chip reported" }, `self-reported by ${cell.reported}`) : null,
    cell.running ? el("span", { class: "chip" }, "the run goes on") : null,
  ];
  const head = (cell) => el("header", {},
    el("div", { class: "head-line" }, badge(cell.verdict), el("code", { class: "cell-id" }, cell.id), marks(cell),
      el("button", { type: "button", class: "close", "aria-label": "Close and return to the grid", onclick: close }, "×")),
    el("h2", { id: "panel-name", tabindex: -1 }, cell.service_title, " ", el("span", { class: "on" }, "on"), " ", cell.environment_title),
    el("p", { class: "sentence" }, cell.tile.title.split("\n")[0]),
    el("p", { class: "again" }, el("code", {}, commandOf(cell)),
      el("button", { type: "button", class: "copy", "data-copy": commandOf(cell), "aria-label": "Copy the command that measures it again" }, "Copy")));
  const waiver = (of) => el("p", { class: "waiver", "data-state": of.state },
    el("span", { class: "chip" }, `waiver, ${of.state}`), ` ${of.reason} `, el("span", { class: "note" }, `– ${of.owner}, until ${of.until}, for `, el("code", {}, of.probe)));
  const measured = (cell) => (cell.run ? el("dl", { class: "facts-list" },
    el("div", {}, el("dt", {}, "Run"), el("dd", {}, el("code", {}, cell.run))),
    cell.finished_at ? el("div", {}, el("dt", {}, "Finished"), el("dd", {}, `${moment(cell.finished_at)}, ${ago(cell.finished_at)}`)) : null,
    cell.reported ? el("div", {}, el("dt", {}, "Reported by"), el("dd", {}, `${cell.reported}, signed with `, el("code", {}, cell.reported_key), ": their word, not measured by us")) : null,
    cell.fingerprint ? el("div", {}, el("dt", {}, "Fingerprint"), el("dd", {}, code(cell.fingerprint))) : null,
    cell.probes ? el("div", {}, el("dt", {}, "Probes"), el("dd", {}, code(cell.probes))) : null) : null);
  const cluster = (cell) => {
    const others = [...new Set(data.clusters.filter((one) => one.cells.includes(cell.id)).flatMap((one) => one.cells))].filter((id) => id !== cell.id);
    return others.length ? el("p", { class: "note" }, `The same failure is in ${others.length} more: `,
      others.slice(0, 6).map((id, at) => [at ? ", " : "", el("a", { href: `#cell=${id}` }, id)]), others.length > 6 ? ", …" : "") : null;
  };

  const draw = async (cell) => {
    panel.dataset.verdict = cell.verdict;
    panel.dataset.cell = cell.id;
    panel.replaceChildren(head(cell));
    const [found, known] = await Promise.all([matrix.model.evidence(cell.id), matrix.model.evidence("environments")]);
    if (opened !== cell) return;
    const { attempts, history, waivers } = found || { attempts: [], history: { runs: [] }, waivers: [] };
    const service = services.get(cell.service);
    const parts = [waivers.map(waiver), cluster(cell), matrix.history.render(history), matrix.evidence.render(attempts, cell, service.unproven),
      matrix.facts.render(cell, service, known), measured(cell)];
    panel.append(el("div", { class: "found" }, parts));
    panel.dataset.ready = cell.id;
  };

  const mark = (cell, is) => cell && cell.tile.classList.toggle("chosen", is);
  const settle = () => { main.inert = Boolean(opened) && narrow.matches; };
  /** Show the panel of the cell with this id, or none. Focus goes to its heading, or back to the cell. */
  const show = (id) => {
    const cell = data.byId.get(id) || null;
    if (cell === opened) return;
    const before = opened;
    mark(before, false);
    mark(cell, true);
    opened = cell;
    panel.hidden = !cell;
    root.classList.toggle("with-panel", Boolean(cell));
    settle();
    if (!cell) {
      view.goTo(before.tile.offsetParent === null ? view.stop() : before);
      return;
    }
    draw(cell);
    panel.scrollTop = 0;
    if (cell.tile.offsetParent !== null) {
      view.stopAt(cell);
      cell.tile.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    document.getElementById("panel-name").focus({ preventScroll: true });
  };
  narrow.addEventListener("change", settle);
  /** Say anew what changed: the grid was compared with something else. */
  const remark = () => {
    if (!opened) return;
    const [before, now] = [panel.querySelector(".chip.change"), change(opened)];
    if (before) before.remove();
    if (now) panel.querySelector(".cell-id").after(now);
  };

  const say = (button, words) => {
    const before = button.dataset.label || button.textContent;
    button.dataset.label = before;
    button.textContent = words;
    setTimeout(() => { button.textContent = before; }, 1500);
  };
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = el("textarea", { class: "vh", "aria-label": "copied" });
      field.value = text;
      (document.activeElement || document.body).after(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    await copy(button.dataset.copy);
    say(button, "Copied");
  });
  /** Copy the command of a cell, and say so where the filter says how much is left. */
  const copyCommand = async (cell) => {
    if (!cell || !cell.id) return;
    await copy(commandOf(cell));
    document.getElementById("shown").textContent = `Copied: ${commandOf(cell)}`;
  };

  return { show, remark, copyCommand };
};
