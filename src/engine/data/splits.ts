import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { writeFileAtomically } from '../../files/write-file.ts';
import { placeProblem } from '../../guard/index.ts';
import { counted, LuthierError } from '../../protocol/index.ts';
import { places } from './problems.ts';
import type { RowIds } from './row-ids.ts';
import type { TableRow } from './row-record.ts';
import type { SplitRow } from './split.ts';

/** A split that a run made by `validation_split`, kept so that rows stay on their side when others are added. */
const madeSplit = z.object({
  seed: z.number().int(),
  validation_split: z.number(),
  /** Column whose groups were kept together. */
  group: z.string().optional(),
  train: z.array(z.string()),
  validation: z.array(z.string()),
});

type MadeSplit = z.infer<typeof madeSplit>;

/** A row by its id, or by its line of rows.jsonl, as 0.1.0 had it. */
const rowNames = z.array(z.union([z.string().min(1), z.number().int().positive()])).default([]);

/** splits.json: rows that are held out, the others being for training, and the splits that runs made. */
export const splitsRecord = z.object({
  validation: rowNames,
  test: rowNames,
  made: z.array(madeSplit).default([]),
});

export type SplitsRecord = z.infer<typeof splitsRecord>;

/** Some rows of a file. */
export interface Selected {
  has(row: TableRow, names: RowIds): boolean;
  /** How many it should have; unknown where it is all others. */
  count?: number;
}

/** The rows that a record names for each part; undefined where it holds out none. */
export function selectedBy({ validation, test }: SplitsRecord) {
  if (validation.length === 0 && test.length === 0) return undefined;
  const selected = (rows: SplitsRecord['test']): Selected => {
    const named = new Set(rows);
    const hasIds = rows.some((row) => typeof row === 'string');
    return { has: (row, names) => named.has(row.line) || (hasIds && named.has(names.of(row))), count: named.size };
  };
  const [held, last] = [selected(validation), selected(test)];
  const train: Selected = { has: (row, names) => !held.has(row, names) && !last.has(row, names) };
  return { train, validation: held, test: last };
}

const HINT = 'Write it again for the current rows, or delete it: validation_split then holds out a share of the rows.';

/**
 * A row must be in one part; and one that is named by its line must be the row that was meant: a record that is older
 * than the rows may hold out others.
 * @param lines how many lines rows.jsonl has
 * @throws LuthierError `data-invalid`
 */
export async function refuseWrongSplits(
  splitsFile: string,
  rowsFile: string,
  { validation, test }: SplitsRecord,
  lines: () => Promise<number>,
): Promise<void> {
  const inTest = new Set(test);
  const both = validation.filter((row) => inTest.has(row));
  if (both.length > 0) {
    const isLine = typeof both[0] === 'number';
    const what = isLine ? `${places(both as number[])} of rows.jsonl` : `the row “${both[0]}”`;
    throw new LuthierError(
      'data-invalid',
      `${splitsFile} names ${what} for both validation and test.`,
      `Name each ${isLine ? 'line' : 'row'} in only one of them.`,
    );
  }
  const named = [...validation, ...test].filter((row) => typeof row === 'number');
  if (named.length === 0) return;
  const count = await lines();
  const beyond = named.filter((line) => line > count);
  if (beyond.length > 0) {
    throw new LuthierError(
      'data-invalid',
      `${splitsFile} names ${places(beyond)} of rows.jsonl, which has ${counted(count, 'line')}.`,
      HINT,
    );
  }
  const [written, changed] = await Promise.all([stat(splitsFile), stat(rowsFile)]);
  if (written.mtimeMs < changed.mtimeMs) {
    throw new LuthierError(
      'data-invalid',
      `${splitsFile} is older than rows.jsonl (${written.mtime.toISOString()}, ${changed.mtime.toISOString()}): its line numbers may refer to other rows.`,
      HINT,
    );
  }
}

/** What decides a split beside the rows. */
export type SplitKey = Pick<MadeSplit, 'seed' | 'validation_split' | 'group'>;

const isSame = (a: SplitKey, b: SplitKey): boolean =>
  a.seed === b.seed && a.validation_split === b.validation_split && a.group === b.group;

/** The splits that runs made of a dataset's rows. */
export class MadeSplits {
  /** @param rows the dataset's rows.jsonl, beside which splits.json stands */
  constructor(
    readonly rows: string,
    private readonly record: SplitsRecord,
  ) {}

  /** Where the split that was made by the same key put each row; undefined where there is none. */
  sides(key: SplitKey): Map<string, SplitRow['side']> | undefined {
    const made = this.record.made.find((split) => isSame(split, key));
    if (!made) return undefined;
    const sides = new Map<string, SplitRow['side']>();
    for (const id of made.train) sides.set(id, 'train');
    for (const id of made.validation) sides.set(id, 'held_out');
    return sides;
  }

  /** Keeps a split. @throws LuthierError `not-writable`, `disk-full` */
  async keep(split: MadeSplit): Promise<void> {
    const folder = dirname(this.rows);
    const problem = await placeProblem(folder);
    if (problem !== null) throw new LuthierError('not-writable', problem, 'Replace it with a real folder.');
    const { validation, test, made } = this.record;
    const others = made.filter((other) => !isSame(other, split)).slice(1 - MOST_MADE);
    const record = {
      ...(validation.length > 0 && { validation }),
      ...(test.length > 0 && { test }),
      made: [...others, split],
    };
    await writeFileAtomically(join(folder, SPLITS_FILE), `${JSON.stringify(record)}\n`);
  }
}

export const SPLITS_FILE = 'splits.json';

/** Splits that are kept: one for each seed and share that somebody tries, the latest. */
const MOST_MADE = 16;

/**
 * The bytes of a splits.json that decide what a run learns: splits that were made by seed and share follow from these
 * and the rows, and another run may add its own at any time.
 */
export function decisivePart(bytes: Buffer): Buffer {
  try {
    const { made, ...rest } = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    if (made === undefined) return bytes;
    return Buffer.from(Object.keys(rest).length === 0 ? '' : JSON.stringify(rest));
  } catch {
    return bytes;
  }
}
