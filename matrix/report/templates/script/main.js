/* Everything together. */
document.addEventListener("DOMContentLoaded", () => {
  const data = matrix.model.read();
  /* Without a script a link to a cell leads to what is said about it; with one, to the cell itself. */
  document.querySelectorAll('li[id^="cell="]').forEach((item) => {
    const found = data.byId.get(new URLSearchParams(item.id).get("cell"));
    const { id } = item;
    item.removeAttribute("id");
    if (found) found.td.id = id;
  });
  /* What says the same of many cells is folded away where it can be opened again. */
  document.querySelectorAll("details.fold").forEach((one) => { one.open = false; });
  const view = matrix.view(data);
  const panel = matrix.panel(data, view);
  const help = matrix.help();
  let filtered = null;

  const filter = () => {
    view.filter(matrix.state.read().q);
    view.measure();
  };
  const compare = matrix.compare(data, () => {
    filter();
    panel.remark();
  });
  const controls = matrix.controls(data, { help, compareWith: compare.withFile, compareWithBase: compare.choose });
  matrix.exports(data);
  matrix.keys(data, view, { help, copyCommand: panel.copyCommand });

  matrix.state.listen((state) => {
    controls.show(state);
    const moved = matrix.arrange.apply(data, state);
    if (filtered !== state.q || moved) {
      filtered = state.q;
      filter();
    }
    compare.show(state.base);
    panel.show(state.cell);
  });
  /* Every link to a cell opens its panel, wherever the link stands, and keeps the rest of the state. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#cell=']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    matrix.state.go({ cell: new URLSearchParams(link.hash.slice(1)).get("cell") });
  });
  document.querySelectorAll("time[data-age]").forEach((time) => {
    time.title = time.textContent;
    time.textContent = matrix.words.ago(time.dateTime);
  });
  matrix.data = data;
  matrix.state.tell();
  performance.mark("interactive");
});
