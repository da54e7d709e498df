/* The grid as it was at an earlier run: of each cell the newest measurement that is not newer. */
matrix.base = (data) => {
  const { el, shortId, LETTERS } = matrix.words;
  const { of } = matrix.history;
  /* The newest run is what the grid shows. */
  const [newest, ...runs] = data.runs;
  const releases = runs.filter(({ release }, at) => release && release !== newest.release
    && runs.findIndex((one) => one.release === release) === at);

  /** What `name` means, a run before a release as `matrix diff` has it; null for neither. */
  const find = (name) => {
    if (runs.some((one) => one.run === name)) return { name, column: "runs" };
    return releases.some((one) => one.release === name) ? { name, column: "releases" } : null;
  };

  const when = (iso) => {
    const at = new Date(iso);
    return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" })}, ${at.toISOString().slice(11, 16)}`;
  };
  const group = (label, all, option) => (all.length ? [el("optgroup", { label }, all.map((one) => {
    const [value, ...words] = option(one);
    return el("option", { value }, words.filter(Boolean).join(" · "));
  }))] : []);
  /** The options of a choice, without what the page was compared with when it was written. */
  const options = () => [
    ...group("Releases", releases.filter(({ release }) => release !== data.baseline), ({ release, at }) => [release, release, when(at)]),
    ...group("Runs, times in UTC", runs.filter(({ run }) => run !== data.baseline), ({ run, release, at }) => [run, when(at), run, release]),
  ];

  /* A hundred cells at a time: between them the page answers. */
  const read = async () => {
    const histories = new Map();
    const measured = data.cells.filter((cell) => cell.past);
    for (let at = 0; at < measured.length; at += 100) {
      const some = measured.slice(at, at + 100);
      const found = await Promise.all(some.map((cell) => matrix.model.evidence(cell.id)));
      found.forEach((one, index) => histories.set(some[index].id, one.history));
    }
    return histories;
  };
  let reading = null;

  const own = (history, { name, column }) => history.runs.findIndex((run, at) => of(history[column], at) === name);
  /** When the last of its measurements ended. */
  const endOf = (base, histories) => [...histories.values()].reduce((end, history) => {
    const at = own(history, base);
    return at < 0 ? end : Math.max(end, Date.parse(history.at[at]));
  }, 0);
  const asOf = (history, base, end) => {
    const at = own(history, base);
    return at < 0 ? history.at.findIndex((iso) => Date.parse(iso) <= end) : at;
  };
  const side = (cell, history, at) => ({
    id: cell.id, run: history.runs[at], verdict: LETTERS[history.verdicts[at]],
    fingerprint: of(history.fingerprints, at), probes: of(history.probes, at),
  });
  /* As the columns of a history have them. */
  const short = (ids) => ids.split("+").map(shortId).join("+");
  const shortened = (cell) => ({ ...cell, fingerprint: short(cell.fingerprint), probes: short(cell.probes) });

  /** The cells then and now, to be compared; and how many are not, since what they came to then is kept no more. */
  const sides = async (base) => {
    reading = reading || read();
    const histories = await reading;
    const end = endOf(base, histories);
    const found = { before: [], now: [], lost: 0 };
    data.cells.forEach((cell) => {
      const history = histories.get(cell.id);
      const at = history ? asOf(history, base, end) : -1;
      if (at < 0 && history && history.runs.length >= data.kept) {
        found.lost += 1;
        return;
      }
      found.now.push(shortened(cell));
      if (at >= 0) found.before.push(side(cell, history, at));
    });
    return found;
  };

  return { find, options, sides };
};
