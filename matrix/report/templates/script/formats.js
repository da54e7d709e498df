/* The shown cells as files. Pure; every format holds the same cells and the same counts. */
matrix.formats = (() => {
  const COLUMNS = ["service", "environment", "verdict", "reason", "message", "run", "finished_at", "flaky", "change", "waived", "image", "fingerprint"];
  const ORDER = ["FAILED", "ERROR", "MISSING", "STALE", "WARNED", "UNSUPPORTED", "PASSED"];
  const counts = (cells) => Object.fromEntries(ORDER.map((verdict) => [verdict, cells.filter((cell) => cell.verdict === verdict).length]));

  /* A spreadsheet takes what starts like this for a formula (OWASP, CSV injection); blanks in front
     and full-width forms do not hide one. */
  const safe = (text) => (/^\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text);
  const csvField = (value) => `"${safe(String(value ?? "")).replaceAll('"', '""')}"`;
  const csv = (data, cells) => [COLUMNS, ...cells.map((cell) => COLUMNS.map((name) => cell[name]))]
    .map((row) => row.map(csvField).join(",")).join("\r\n") + "\r\n";

  const json = (data, cells) => `${JSON.stringify({
    project: data.project, run: data.run, release: data.release, door: data.door, counts: counts(cells),
    cells: cells.map((cell) => Object.fromEntries([["id", cell.id], ...COLUMNS.map((name) => [name, cell[name] ?? null])])),
  }, null, 1)}\n`;

  const xml = (text) => String(text ?? "").replace(/[<>&"'\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g, (found) =>
    (found < " " || found > "\ufff0" ? "\ufffd" : `&#${found.charCodeAt(0)};`));
  const ELEMENTS = { FAILED: "failure", ERROR: "error", MISSING: "skipped", STALE: "skipped", UNSUPPORTED: "skipped" };
  const inner = (cell) => {
    const element = ELEMENTS[cell.verdict];
    if (element) return `<${element} message="${xml(`${cell.verdict}: ${cell.message || cell.reason}`)}" type="${xml(cell.reason || cell.verdict)}"/>`;
    return cell.verdict === "WARNED" ? `<system-out>WARNED: ${xml(cell.message)}</system-out>` : "";
  };
  const totals = (cells) => {
    const found = counts(cells);
    return `tests="${cells.length}" failures="${found.FAILED}" errors="${found.ERROR}" skipped="${found.MISSING + found.STALE + found.UNSUPPORTED}"`;
  };
  const junit = (data, cells) => {
    const suites = data.environments.map((environment) => {
      const here = cells.filter((cell) => cell.environment === environment.name);
      const cases = here.map((cell) => `  <testcase classname="${xml(cell.service)}" name="cell" time="${(cell.seconds || 0).toFixed(3)}">${inner(cell)}</testcase>\n`);
      return here.length ? ` <testsuite name="${xml(environment.name)}" ${totals(here)}>\n${cases.join("")} </testsuite>\n` : "";
    });
    return `<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="${xml(data.project)}" ${totals(cells)}>\n${suites.join("")}</testsuites>\n`;
  };

  /* Every mark as a reference: CommonMark 2.5 never takes one for markup. */
  const inert = (text) => String(text ?? "").replace(/\s+/g, " ").replace(/[!-/:-@[-`{-~]/g, (mark) => `&#${mark.charCodeAt(0)};`);
  const markdown = (data, cells) => {
    const wanted = new Set(cells);
    const services = data.shownServices.filter((service) => service.cells.some((cell) => wanted.has(cell)));
    const environments = data.shownEnvironments.filter((one) => one.cells.some((cell) => wanted.has(cell)));
    const line = (values) => `| ${values.join(" | ")} |`;
    const found = counts(cells);
    return [
      `## ${inert(`${data.project} ${data.release}`.trim())}: gate ${data.door}`, "",
      ORDER.filter((verdict) => found[verdict]).map((verdict) => `${found[verdict]} ${verdict}`).join(", ") || "no cell", "",
      line(["", ...environments.map((one) => inert(one.title))]),
      line(["---", ...environments.map(() => "---")]),
      ...services.map((service) => line([inert(service.title), ...environments.map((one) => {
        const cell = service.cells[one.index];
        return wanted.has(cell) ? `${matrix.words.GLYPHS[cell.verdict]} ${cell.verdict}` : "";
      })])), "",
    ].join("\n");
  };

  return {
    counts,
    csv: { suffix: "csv", type: "text/csv", write: csv },
    json: { suffix: "json", type: "application/json", write: json },
    junit: { suffix: "xml", type: "application/xml", write: junit },
    markdown: { suffix: "md", type: "text/markdown", write: markdown },
  };
})();
