import { LuthierError } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';
import { MOST_PAIRED_ROWS } from '../strategies/kind.ts';

/** How many pairs are drawn: setfit's words (TrainingArguments). */
export interface PairSettings {
  sampling_strategy: 'oversampling' | 'undersampling' | 'unique';
  /** Where it is given, so many pairs of each kind for each row, whatever the strategy says. */
  num_iterations?: number | undefined;
}

/** Pairs that are alike (of one class) and that are different. */
export interface PairCounts {
  alike: number;
  different: number;
}

/** Pairs of rows by their numbers: the two of pair i are `rows[2i]` and `rows[2i + 1]`. */
export interface ContrastivePairs {
  rows: Uint32Array;
  /** 1 where both rows of a pair are of one class, 0 where they are not: the cosine that is learnt. */
  targets: Uint8Array;
}

/** Streams of the seed that nothing else draws from. */
const ALIKE = 2 ** 40;
const DIFFERENT = 2 ** 40 + 1;
const ORDER = 2 ** 41;

/**
 * How many pairs `samplePairs` draws.
 * @param labels class of each row
 * @throws LuthierError `data-invalid` for rows of which no two are alike, or none are different; and for more than
 *   1,000 rows
 */
export function countPairs(labels: readonly number[], settings: PairSettings): PairCounts {
  if (labels.length > MOST_PAIRED_ROWS) {
    throw new LuthierError(
      'data-invalid',
      `few-shot compares rows in pairs, and takes at most ${MOST_PAIRED_ROWS.toLocaleString('en')} training rows; there are ${labels.length.toLocaleString('en')}.`,
      'So many rows are learnt better one by one: set strategy to {"type": "full"} or {"type": "lora"}.',
    );
  }
  const there = allPairs(labels);
  if (there.alike === 0 || there.different === 0) {
    throw new LuthierError(
      'data-invalid',
      there.alike === 0
        ? 'few-shot compares rows of the same class, and no class has two training rows.'
        : 'few-shot compares rows of different classes, and all training rows are of one.',
      there.alike === 0 ? 'Add rows to the classes.' : 'Add rows of another class.',
    );
  }
  const { sampling_strategy, num_iterations } = settings;
  if (num_iterations !== undefined) {
    const each = num_iterations * labels.length;
    return { alike: each, different: each };
  }
  if (sampling_strategy === 'unique') return there;
  const each = Math[sampling_strategy === 'oversampling' ? 'max' : 'min'](there.alike, there.different);
  return { alike: each, different: each };
}

function allPairs(labels: readonly number[]): PairCounts {
  const rows = new Map<number, number>();
  for (const label of labels) rows.set(label, (rows.get(label) ?? 0) + 1);
  const alike = [...rows.values()].reduce((sum, n) => sum + (n * (n - 1)) / 2, 0);
  return { alike, different: (labels.length * (labels.length - 1)) / 2 - alike };
}

/**
 * Pairs of rows as setfit 1.2 draws them (its sampler.py): all pairs in a random order, those that are alike and those
 * that are different each by turns, the fewer of them again from the first where there are not enough. Other than
 * there, no row is paired with itself: such a pair has a cosine of 1 from the start, and teaches nothing.
 * @param labels class of each row
 * @throws LuthierError as countPairs
 */
export function samplePairs(labels: readonly number[], settings: PairSettings, seed: number): ContrastivePairs {
  const wanted = countPairs(labels, settings);
  const there = allPairs(labels);
  const n = labels.length;
  // A pair is one number, its rows' numbers being below 1,000.
  const pools = { alike: new Uint32Array(there.alike), different: new Uint32Array(there.different) };
  const filled = { alike: 0, different: 0 };
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const kind = labels[i] === labels[j] ? 'alike' : 'different';
      pools[kind][filled[kind]++] = i * n + j;
    }
  }
  new Random(seed, ALIKE).shuffle(pools.alike);
  new Random(seed, DIFFERENT).shuffle(pools.different);
  const count = wanted.alike + wanted.different;
  const pairs = { rows: new Uint32Array(2 * count), targets: new Uint8Array(count) };
  let at = 0;
  const add = (kind: keyof PairCounts, turn: number) => {
    const pair = pools[kind][turn % there[kind]]!;
    pairs.rows[2 * at] = Math.floor(pair / n);
    pairs.rows[2 * at + 1] = pair % n;
    pairs.targets[at++] = kind === 'alike' ? 1 : 0;
  };
  for (let turn = 0; at < count; turn++) {
    if (turn < wanted.alike) add('alike', turn);
    if (turn < wanted.different) add('different', turn);
  }
  return pairs;
}

/** The order in which an epoch passes over so many pairs: it follows from seed and epoch alone. */
export const pairOrder = (count: number, seed: number, epoch: number): Uint32Array =>
  new Random(seed, ORDER + epoch).shuffle(Uint32Array.from({ length: count }, (_, i) => i));
