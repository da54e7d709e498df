/* Facts about an environment, and those that differ from the nearest one where the service works. */
matrix.facts = (() => {
  const { el, count } = matrix.words;
  const words = (fact) => (fact === null || fact === undefined ? "not to be had" : fact === true ? "yes" : fact === false ? "no" : String(fact));
  const GREEN = ["PASSED", "WARNED"];

  const factsOf = (known, name) => {
    const hosts = known.environments[name] ? known.environments[name].hosts : [];
    return (hosts.find((host) => Object.keys(host.facts).length) || { facts: {} }).facts;
  };
  const differing = (ours, theirs, ignored) => [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
    .filter((name) => !ignored.includes(name) && ours[name] !== theirs[name]).sort();

  /** The green environment of the cell's row with the fewest other facts; null when there is none. */
  const nearest = (cell, service, known) => {
    const ours = factsOf(known, cell.environment);
    if (!Object.keys(ours).length) return null;
    return service.cells.filter((other) => GREEN.includes(other.verdict) && other !== cell)
      .map((other) => ({ other, facts: factsOf(known, other.environment) }))
      .filter(({ facts }) => Object.keys(facts).length)
      .map(({ other, facts }) => ({ other, facts, ours, names: differing(ours, facts, known.ignored) }))
      .sort((a, b) => a.names.length - b.names.length)[0] || null;
  };
  const difference = (cell, found) => {
    const { other, facts, ours, names } = found;
    const title = el("h3", {}, el("span", {}, el("b", {}, "What is different here"), " from ", el("a", { href: `#cell=${other.id}` }, other.environment_title),
      ", the nearest where it works"), el("span", { class: "sum" }, count(names.length, "fact")));
    if (!names.length) return [title, el("p", { class: "note" }, "No fact that matters differs: look at the service, not at the machine.")];
    return [title, el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Facts that differ" },
      el("table", { class: "facts-table" },
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Fact"), el("th", { scope: "col" }, cell.environment_title), el("th", { scope: "col" }, other.environment_title))),
        el("tbody", {}, names.map((name) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, words(ours[name])), el("td", {}, words(facts[name])))))))];
  };
  const host = (one) => el("details", { class: "log" },
    el("summary", {}, `Facts about ${one.name}`, el("span", { class: "took" }, String(Object.keys(one.facts).length))),
    el("dl", { class: "facts-list" }, Object.keys(one.facts).sort().map((name) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, words(one.facts[name]))))));

  /** Everything the panel says about the environment of `cell`; `known` is null when nothing is. */
  const render = (cell, service, known) => {
    const here = known && known.environments[cell.environment];
    if (!here) return [];
    const found = GREEN.includes(cell.verdict) ? null : nearest(cell, service, known);
    const faults = here.hosts.filter((one) => one.fault);
    const deviations = [...new Set(here.hosts.flatMap((one) => one.deviations))];
    const drift = here.drift || [];
    return [
      faults.length ? [el("h3", {}, el("b", {}, "The environment itself")),
        faults.map((one) => el("p", { class: "fault-note" }, el("span", { class: "chip" }, one.fault.reason), ` ${one.name}: ${one.fault.message}`))] : null,
      found ? difference(cell, found) : null,
      drift.length ? [el("h3", {}, el("b", {}, "Facts that changed"), " since they were asked before"),
        el("ul", { class: "bullets" }, drift.map((text) => el("li", {}, text)))] : null,
      deviations.length ? [el("h3", {}, el("b", {}, "What this engine cannot do"), " of the run profile"),
        el("ul", { class: "bullets" }, deviations.map((text) => el("li", {}, text)))] : null,
      here.hosts.filter((one) => Object.keys(one.facts).length).map(host),
    ];
  };

  return { render };
})();
