/* The keyboard: arrows inside the grid, single keys everywhere but in fields. */
matrix.keys = (data, view, actions) => {
  const PAGE = 5;
  const cellOf = (target) => {
    const td = target.closest && target.closest("td");
    return td ? data.byTd.get(td) : undefined;
  };
  const clamp = (value, last) => Math.max(0, Math.min(last, value));

  const target = (event, lines, y, x) => {
    const last = lines.length - 1;
    const end = lines[y].length - 1;
    const moves = {
      ArrowRight: [y, x + 1],
      ArrowLeft: [y, x - 1],
      ArrowDown: [y + 1, x],
      ArrowUp: [y - 1, x],
      PageDown: [y + PAGE, x],
      PageUp: [y - PAGE, x],
      Home: event.ctrlKey ? [0, 0] : [y, 0],
      End: event.ctrlKey ? [last, end] : [y, end],
    };
    const move = Object.hasOwn(moves, event.key) ? moves[event.key] : null;
    return move && lines[clamp(move[0], last)][clamp(move[1], end)];
  };
  const inGrid = (event) => {
    const cell = cellOf(event.target);
    if (!cell || event.altKey || event.metaKey) return;
    const lines = view.lines();
    const y = lines.findIndex((line) => line.includes(cell));
    const found = y >= 0 && target(event, lines, y, lines[y].indexOf(cell));
    if (found) {
      event.preventDefault();
      view.goTo(found);
    } else if ((event.key === "Enter" || event.key === " ") && !event.ctrlKey) {
      event.preventDefault();
      matrix.state.go(cell.id ? { cell: cell.id } : { q: cell.q });
    }
  };

  /** The next cell that needs a look, from `cell`, in the order it is shown. */
  const problem = (cell, step) => {
    const order = view.lines().flat();
    const start = order.indexOf(cell);
    return order.map((_, index) => order.at((start + step * (index + 1)) % order.length))
      .find((one) => matrix.query.PROBLEMS.includes(one.verdict) && !one.out);
  };
  const here = () => data.byId.get(matrix.state.read().cell) || cellOf(document.activeElement) || view.stop();
  const toProblem = (step) => {
    const found = problem(here(), step);
    if (found && found.id && matrix.state.read().cell) matrix.state.go({ cell: found.id });
    else view.goTo(found);
  };
  const KEYS = {
    n: () => toProblem(1),
    p: () => toProblem(-1),
    c: () => actions.copyCommand(here()),
    "/": () => document.getElementById("query").focus(),
    "?": () => actions.help(),
  };
  const anywhere = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      const open = document.querySelector("details.export[open]");
      if (open) open.open = false;
      else if (event.target.id === "query") view.goTo(view.stop());
      else if (matrix.state.read().cell) matrix.state.go({ cell: "" });
      return;
    }
    const typing = event.target.closest && event.target.closest("input, select, textarea");
    if (typing || !Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  };

  data.byTd = new Map(data.cells.map((cell) => [cell.td, cell]));
  view.grids.forEach((grid) => {
    grid.addEventListener("keydown", inGrid);
    grid.addEventListener("focusin", (event) => {
      const cell = cellOf(event.target);
      if (cell) view.stopAt(cell);
    });
  });
  document.addEventListener("keydown", anywhere);
};
