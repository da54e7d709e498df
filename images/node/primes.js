'use strict';
// Counts primes in a thread of its own: whoever waits for nothing but the event loop is not held up.

const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

function isPrime(n) {
  if (n % 2 === 0) return n === 2;
  for (let divisor = 3; divisor * divisor <= n; divisor += 2) {
    if (n % divisor === 0) return false;
  }
  return true;
}

// By trial division: slow on purpose, and without memory to speak of.
function primesBelow(below) {
  let count = 0;
  for (let n = 2; n < below; n += 1) {
    if (isPrime(n)) count += 1;
  }
  return count;
}

function countPrimes(below) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: below });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

if (!isMainThread) parentPort.postMessage(primesBelow(workerData));

module.exports = { countPrimes };
