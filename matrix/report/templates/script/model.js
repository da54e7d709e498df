/* The grid's data, and a cell of it joined with its row, its column and its place in the table. */
matrix.model = (() => {
  /** Cells with what a query asks for; `data` is the grid of this page or of another one. */
  const join = (data) => {
    const services = new Map(data.services.map((one) => [one.name, one]));
    const environments = new Map(data.environments.map((one) => [one.name, one]));
    data.cells.forEach((cell) => {
      const environment = environments.get(cell.environment);
      cell.id = matrix.query.idOf(cell);
      cell.service_title = services.get(cell.service).title;
      cell.owner = services.get(cell.service).owner;
      cell.environment_title = environment.title;
      cell.kind = environment.kind;
      cell.engine = environment.engine;
      cell.architecture = environment.architecture;
      cell.labels = environment.labels;
      cell.changed = Boolean(cell.change);
    });
    return data;
  };

  /** The data of this page, its cells tied to the table's. */
  const read = () => {
    const data = join(JSON.parse(document.getElementById("grid-data").textContent));
    const body = document.querySelector(".grid").tBodies[0];
    const width = data.environments.length;
    [...body.rows].forEach((line, y) => {
      data.services[y].tr = line;
      data.services[y].cells = data.cells.slice(y * width, (y + 1) * width);
      data.services[y].cells.forEach((cell, x) => {
        cell.td = line.cells[x + 1];
        cell.tile = cell.td.firstElementChild;
      });
    });
    const heads = document.querySelector(".grid").tHead.rows[0].cells;
    data.environments.forEach((environment, x) => {
      environment.th = heads[x + 1];
      environment.cells = data.services.map((service) => service.cells[x]);
    });
    data.byId = new Map(data.cells.map((cell) => [cell.id, cell]));
    return data;
  };

  const unpack = async (packed) => {
    const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  };
  let stored = null;
  /** The evidence of a cell, or what is known about the "environments"; null when there is none. */
  const evidence = async (id) => {
    stored = stored || new Map(Object.entries(JSON.parse(document.getElementById("evidence-data").textContent)));
    return stored.has(id) ? unpack(stored.get(id)) : null;
  };

  return { join, read, evidence };
})();
