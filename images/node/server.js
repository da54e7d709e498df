'use strict';
// Starts the guest book, and ends it without cutting anybody off.

const { makeApp } = require('./app');
const { Book } = require('./book');

const PORT = Number(process.env.PORT ?? 3000);
const FILE = process.env.BOOK ?? '/data/entries.jsonl';
const PATIENCE_MILLISECONDS = 8000;

async function main() {
  const book = await Book.open(FILE);
  const streams = new Set();
  let stopping = false;
  const app = makeApp(book);
  const server = app.listen(PORT, '0.0.0.0', () => console.error(`listening on ${PORT}`));
  server.on('request', (request, response) => {
    if (request.url !== '/live') return;
    // Asked for before it was told to stop, and read only now.
    if (stopping) response.end();
    streams.add(response);
    response.once('close', () => streams.delete(response));
  });

  async function end() {
    await book.close();
    process.exit(0);
  }

  // As process 1 of a container it would not end by itself: there is no default for signals.
  function stop(signal) {
    console.error(`${signal}: finishing what was asked for`);
    stopping = true;
    server.close(end);
    // Browsers keep connections open for the next request, also those that are answered from now on.
    setInterval(() => server.closeIdleConnections(), 100);
    // These have no end of their own.
    streams.forEach((response) => response.end());
    setTimeout(() => process.exit(1), PATIENCE_MILLISECONDS).unref();
  }
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
