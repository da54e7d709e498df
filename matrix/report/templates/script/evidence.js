/* What was done for a cell: its attempts, their probes, every command with its output. */
matrix.evidence = (() => {
  const { el, svg, badge, seconds, count, moment, code, typed, GLYPHS } = matrix.words;
  const PERSONS = { inside: ["Dana", "inside the container"], outside: ["Oscar", "outside the container"] };
  const QUIET = ["PASSED", "UNSUPPORTED"];

  const text = (found, attributes = {}) => (found ? el("pre", { tabindex: 0, ...attributes }, found) : null);
  const copy = (what, words) => el("button", { type: "button", class: "copy small", "data-copy": what, "aria-label": `Copy ${words}` }, "Copy");

  const command = (of) => el("div", { class: "command" },
    el("p", { class: "prompt" }, el("code", {}, of.command),
      el("span", { class: "meta" }, of.target ? `${of.target} · ` : "", el("span", { class: of.exit ? "bad" : null }, `exit ${of.exit}`), ` · ${of.seconds}`, copy(of.command, "the command"))),
    text(of.stdout), text(of.stderr, { class: "stderr", role: "group", "aria-label": "standard error" }),
    of.truncated ? el("p", { class: "note" }, `Output was cut when it was run: ${of.truncated}.`) : null);

  const probe = (of, cell, unproven) => el("details", { class: "probe", "data-verdict": of.verdict, open: !QUIET.includes(of.verdict) },
    el("summary", {}, el("span", { class: "glyph", "aria-hidden": "true" }, GLYPHS[of.verdict]), el("span", { class: "vh" }, `${of.verdict}: `),
      el("span", { class: "name" }, of.title, of.message ? el("span", { class: "why" }, of.message) : null),
      el("span", { class: "took" }, seconds(of.seconds))),
    el("div", { class: "inner" },
      el("p", { class: "id" }, el("code", {}, of.id), of.reason ? el("span", { class: "chip" }, of.reason) : null,
        unproven.includes(of.id) ? el("span", { class: "chip" }, "never seen to fail") : null, copy(typed("matrix", "probe", "run", cell.id, of.id), "the command that repeats this probe")),
      text(of.detail, { class: "detail" }),
      of.commands.map(command),
      of.left_out ? el("p", { class: "note" }, `${count(of.left_out, "more command")} not shown; the JSON report has them.`) : null,
      of.output ? [el("p", { class: "label" }, "It printed"), text(of.output)] : null));

  const side = (of, cell, unproven) => {
    if (!of.probes.length) return null;
    const [name, where] = PERSONS[of.side];
    const all = of.probes.length;
    const counts = Object.keys(GLYPHS).map((verdict) => [verdict, of.probes.filter((one) => one.verdict === verdict).length]).filter(([, found]) => found);
    const sum = counts.length === 1 && counts[0][0] === "PASSED" ? `all ${all} passed` : counts.map(([verdict, found]) => `${found} ${verdict.toLowerCase()}`).join(", ");
    return [el("h3", {}, el("b", {}, name), ` ${where}`, el("span", { class: "sum" }, sum)),
      el("div", { class: "probes" }, of.probes.map((one) => probe(one, cell, unproven)))];
  };

  const timing = (steps) => {
    const all = Object.values(steps).reduce((sum, one) => sum + one, 0);
    if (!all) return null;
    let at = 0;
    const bars = Object.values(steps).map((length, index) => {
      const bar = svg("rect", { class: `step-${index % 5}`, x: (100 * at) / all, width: (100 * length) / all, height: 1 });
      at += length;
      return bar;
    });
    return [svg("svg", { class: "steps", viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" }, bars),
      el("ul", { class: "step-list" }, Object.entries(steps).map(([name, took], index) =>
        el("li", {}, el("span", { class: `dot step-${index % 5}`, "aria-hidden": "true" }), `${name} `, el("b", {}, seconds(took)))))];
  };
  const images = (of, asked) => el("dl", { class: "facts-list" },
    el("div", {}, el("dt", {}, "Started"), el("dd", {}, `${moment(of.started_at)} on ${of.host}`)),
    el("div", {}, el("dt", {}, "Image asked for"), el("dd", {}, asked ? code(asked) : "–")),
    el("div", {}, el("dt", {}, "Image that ran"), el("dd", {}, of.image ? [code(of.image), of.image === asked ? "" : " – not the one asked for"] : "no container was created")));

  const inside = (of, cell, unproven) => [
    of.faults.map((fault) => el("p", { class: "fault-note" }, el("span", { class: "chip" }, fault.reason), ` ${fault.message}`)),
    of.sides.map((one) => side(one, cell, unproven)),
    of.unreported.length ? [el("h3", {}, el("b", {}, "Planned, never reported"), el("span", { class: "sum" }, String(of.unreported.length))),
      el("ul", { class: "unreported" }, of.unreported.map((id) => el("li", {}, el("span", { "aria-hidden": "true" }, "? "), el("span", { class: "vh" }, "MISSING: "), el("code", {}, id))))] : null,
    of.logs.map(([name, log]) => el("details", { class: "log" }, el("summary", {}, name ? `Log of ${name}` : "Container log", el("span", { class: "took" }, "tail")), text(log || "(empty)"))),
    of.traceback ? el("details", { class: "log" }, el("summary", {}, "Traceback of an error of our own", el("span", { class: "took" }, "whole")), text(of.traceback)) : null,
    images(of, cell.image),
    timing(of.steps),
  ];
  const attempt = (of, cell, unproven) => el("details", { class: "attempt", open: of.decides },
    el("summary", {}, badge(of.verdict), el("span", { class: "name" }, `Attempt ${of.number} on ${of.host}`, of.message ? el("span", { class: "why" }, of.message) : null),
      el("span", { class: "took" }, seconds(of.seconds))),
    el("div", { class: "inner" }, inside(of, cell, unproven)));

  /** The attempts one by one; a single one without a frame. `unproven` are ids of probes. */
  const render = (attempts, cell, unproven) => {
    if (!attempts.length) return [el("p", { class: "note" }, "There is no evidence: this cell was not started.")];
    return attempts.length === 1 ? inside(attempts[0], cell, unproven) : attempts.map((one) => attempt(one, cell, unproven));
  };

  return { render };
})();
