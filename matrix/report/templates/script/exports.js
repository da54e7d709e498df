/* Files made of the shown cells, given to the browser to keep. */
matrix.exports = (data) => {
  const { el, count } = matrix.words;
  const name = (suffix) => `${[data.project, data.release, data.run].filter(Boolean).join("-").replace(/[^\w.-]+/g, "_").slice(0, 80) || "grid"}.${suffix}`;
  const save = (format) => {
    const { suffix, type, write } = matrix.formats[format];
    const address = URL.createObjectURL(new Blob([write(data, data.chosen)], { type: `${type};charset=utf-8` }));
    el("a", { href: address, download: name(suffix) }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
    document.getElementById("shown").textContent = `${count(data.chosen.length, "cell")} exported.`;
  };
  const menu = document.querySelector("details.export");
  menu.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-format]");
    if (!button) return;
    save(button.dataset.format);
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
};
