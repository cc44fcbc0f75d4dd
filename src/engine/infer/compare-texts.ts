import { type Interval, LuthierError } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';
import type { LanguageItem } from '../tasks/language/items.ts';
import { IGNORED } from '../tasks/task.ts';

/** How well a model foretells a text: nats of what was written, and its bytes. */
export interface Foretold {
  nats: number;
  bytes: number;
}

/** Of each row; the tokens that end a text are no part of what was written. */
export function foretold(rows: number, items: readonly LanguageItem[], losses: Float32Array): Foretold[] {
  const each = Array.from({ length: rows }, () => ({ nats: 0, bytes: 0 }));
  let at = 0;
  for (const item of items) {
    const of = each[item.row]!;
    let last = 0;
    for (const [i, label] of item.labels.entries()) {
      if (label === IGNORED) continue;
      last = losses[at + i]!;
      if (!Number.isFinite(last))
        throw new LuthierError('loss-not-finite', 'A loss of the held-out files is no finite number.');
      of.nats += last;
    }
    if (item.ends) of.nats -= last;
    of.bytes += item.bytes;
    at += item.ids.length;
  }
  return each;
}

export const bitsPerByte = (each: readonly Foretold[]): number => {
  const [nats, bytes] = [each.reduce((sum, one) => sum + one.nats, 0), each.reduce((sum, one) => sum + one.bytes, 0)];
  return nats / bytes / Math.LN2;
};

const RESAMPLES = 2000;
const TAIL = 0.025;
/** Fixed, so that the same answers always have the same interval. */
const SEED = 20260101;

/** How many bits a byte `after` needs less than `before`, both measured on the same rows: an interval over resamples of these. */
export function pairedInterval(before: readonly Foretold[], after: readonly Foretold[]): Interval | null {
  const n = before.length;
  if (n < 2) return null;
  const random = new Random(SEED);
  const drawn = Float64Array.from({ length: RESAMPLES }, () => {
    const rows = Array.from({ length: n }, () => random.below(n));
    return bitsPerByte(rows.map((row) => before[row]!)) - bitsPerByte(rows.map((row) => after[row]!));
  });
  return middleOf(drawn);
}

/** Where 95 % of a figure's resamples lie (Efron 1979): order statistics, not interpolated. */
export function middleOf(resamples: Float64Array): Interval {
  const sorted = resamples.toSorted();
  return { low: sorted[Math.floor(TAIL * sorted.length)]!, high: sorted[Math.floor((1 - TAIL) * sorted.length)]! };
}
