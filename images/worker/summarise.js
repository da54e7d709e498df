'use strict';
// Reads a list of numbers as JSON, and writes how many there are, their mean and their median.

const numbers = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
if (!Array.isArray(numbers) || !numbers.every(Number.isFinite) || numbers.length === 0) {
  console.error('a list of numbers is wanted');
  process.exit(2);
}
const sorted = [...numbers].sort((a, b) => a - b);
const middle = sorted.length / 2;
const median = (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
console.log(JSON.stringify({ count: numbers.length, mean, median, node: process.versions.node }));
