/* The query box, the counters and the other controls; all of them only change the address. */
matrix.controls = (data, actions) => {
  const { el } = matrix.words;
  const query = document.getElementById("query");
  const counters = [...document.querySelectorAll(".counters li")];
  const selects = ["rows", "columns", "sort"].map((name) => document.getElementById(name));

  const words = (text) => text.match(/-?"[^"]*"|\S+/g) || [];
  const valuesOf = (word, key) => (word.toLowerCase().startsWith(`${key}:`) ? word.slice(key.length + 1).toLowerCase().split(",").filter(Boolean) : null);
  /** Whether the query has `key:value` in one of its words. */
  const holds = (text, asked) => {
    const [key, value] = asked.split(":");
    return words(text).some((word) => (valuesOf(word, key) || []).includes(value));
  };
  /** The query with `key:value` put in or taken out; values of one key stand in one word. */
  const toggled = (text, asked) => {
    const [key, value] = asked.split(":");
    const all = words(text);
    const at = all.findIndex((word) => valuesOf(word, key));
    if (at < 0) return [...all, asked].join(" ");
    const values = valuesOf(all[at], key);
    const left = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
    all[at] = left.length ? `${key}:${left.join(",")}` : "";
    return all.filter(Boolean).join(" ");
  };
  const toggle = (asked) => matrix.state.go({ q: toggled(matrix.state.read().q, asked) });

  const asButton = (item) => {
    const label = item.firstElementChild;
    const button = el("button", { type: "button", class: "counter", onclick: () => toggle(item.dataset.word) });
    button.append(...label.childNodes);
    button.disabled = item.classList.contains("none");
    label.replaceWith(button);
    return [item, button];
  };
  const buttons = counters.map(asButton);
  const problems = document.getElementById("problems");
  const density = document.getElementById("density");

  if (data.services.some((one) => one.owner)) document.getElementById("rows").append(el("option", { value: "owner" }, "by owner"));
  else document.getElementById("rows").parentElement.hidden = true;
  if (!data.environments.some((one) => one.labels.site)) document.querySelector('#columns option[value="site"]').remove();

  let typing = 0;
  query.addEventListener("input", () => {
    clearTimeout(typing);
    const ask = () => matrix.state.amend({ q: query.value.trim() });
    if (data.cells.length > 2000) typing = setTimeout(ask, 150);
    else ask();
  });
  selects.forEach((select) => select.addEventListener("change", () => matrix.state.go({ [select.id]: select.value })));
  problems.addEventListener("click", () => toggle("is:problem"));
  density.addEventListener("click", () => matrix.state.go({ density: matrix.state.read().density ? "" : "compact" }));
  document.getElementById("help").addEventListener("click", actions.help);
  document.getElementById("base").addEventListener("change", (event) => actions.compareWithBase(event.target.value));
  document.getElementById("baseline").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) actions.compareWith(file);
    /* The same file can be chosen again. */
    event.target.value = "";
  });

  const clusters = [...document.querySelectorAll(".clusters li")].map((item) => {
    const found = data.clusters.find((one) => one.signature === item.dataset.signature);
    const label = item.querySelector(".cluster");
    const button = el("button", { type: "button", class: "cluster", "aria-pressed": "false" });
    button.append(...label.childNodes);
    button.addEventListener("click", () => mark(found.signature));
    label.replaceWith(button);
    return [found, button];
  });
  let marked = "";
  const mark = (signature) => {
    marked = marked === signature ? "" : signature;
    const cells = new Set(clusters.filter(([found]) => found.signature === marked).flatMap(([found]) => found.cells));
    clusters.forEach(([found, button]) => button.setAttribute("aria-pressed", String(found.signature === marked)));
    data.cells.forEach((cell) => cell.td.classList.toggle("marked", cells.has(cell.id)));
    document.querySelector(".grid").classList.toggle("marking", cells.size > 0);
    document.getElementById("shown").textContent = cells.size ? `${matrix.words.count(cells.size, "cell")} marked` : "";
    const first = data.cells.find((cell) => cells.has(cell.id));
    if (first) first.tile.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  /** Show the state in every control. */
  const show = (state) => {
    if (document.activeElement !== query) query.value = state.q;
    selects.forEach((select) => { select.value = state[select.id]; });
    problems.setAttribute("aria-pressed", String(holds(state.q, "is:problem")));
    density.setAttribute("aria-pressed", String(state.density === "compact"));
    document.documentElement.classList.toggle("compact", state.density === "compact");
    buttons.forEach(([item, button]) => button.setAttribute("aria-pressed", String(holds(state.q, item.dataset.word))));
  };
  return { show };
};
/* After a comparison there are other changed cells. */
matrix.controls.recount = (data) => {
  const item = document.querySelector('.counters li[data-word="is:changed"]');
  const changed = data.cells.filter((cell) => cell.changed).length;
  item.classList.toggle("none", !changed);
  item.firstElementChild.disabled = !changed;
  item.querySelector("b").textContent = String(changed);
};
