"use strict";
document.documentElement.classList.add("js");

document.addEventListener("DOMContentLoaded", () => {
  const root = document.documentElement;
  const main = document.getElementById("main");
  const grid = document.querySelector(".grid");
  const shown = document.querySelector(".shown");
  const rows = [...grid.tBodies[0].rows];
  const tiles = [...grid.querySelectorAll(".tile")];
  const narrow = matchMedia("(max-width: 900px)");
  const problems = new Set(["FAILED", "ERROR", "MISSING", "STALE"]);

  const cellOf = (tile) => tile.parentElement;
  const nameOf = (tile) => new URLSearchParams(tile.hash.slice(1)).get("cell");
  const tileOf = (cell) => tiles.find((tile) => nameOf(tile) === cell);
  const panelOf = (cell) => [...document.querySelectorAll(".panel")].find((panel) => panel.dataset.cell === cell);

  /* What is looked at lives in the address, so that it can be sent to somebody. */
  const read = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    return { cell: state.get("cell") || "", status: new Set((state.get("status") || "").split(",").filter(Boolean)) };
  };
  const write = (change) => {
    const now = { ...read(), ...change };
    const parts = [];
    if (now.status.size) parts.push("status=" + [...now.status].join(","));
    if (now.cell) parts.push("cell=" + encodeURIComponent(now.cell).replaceAll("%40", "@"));
    history.pushState(null, "", "#" + (parts.join("&") || "grid"));
    show();
  };

  /* The grid has one tab stop; arrows move inside it (WAI-ARIA Authoring Practices, grid). */
  const stopAt = (tile) => {
    tiles.forEach((other) => { other.tabIndex = other === tile ? 0 : -1; });
  };
  const go = (tile) => {
    if (!tile) return;
    stopAt(tile);
    tile.focus();
    tile.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const visible = () => rows.filter((row) => !row.classList.contains("gone"))
    .map((row) => [...row.querySelectorAll("td:not(.gone) > .tile")]).filter((line) => line.length);
  const clamp = (value, size) => Math.max(0, Math.min(size - 1, value));
  const target = (event, lines, y, x) => {
    const last = lines.length - 1;
    const end = lines[y].length - 1;
    switch (event.key) {
      case "ArrowRight": return lines[y][clamp(x + 1, end + 1)];
      case "ArrowLeft": return lines[y][clamp(x - 1, end + 1)];
      case "ArrowDown": return lines[clamp(y + 1, last + 1)][x];
      case "ArrowUp": return lines[clamp(y - 1, last + 1)][x];
      case "PageDown": return lines[clamp(y + 5, last + 1)][x];
      case "PageUp": return lines[clamp(y - 5, last + 1)][x];
      case "Home": return event.ctrlKey ? lines[0][0] : lines[y][0];
      case "End": return event.ctrlKey ? lines[last][end] : lines[y][end];
      default: return null;
    }
  };
  const nextProblem = (from, step) => {
    const order = visible().flat();
    const start = order.indexOf(from);
    return order.map((_, index) => order[(start + step * (index + 1) + order.length * 2) % order.length])
      .find((tile) => problems.has(cellOf(tile).dataset.verdict));
  };
  grid.addEventListener("keydown", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile || event.altKey || event.metaKey) return;
    const lines = visible();
    const y = lines.findIndex((line) => line.includes(tile));
    const found = target(event, lines, y, lines[y].indexOf(tile));
    if (found) {
      event.preventDefault();
      go(found);
    } else if ((event.key === "Enter" || event.key === " ") && !event.ctrlKey) {
      event.preventDefault();
      write({ cell: nameOf(tile) });
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const open = read().cell;
    if (event.key === "Escape" && open) {
      write({ cell: "" });
    } else if (event.key === "n" || event.key === "p") {
      const from = document.activeElement.closest(".tile") || tileOf(open) || tiles[0];
      const found = nextProblem(from, event.key === "n" ? 1 : -1);
      if (found && open) write({ cell: nameOf(found) });
      else go(found);
    }
  });
  grid.addEventListener("focusin", (event) => {
    const tile = event.target.closest(".tile");
    if (tile) stopAt(tile);
  });

  /* Every link to a cell opens its panel, wherever the link stands. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.hash.startsWith("#cell=")) {
      event.preventDefault();
      write({ cell: nameOf(link) });
    } else if (link.classList.contains("close")) {
      event.preventDefault();
      write({ cell: "" });
    }
  });

  let opened = "";
  const showPanel = (cell) => {
    if (cell === opened) return;
    const before = panelOf(opened);
    if (before) before.classList.remove("open");
    tiles.forEach((tile) => tile.classList.toggle("chosen", cell !== "" && nameOf(tile) === cell));
    const panel = panelOf(cell);
    root.classList.toggle("with-panel", Boolean(panel));
    main.inert = Boolean(panel) && narrow.matches;
    if (panel) {
      panel.classList.add("open");
      panel.scrollTop = 0;
      const tile = tileOf(cell);
      if (tile) {
        stopAt(tile);
        tile.scrollIntoView({ block: "nearest", inline: "nearest" });
      }
      panel.querySelector("h3").focus({ preventScroll: true });
    } else if (opened) {
      go(tileOf(opened));
    }
    opened = panel ? cell : "";
  };

  const showFilter = (status) => {
    const lets = (tile) => !status.size || status.has(cellOf(tile).dataset.verdict);
    tiles.forEach((tile) => cellOf(tile).classList.toggle("out", !lets(tile)));
    rows.forEach((row) => row.classList.toggle("gone", !row.querySelector("td:not(.out)")));
    [...grid.tHead.rows[0].cells].slice(1).forEach((head, index) => {
      const column = rows.map((row) => row.cells[index + 1]);
      const gone = !column.some((cell) => !cell.classList.contains("out"));
      [head, ...column].forEach((cell) => cell.classList.toggle("gone", gone));
    });
    root.style.setProperty("--columns", String(grid.tHead.rows[0].querySelectorAll("th:not(.gone)").length - 1));
    document.querySelectorAll("button.counter").forEach((button) => {
      button.setAttribute("aria-pressed", String(status.has(button.parentElement.dataset.verdict)));
    });
    const left = tiles.filter(lets).length;
    const words = status.size ? `${left} of ${tiles.length} cells shown` : "";
    if (shown.textContent !== words) shown.textContent = words;
    const stop = tiles.find((tile) => tile.tabIndex === 0);
    if (!stop || stop.closest(".gone")) stopAt(visible().flat()[0]);
  };
  const show = () => {
    const state = read();
    showFilter(state.status);
    showPanel(state.cell);
  };

  const copy = async (button) => {
    const code = button.previousElementSibling;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };

  document.querySelectorAll(".counter").forEach((label) => {
    const verdict = label.parentElement.dataset.verdict;
    const button = document.createElement("button");
    button.type = "button";
    button.className = label.className;
    button.append(...label.childNodes);
    button.disabled = label.parentElement.classList.contains("none");
    button.addEventListener("click", () => {
      const status = read().status;
      if (!status.delete(verdict)) status.add(verdict);
      write({ status });
    });
    label.replaceWith(button);
  });
  document.querySelectorAll(".copy").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  });
  document.querySelectorAll(".close").forEach((link) => {
    link.textContent = "×";
    link.setAttribute("aria-label", "Close and return to the grid");
  });
  grid.setAttribute("role", "grid");
  grid.setAttribute("aria-readonly", "true");
  narrow.addEventListener("change", () => { main.inert = Boolean(opened) && narrow.matches; });
  addEventListener("popstate", show);
  addEventListener("hashchange", show);
  stopAt(tiles[0]);
  show();
});
