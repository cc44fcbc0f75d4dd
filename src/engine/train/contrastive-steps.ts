import { LuthierError } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';
import { MOST_PAIRED_ROWS } from '../strategies/kind.ts';

/** How many rows a step compares, how often each row takes part, and how many steps there are at most (−1 for any number). */
export interface StepSettings {
  batch_size: number;
  num_iterations: number;
  max_steps: number;
}

/** The rows that each step compares, every one with every other. */
export interface ContrastiveSteps {
  /** Rows of a step. */
  size: number;
  /** By their numbers, one step's after the other's: `[steps · size]`. */
  rows: Uint32Array;
  /** Pairs of one class, and of different classes, in all steps together. */
  alike: number;
  different: number;
}

/** A stream of the seed that nothing else draws from. */
const STREAM = 2 ** 40;
/** Of so many classes a step has rows, where there are as many and each can have two. */
const MOST_CLASSES = 4;

/**
 * Deals rows into steps so that few texts make many pairs: a step has rows of up to four classes, in equal parts, and all
 * of its pairs are compared. 16 texts are 120 pairs, where setfit embeds 32 texts for 16. Each class takes part as often
 * as it has rows (weighted round robin), and within it each row as often as any other, or once more.
 * @param labels class of each row
 * @throws LuthierError `data-invalid` for rows of which no two are of one class, or all are
 */
export function contrastiveSteps(
  labels: readonly number[],
  { batch_size, num_iterations, max_steps }: StepSettings,
  seed: number,
): ContrastiveSteps {
  refuseUncomparable(labels);
  const random = new Random(seed, STREAM);
  const classes = classesOf(labels, random);
  const size = Math.min(batch_size, labels.length);
  const together = Math.max(1, Math.min(MOST_CLASSES, classes.length, Math.floor(size / 2)));
  const part = Math.ceil(size / together);
  const steps = contrastiveStepCount(labels.length, { batch_size, num_iterations, max_steps });
  const dealt = { size, rows: new Uint32Array(steps * size), alike: 0, different: 0 };
  for (let step = 0; step < steps; step++) {
    for (const one of classes) one.due += (size * one.rows.length) / labels.length;
    const rows = new Set<number>();
    const parts = new Map<Class, number>();
    while (rows.size < size) {
      const some = classes.filter((one) => {
        const has = parts.get(one) ?? 0;
        // A step has two of one class, and another class.
        if (parts.size === 0) return one.rows.length > 1;
        return parts.size === 1 ? has === 0 : has < one.rows.length;
      });
      const next = some.reduce((a, b) => (b.due > a.due ? b : a));
      const before = parts.get(next) ?? 0;
      const count = Math.min(part, next.rows.length - before, size - rows.size);
      for (let i = 0; i < count; i++) rows.add(draw(next, rows, random));
      next.due -= count;
      parts.set(next, before + count);
    }
    dealt.rows.set([...rows], step * size);
    const alike = [...parts.values()].reduce((sum, n) => sum + (n * (n - 1)) / 2, 0);
    dealt.alike += alike;
    dealt.different += (size * (size - 1)) / 2 - alike;
  }
  return dealt;
}

/** Steps in which each of so many rows takes part as often as the settings say. */
export function contrastiveStepCount(rows: number, { batch_size, num_iterations, max_steps }: StepSettings): number {
  const enough = Math.ceil((num_iterations * rows) / Math.min(batch_size, rows));
  return max_steps > 0 ? Math.min(max_steps, enough) : enough;
}

/** @throws LuthierError `data-invalid` for more than 1,000 rows */
export function refuseMany(rows: number): void {
  if (rows <= MOST_PAIRED_ROWS) return;
  throw new LuthierError(
    'data-invalid',
    `few-shot compares rows in pairs, and takes at most ${MOST_PAIRED_ROWS.toLocaleString('en')} training rows; there are ${rows.toLocaleString('en')}.`,
    'So many rows are learnt better one by one: set strategy to {"type": "full"} or {"type": "lora"}.',
  );
}

function refuseUncomparable(labels: readonly number[]): void {
  const classes = new Set(labels).size;
  if (classes === labels.length) {
    throw new LuthierError(
      'data-invalid',
      'few-shot compares rows of the same class, and no class has two training rows.',
      'Add rows to the classes.',
    );
  }
  if (classes < 2) {
    throw new LuthierError(
      'data-invalid',
      'few-shot compares rows of different classes, and all training rows are of one.',
      'Add rows of another class.',
    );
  }
}

interface Class {
  rows: Uint32Array;
  /** Rows that are left of the round, the next one last. */
  deck: number[];
  /** Rows that it may have in the next step, as it has so many of all. */
  due: number;
}

/** In a random order, by which those are chosen that are due as much as others. */
function classesOf(labels: readonly number[], random: Random): Class[] {
  const rows = new Map<number, number[]>();
  labels.forEach((label, row) => {
    const of = rows.get(label);
    if (of) of.push(row);
    else rows.set(label, [row]);
  });
  const order = random.shuffle(Uint32Array.from(rows.keys(), (_, i) => i));
  const all = [...rows.values()].map((own) => ({ rows: Uint32Array.from(own), deck: [], due: 0 }));
  return Array.from(order, (i) => all[i]!);
}

/** A row of the class that the step does not have yet. */
function draw(one: Class, taken: ReadonlySet<number>, random: Random): number {
  let at = one.deck.findLastIndex((row) => !taken.has(row));
  if (at < 0) {
    one.deck = [...random.shuffle(one.rows.slice()), ...one.deck];
    at = one.deck.findLastIndex((row) => !taken.has(row));
  }
  return one.deck.splice(at, 1)[0]!;
}
