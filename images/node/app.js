'use strict';
// What is answered to which request.

const { createHash } = require('node:crypto');
const { createReadStream, readFileSync } = require('node:fs');
const { pipeline } = require('node:stream');
const { createGzip } = require('node:zlib');
const express = require('express');
const { countPrimes } = require('./primes');
const own = require('./package.json');

const LARGEST_BODY = '16kb';
const LARGEST_NUMBER = 10_000_000;
const SHOWN = 20;

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text) => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign]);

// The name that the operating system gives itself.
function systemName() {
  const found = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'));
  return found ? found[1] : 'unknown';
}

function page(book) {
  const items = book.entries
    .slice(-SHOWN)
    .reverse()
    .map((entry) => `<li><b>${escaped(entry.name)}</b>: ${escaped(entry.text)}</li>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Guest book</title></head>
<body><h1>Guest book</h1><p>${book.entries.length} entries</p>
<ul>
${items.join('\n')}
</ul></body></html>
`;
}

// The name and the text in a body, or why they cannot be taken.
function readEntry(body) {
  const { name, text } = body ?? {};
  if (typeof name !== 'string' || !name.trim() || name.length > 80) {
    return { error: 'name must be a text of 1 to 80 characters' };
  }
  if (typeof text !== 'string' || !text.trim() || text.length > 2000) {
    return { error: 'text must be a text of 1 to 2000 characters' };
  }
  return { name, text };
}

// One line of JSON for each request, when it is over.
function logged(request, response, next) {
  const start = process.hrtime.bigint();
  response.once('close', () => {
    const line = {
      at: new Date().toISOString(),
      method: request.method,
      path: request.originalUrl,
      status: response.statusCode,
      whole: response.writableFinished,
      milliseconds: Number((process.hrtime.bigint() - start) / 1_000_000n),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  });
  next();
}

function routesOfBook(app, book) {
  app.get('/', (request, response) => response.type('html').send(page(book)));
  app.get('/entries', (request, response) => response.json(book.entries.slice(-SHOWN)));
  app.post('/entries', (request, response, next) => {
    const { error, name, text } = readEntry(request.body);
    if (error) return response.status(400).json({ error });
    return book.add(name, text).then(
      (entry) => response.status(201).location(`/entries/${entry.id}`).json(entry),
      next,
    );
  });
  app.get('/entries/:id(\\d+)', (request, response) => {
    const entry = book.find(Number(request.params.id));
    return entry ? response.json(entry) : response.status(404).json({ error: 'no such entry' });
  });
  app.get('/export', (request, response) => {
    response.type('application/gzip').attachment('entries.jsonl.gz');
    pipeline(createReadStream(book.path), createGzip(), response, () => {});
  });
  app.get('/live', (request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(': listening\n\n');
    const tell = (entry) => response.write(`id: ${entry.id}\ndata: ${JSON.stringify(entry)}\n\n`);
    book.on('entry', tell);
    response.once('close', () => book.off('entry', tell));
  });
}

function routesOfWork(app) {
  app.get('/healthz', (request, response) => response.type('text').send('ok'));
  app.get('/about', (request, response) =>
    response.json({
      application: own.version,
      express: require('express/package.json').version,
      node: process.versions.node,
      v8: process.versions.v8,
      openssl: process.versions.openssl,
      system: systemName(),
    }),
  );
  app.get('/primes', (request, response, next) => {
    const below = Number(request.query.below);
    if (!Number.isInteger(below) || below < 0 || below > LARGEST_NUMBER) {
      return response.status(400).json({ error: `below must be 0 to ${LARGEST_NUMBER}` });
    }
    return countPrimes(below).then((count) => response.json({ below, count }), next);
  });
  app.post('/digest', (request, response) => {
    const hash = createHash('sha256');
    request.on('data', (piece) => hash.update(piece));
    request.on('end', () => response.json({ sha256: hash.digest('hex') }));
  });
}

// The application over an open book.
function makeApp(book) {
  const app = express();
  app.disable('x-powered-by');
  app.use(logged);
  app.use(express.json({ limit: LARGEST_BODY }));
  routesOfBook(app, book);
  routesOfWork(app);
  app.use((request, response) => response.status(404).json({ error: 'no such page' }));
  // Four arguments: that is how Express tells an error handler.
  app.use((error, request, response, next) => {
    if (response.headersSent) return next(error);
    const status = error.status ?? 500;
    if (status >= 500) console.error(error);
    return response.status(status).json({ error: status < 500 ? error.message : 'our fault' });
  });
  return app;
}

module.exports = { makeApp };
