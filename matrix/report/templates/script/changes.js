/* What became of a cell between two grids, the same as `matrix diff` says:
   tests/builders/changes.json holds both to it. */
matrix.changes = (() => {
  const GREEN = ["PASSED", "WARNED"];
  const CLASSES = ["regression", "new failure", "still failing", "disappeared", "fixed", "new pass", "appeared",
    "environment changed", "probe set changed"];
  /* Before → now; what is not here is the same. */
  const TABLE = {
    green: { failed: "regression", unclear: "disappeared", nothing: "disappeared" },
    failed: { green: "fixed", failed: "still failing", unclear: "disappeared", nothing: "disappeared" },
    unclear: { green: "new pass", failed: "new failure", nothing: "disappeared" },
    nothing: { green: "appeared", failed: "new failure", unclear: "appeared" },
  };

  const countsAs = (cell) => {
    if (!cell) return "nothing";
    if (cell.verdict === "FAILED") return "failed";
    return GREEN.includes(cell.verdict) ? "green" : "unclear";
  };
  const differ = (one, other) => Boolean(one && other && one !== other);
  /** The class of one cell, "" for the same; null is a cell that is not there or was never measured. */
  const classOf = (before, now) => {
    const found = TABLE[countsAs(before)][countsAs(now)];
    if (found || !before || !now) return found || "";
    if (differ(before.probes, now.probes)) return "probe set changed";
    return differ(before.fingerprint, now.fingerprint) ? "environment changed" : "";
  };

  const known = (cells) => new Map(cells
    .filter((cell) => cell.run || cell.verdict !== "MISSING").map((cell) => [cell.id, cell]));
  /** [id, class] of every cell that is not the same, the most urgent first. */
  const compare = (before, now) => {
    const [then, today] = [known(before), known(now)];
    return [...new Set([...now, ...before].map((cell) => cell.id))]
      .map((id) => [id, classOf(then.get(id) || null, today.get(id) || null)])
      .filter(([, found]) => found)
      .sort(([, a], [, b]) => CLASSES.indexOf(a) - CLASSES.indexOf(b));
  };

  return { CLASSES, classOf, compare };
})();
