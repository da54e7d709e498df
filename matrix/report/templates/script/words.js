/* Elements, glyphs and numbers in words. Text only ever becomes text: nothing here parses HTML. */
matrix.words = (() => {
  const GLYPHS = { PASSED: "✓", WARNED: "⚠", FAILED: "✗", ERROR: "!", MISSING: "?", STALE: "◷", UNSUPPORTED: "–" };
  const LETTERS = Object.fromEntries(Object.keys(GLYPHS).map((verdict) => [verdict[0], verdict]));

  const fill = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat(Infinity).filter((child) => child || child === 0));
    return node;
  };
  /** An element: `el("p", { class: "note" }, "text", otherElement, null)`. */
  const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  const badge = (verdict) => el("span", { class: "badge", "data-verdict": verdict },
    el("span", { "aria-hidden": "true" }, GLYPHS[verdict]), ` ${verdict}`);

  const seconds = (value) => {
    if (value < 0.9995) return `${(value * 1000).toFixed(value >= 0.01 || !value ? 0 : 1)} ms`;
    if (value < 59.95) return `${value.toFixed(1)} s`;
    const minutes = Math.floor(Math.round(value) / 60);
    const rest = String(Math.round(value) % 60).padStart(2, "0");
    if (minutes < 60) return `${minutes} min ${rest} s`;
    return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  };
  const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
  /** How long ago, in the largest unit that fits. */
  const ago = (iso, now = Date.now()) => {
    const passed = Math.max(0, (now - Date.parse(iso)) / 1000);
    const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
    const [name, size] = units.find(([, length]) => passed >= length) || ["second", 1];
    return `${count(Math.floor(passed / size), name)} ago`;
  };
  const moment = (iso) => {
    const at = new Date(iso);
    if (Number.isNaN(at.getTime())) return "";
    const day = at.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
    return `${day}, ${at.toISOString().slice(11, 16)} UTC`;
  };
  const shortId = (id) => id.replace(/^sha256:/, "").slice(0, 12);
  const code = (id) => el("code", { title: id }, shortId(id));
  const quote = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\"'\"'")}'`);
  /** Words of a command as one types them into a shell. */
  const typed = (...words) => words.map(quote).join(" ");

  return { GLYPHS, LETTERS, el, svg, badge, seconds, count, ago, moment, shortId, code, typed };
})();
