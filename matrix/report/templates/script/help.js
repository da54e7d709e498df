/* What can be asked and pressed. */
matrix.help = () => {
  const { el } = matrix.words;
  const QUERIES = [
    ["status:failed,error", "with one of these verdicts"],
    ["service:queue env:acme-* owner:team-*", "names; * and ? stand for anything"],
    ["kind:customer engine:podman arch:arm64 label:site=berlin", "where it runs"],
    ["reason:conn-lost", "the short reason"],
    ["fails:one", "FAILED in one environment only: look at that environment"],
    ["fails:all", "FAILED wherever we know: look at the service"],
    ["is:problem is:green is:changed is:flaky is:waived is:reported is:reused is:running", "what else a cell is"],
    ["age:>7d", "measured longer ago; s m h d w, and < >= <="],
    ["-status:passed", "everything else"],
    ["\"port 6379\"", "these words in names, reason or message"],
  ];
  const KEYS = [
    ["↑ ↓ ← →", "move in the grid"], ["Home End", "first and last of the row, with Ctrl of the grid"], ["PgUp PgDn", "five rows"],
    ["Enter", "open the cell"], ["Esc", "close it, back to the same cell"], ["n p", "next and previous problem"],
    ["c", "copy the command of the cell"], ["/", "to the query"], ["?", "this help"],
  ];
  const list = (pairs) => el("dl", { class: "help-list" }, pairs.map(([what, means]) =>
    el("div", {}, el("dt", {}, (what.match(/"[^"]*"|\S+/g)).map((word) => [el("kbd", {}, word), " "])), el("dd", {}, means))));
  const dialog = el("dialog", { class: "help", "aria-labelledby": "help-title" },
    el("form", { method: "dialog" }, el("h2", { id: "help-title" }, "Asking the grid"),
      el("button", { class: "close", "aria-label": "Close the help" }, "×")),
    el("p", { class: "note" }, "All words of a query must hold; values with commas are one of."),
    list(QUERIES), el("h3", {}, "Keys"), list(KEYS));
  document.body.append(dialog);
  /** Open it; closing gives the focus back. */
  return () => dialog.showModal();
};
