/* What a cell came to in its last thirty measurements. */
matrix.history = (() => {
  const { el, badge, count, ago, moment, GLYPHS, LETTERS } = matrix.words;

  /** One field of a measurement: the file holds a column for each field, one value for a column
      that is all alike. */
  const of = (column, at) => (Array.isArray(column) ? column[at] : column);
  const unpack = (packed) => packed.runs.map((run, at) => ({
    run, verdict: LETTERS[packed.verdicts[at]], at: packed.at[at],
    release: of(packed.releases, at), reason: of(packed.reasons, at), retries: of(packed.retries, at),
    image: of(packed.images, at), fingerprint: of(packed.fingerprints, at), probes: of(packed.probes, at), reported: of(packed.reported, at),
  }));

  const differences = (past, before) => (before ? [["image", "another image"], ["fingerprint", "another state of the environment"], ["probes", "other probes"]]
    .filter(([name]) => past[name] !== before[name]).map(([, words]) => words) : []);
  const title = (past, before) => [
    `${past.verdict}${past.reason ? ` (${past.reason})` : ""}`,
    `run ${past.run}${past.release ? `, release ${past.release}` : ""}`,
    moment(past.at),
    past.retries ? count(past.retries, "retry", "retries") : "",
    past.reported ? `self-reported by ${past.reported}` : "",
    ...differences(past, before),
  ].filter(Boolean).join(", ");

  const bar = (past, before, firstBad) => el("li", {
    "data-verdict": past.verdict,
    class: [firstBad && firstBad.run === past.run ? "first-bad" : "", differences(past, before).length ? "other" : ""].join(" ").trim() || null,
    title: title(past, before),
  }, el("span", { "aria-hidden": "true" }, GLYPHS[past.verdict]), el("span", { class: "vh" }, title(past, before)));

  const row = (past, before, firstBad) => el("tr", {},
    el("td", {}, badge(past.verdict), past.reason ? ` ${past.reason}` : ""),
    el("td", {}, el("code", {}, past.run), past.release ? el("span", { class: "chip" }, past.release) : null),
    el("td", {}, moment(past.at)),
    el("td", {}, [firstBad && firstBad.run === past.run ? "first bad" : "",
      past.reported ? `self-reported by ${past.reported}` : "", past.retries ? count(past.retries, "retry", "retries") : "", ...differences(past, before)].filter(Boolean).join(", ")));

  const sentence = (past, { first_bad: bad, flaky }) => {
    const parts = [];
    if (bad) parts.push(`Bad since run ${bad.run}${bad.release ? ` (release ${bad.release})` : ""}, ${ago(bad.at)}.`);
    const last = past.find((one) => one.verdict === "PASSED" || one.verdict === "WARNED");
    if (bad && last) parts.push(`Last green: run ${last.run}, ${ago(last.at)}.`);
    if (bad && !last) parts.push("It was never green here.");
    if (!bad && past.length > 1 && past.every((one) => one.verdict === "PASSED")) parts.push(`Green in all ${past.length} measurements.`);
    if (flaky) parts.push("Flaky: it passes and fails with the same image and the same environment.");
    return parts.join(" ");
  };

  /** The strip, the first bad run and the list; null for a cell without a past. */
  const render = (history) => {
    const past = unpack(history);
    if (!past.length) return null;
    const pairs = past.map((one, at) => [one, past[at + 1]]);
    return el("section", { class: "past" },
      el("h3", {}, el("b", {}, "History"), el("span", { class: "sum" }, count(past.length, "measurement"))),
      el("ol", { class: "runs", "aria-label": "Measurements, oldest first" },
        [...pairs].reverse().map(([one, before]) => bar(one, before, history.first_bad))),
      el("p", { class: "note" }, sentence(past, history)),
      el("details", { class: "log" }, el("summary", {}, "Each measurement", el("span", { class: "took" }, count(past.length, "line"))),
        el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Each measurement" },
          el("table", { class: "runs-table" }, el("thead", {}, el("tr", {}, ["Verdict", "Run", "When", "What was different"].map((name) => el("th", { scope: "col" }, name)))),
            el("tbody", {}, pairs.map(([one, before]) => row(one, before, history.first_bad)))))));
  };

  return { of, render };
})();
