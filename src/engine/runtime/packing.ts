import type { BatchShape, Reader } from '../models/batch.ts';
import type { Item } from '../tasks/task.ts';

/** Row lengths that are compiled: few, so that graphs are shared, and each a multiple of 32 for the matrix kernels. */
const LENGTHS = [32, 64, 96, 128, 192, 256, 384, 512];
/** Numbers of rows that are compiled; between them a batch is filled up with empty rows. */
const ROWS = [
  1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256,
];

/** The smallest compiled row length that holds a text of this many tokens. */
export function rowLength(longest: number): number {
  return LENGTHS.find((length) => length >= longest) ?? Math.ceil(longest / 128) * 128;
}

const rowCount = (rows: number) => ROWS.find((r) => r >= rows) ?? Math.ceil(rows / 64) * 64;

/** Where each text of a batch lies. */
export interface Packing {
  shape: BatchShape;
  /** Row of each text, and the place of its first token in that row. */
  places: { row: number; start: number }[];
}

/**
 * Lays texts of the given lengths into as few rows of `length` tokens as first-fit decreasing finds (Johnson 1973:
 * at most 11/9 of the fewest, and a constant). The result depends on the lengths alone, so a resumed run packs alike.
 * @param texts slots for texts, at least as many as there are
 */
export function packTexts(lengths: readonly number[], length: number, texts: number): Packing {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const used: number[] = [];
  const places = new Array<{ row: number; start: number }>(lengths.length);
  for (const i of order) {
    const need = lengths[i]!;
    let row = used.findIndex((n) => n + need <= length);
    if (row < 0) row = used.push(0) - 1;
    places[i] = { row, start: used[row]! };
    used[row]! += need;
  }
  return { shape: { rows: rowCount(used.length), length, texts }, places };
}

/** Arrays that a packed batch is written into, of exactly its shape's sizes. */
export interface BatchArrays {
  input_ids: Int32Array;
  token_type_ids: Int32Array;
  position_ids: Int32Array;
  text_ids: Int32Array;
  read_token: Int32Array;
}

/**
 * Fills the arrays from the texts as packed, virtual tokens in front of each. Returns the number of real tokens.
 * @param packing of the texts with these
 */
export function writeBatch(
  arrays: BatchArrays,
  texts: readonly Item[],
  packing: Packing,
  padId: number,
  reader: Pick<Reader, 'reads' | 'padTokenId' | 'virtualIds'> = { reads: 'first' },
): number {
  const { input_ids, token_type_ids, position_ids, text_ids, read_token } = arrays;
  input_ids.fill(padId);
  token_type_ids.fill(0);
  position_ids.fill(0);
  text_ids.fill(0);
  read_token.fill(-1);
  const { reads, virtualIds = [] } = reader;
  let tokens = 0;
  texts.forEach(({ ids, typeIds, read = 0 }, n) => {
    const { row, start } = packing.places[n]!;
    const at = row * packing.shape.length + start;
    const own = at + virtualIds.length;
    const end = own + ids.length;
    input_ids.set(virtualIds, at);
    input_ids.set(ids, own);
    if (typeIds) token_type_ids.set(typeIds, own);
    for (let i = at; i < end; i++) position_ids[i] = i - at;
    text_ids.fill(n + 1, at, end);
    // The first token of all, a virtual one too, is the one that an encoder's head reads.
    read_token[n] = reads === 'first' ? at : own + (reads === 'last' ? lastToken(ids, reader.padTokenId) : read);
    tokens += ids.length;
  });
  return tokens;
}

/** transformers' classifiers read the last token that is no padding, also where a text itself ends with that token. */
const lastToken = (ids: Int32Array, padTokenId: number | undefined): number =>
  padTokenId === undefined
    ? ids.length - 1
    : Math.max(
        0,
        ids.findLastIndex((id) => id !== padTokenId),
      );
