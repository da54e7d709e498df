/* The query language, the same as that of `matrix grid`: tests/builders/queries.json holds both to it.

   Words all hold, `key:a,b` is one of, `-word` is not, values are patterns (`*`, `?`) in any case,
   a word without a key is looked for in names, reason and message. */
matrix.query = (() => {
  const STATUSES = ["failed", "error", "missing", "stale", "warned", "unsupported", "passed"];
  const PROBLEMS = ["FAILED", "ERROR", "MISSING", "STALE"];
  const GREEN = ["PASSED", "WARNED"];
  const KNOWN = ["PASSED", "WARNED", "FAILED"];
  const UNITS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
  const COMPARE = { ">": (a, b) => a > b, "<": (a, b) => a < b, ">=": (a, b) => a >= b, "<=": (a, b) => a <= b };

  const idOf = (cell) => `${cell.service}@${cell.environment}`;
  const pattern = (value) => {
    const source = value.replace(/[.+^${}()|[\]\\*?]/g, (found) => ({ "*": ".*", "?": "." })[found] || `\\${found}`);
    return new RegExp(`^${source}$`, "is");
  };
  const any = (values, read) => {
    const patterns = values.map(pattern);
    return (cell) => patterns.some((one) => one.test(read(cell)));
  };

  const IS = {
    changed: (cell) => cell.changed,
    flaky: (cell) => cell.flaky,
    waived: (cell) => cell.waived,
    reported: (cell) => Boolean(cell.reported),
    reused: (cell) => cell.reused,
    running: (cell) => cell.running,
    problem: (cell) => PROBLEMS.includes(cell.verdict),
    green: (cell) => GREEN.includes(cell.verdict),
  };

  /* How many FAILED, and how many say something about the service, in each row. */
  const rowsOf = (cells) => {
    const rows = new Map();
    for (const cell of cells) {
      const row = rows.get(cell.service) || { failed: 0, known: 0 };
      row.failed += cell.verdict === "FAILED";
      row.known += KNOWN.includes(cell.verdict);
      rows.set(cell.service, row);
    }
    return rows;
  };
  const FAILS = {
    one: (row) => row.failed === 1,
    all: (row) => row.known > 1 && row.failed === row.known,
  };

  const each = (values, table, complaint) => values.map((value) => {
    const found = table[value.toLowerCase()];
    if (!found) throw new Error(complaint(value));
    return found;
  });
  const labels = (values) => {
    const wanted = values.map((value) => {
      const [name, ...rest] = value.split("=");
      return [pattern(name), pattern(rest.length ? rest.join("=") : "*")];
    });
    return (cell) => Object.entries(cell.labels)
      .some(([name, value]) => wanted.some(([asked, as]) => asked.test(name) && as.test(value)));
  };
  const ages = (values, now) => {
    const tests = values.map((value) => {
      const [, sign, number, unit] = /^([<>]=?)(\d+(?:\.\d+)?)([smhdw])$/i.exec(value) || [];
      if (!sign) throw new Error("an age is written like >7d");
      return (seconds) => COMPARE[sign](seconds, Number(number) * UNITS[unit.toLowerCase()]);
    });
    return (cell) => Boolean(cell.finished_at)
      && tests.some((test) => test((now - Date.parse(cell.finished_at)) / 1000));
  };
  const KEYS = {
    status: (values) => {
      const wanted = each(values, Object.fromEntries(STATUSES.map((one) => [one, one.toUpperCase()])),
        (value) => `no status is called "${value}"`);
      return (cell) => wanted.includes(cell.verdict);
    },
    service: (values) => any(values, (cell) => cell.service),
    owner: (values) => any(values, (cell) => cell.owner || ""),
    env: (values) => any(values, (cell) => cell.environment),
    cell: (values) => any(values, idOf),
    kind: (values) => any(values, (cell) => cell.kind),
    engine: (values) => any(values, (cell) => cell.engine),
    arch: (values) => any(values, (cell) => cell.architecture),
    reason: (values) => any(values, (cell) => cell.reason),
    label: labels,
    age: ages,
    is: (values) => {
      const tests = each(values, IS, (value) => `nothing is "${value}"`);
      return (cell) => tests.some((test) => test(cell));
    },
    fails: (values, now, rows) => {
      const tests = each(values, FAILS, () => '"fails" knows one and all');
      return (cell) => cell.verdict === "FAILED" && tests.some((test) => test(rows.get(cell.service)));
    },
  };

  const split = (text) => {
    const words = text.match(/-?"[^"]*"|\S+/g) || [];
    if (words.some((word) => (word.match(/"/g) || []).length % 2)) throw new Error("a quote is not closed");
    return words;
  };
  const free = (word) => {
    const wanted = word.replaceAll('"', "").toLowerCase();
    return (cell) => [idOf(cell), cell.service_title, cell.environment_title, cell.reason, cell.message]
      .some((text) => (text || "").toLowerCase().includes(wanted));
  };
  const testOf = (word, now, rows) => {
    const [, key, rest] = /^([a-z]+):(.*)$/is.exec(word) || [];
    if (key === undefined) return free(word);
    const make = KEYS[key.toLowerCase()];
    if (!make) throw new Error(`no key is called "${key}"`);
    const values = rest.split(",").filter(Boolean);
    if (!values.length) throw new Error(`"${key}:" says nothing`);
    return make(values, now, rows);
  };

  /** The cells that `text` means, of `cells`; `now` in milliseconds. Throws for what it cannot read. */
  const select = (cells, text, now) => {
    const rows = rowsOf(cells);
    const tests = split(text).map((word) => {
      const test = testOf(word.replace(/^-(?=.)/, ""), now, rows);
      return word.length > 1 && word.startsWith("-") ? (cell) => !test(cell) : test;
    });
    return cells.filter((cell) => tests.every((test) => test(cell)));
  };

  return { select, idOf, PROBLEMS };
})();
