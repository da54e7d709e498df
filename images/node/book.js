'use strict';
// The entries: one line of JSON each in a file, and an entry counts when its line is on disk.

const { EventEmitter } = require('node:events');
const { open, readFile } = require('node:fs/promises');

// The entries in the text of a file. A line that was cut off by a kill was never acknowledged.
function entriesIn(text) {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

class Book extends EventEmitter {
  // Opens the book in a file, which is made when it is not there.
  static async open(path) {
    const file = await open(path, 'a');
    const text = await readFile(path, 'utf8');
    // Before anything is appended, what is left of a cut line has to go.
    await file.truncate(Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1)));
    return new Book(path, file, entriesIn(text));
  }

  constructor(path, file, entries) {
    super();
    this.setMaxListeners(0);
    this.path = path;
    this.file = file;
    this.entries = entries;
    this.lastWrite = Promise.resolve();
  }

  // Resolves with the entry when it is on disk. One write after the other, so no lines mix.
  add(name, text) {
    const written = this.lastWrite.then(() => this.write(name, text));
    this.lastWrite = written.catch(() => {});
    return written;
  }

  async write(name, text) {
    const entry = { id: this.entries.length + 1, name, text, at: new Date().toISOString() };
    await this.file.appendFile(`${JSON.stringify(entry)}\n`);
    await this.file.datasync();
    this.entries.push(entry);
    this.emit('entry', entry);
    return entry;
  }

  find(id) {
    return this.entries[id - 1];
  }

  async close() {
    await this.lastWrite;
    await this.file.close();
  }
}

module.exports = { Book };
