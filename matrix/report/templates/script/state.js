/* What is looked at lives in the address, so that it can be sent to somebody and works on a file. */
matrix.state = (() => {
  const NAMES = ["q", "rows", "columns", "sort", "density", "base", "cell"];
  const listeners = [];

  const read = () => {
    const found = new URLSearchParams(location.hash.slice(1));
    return Object.fromEntries(NAMES.map((name) => [name, found.get(name) || ""]));
  };
  const readable = (value) => encodeURIComponent(value)
    .replace(/%(?:40|3A|2C|2A|3E|3C)/g, (escape) => decodeURIComponent(escape));
  const format = (state) => NAMES.filter((name) => state[name])
    .map((name) => `${name}=${readable(state[name])}`).join("&");
  const tell = () => listeners.forEach((listener) => listener(read()));

  const write = (change, how) => {
    history[how](null, "", `#${format({ ...read(), ...change }) || "grid"}`);
    tell();
  };
  /** Go to another state; the back button comes back. */
  const go = (change) => write(change, "pushState");
  /** The same for what changes with every key. */
  const amend = (change) => write(change, "replaceState");
  const listen = (listener) => listeners.push(listener);
  addEventListener("popstate", tell);
  addEventListener("hashchange", tell);

  return { read, go, amend, listen, tell, format };
})();
