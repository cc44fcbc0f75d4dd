import { counted, LuthierError } from '../../../protocol/index.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { countLearnt, type LanguageItem, labelsOf, piecesIn, SAMPLES, windowsOf } from '../language/items.ts';
import type { EncodedRows, EncodingNote, SamplePrompt } from '../task.ts';
import type { Passage } from './rows.ts';

/** A text, or a window of one, or a prompt with its completion. */
export interface TextItem extends LanguageItem {
  /** Tokens of the row that did not fit. */
  cut: number;
}

/** What is made of one row. */
interface Made {
  items: Omit<TextItem, 'row' | 'pieces' | 'typeIds'>[];
  tokens: number;
  unknown: number;
  isLong: boolean;
  /** The end of the prompt and the beginning of the completion are one token. */
  isMerged?: boolean;
}

/**
 * Texts as what is learnt: after each token the next one, and at the end of a text the token that ends it. What does not
 * fit goes on in the next window. Of a prompt with its completion the completion alone is learnt.
 * @throws LuthierError `data-invalid` where nothing is left to learn
 */
export function encodePassages(
  rows: readonly Passage[],
  tokenizer: Tokenizer,
  maxLength: number,
): EncodedRows<TextItem> {
  const encoder = new PassageEncoder(tokenizer, maxLength);
  const made = rows.map((row) => encoder.encode(row));
  const items = made.flatMap((of, row) =>
    of.items
      .filter(({ labels }) => countLearnt(labels) > 0)
      .map((item): TextItem => ({ ...item, typeIds: null, row, pieces: piecesIn(item.ids, tokenizer) })),
  );
  if (items.length === 0 && rows.length > 0) {
    throw new LuthierError(
      'data-invalid',
      `None of the ${counted(rows.length, 'text')} has a token to learn.`,
      'Add longer texts, or choose another column.',
    );
  }
  const total = (of: (one: Made) => number) => made.reduce((n, one) => n + of(one), 0);
  const tokens = total((one) => one.tokens);
  return {
    items,
    truncatedRows: total(({ isLong }) => Number(isLong)),
    unknownShare: tokens === 0 ? 0 : total(({ unknown }) => unknown) / tokens,
    notes: rows.length === 0 ? [] : notesOn(encoder, items, made),
  };
}

function notesOn({ eos }: PassageEncoder, items: readonly TextItem[], made: readonly Made[]): EncodingNote[] {
  const notes: string[] = [];
  if (eos === null) notes.push('The tokenizer has no eos_token, so the model does not learn where a text ends.');
  const empty = made.length - new Set(items.map(({ row }) => row)).size;
  if (empty > 0)
    notes.push(
      `${counted(empty, 'text')} ${empty === 1 ? 'is' : 'are'} left out: a single token has nothing to learn.`,
    );
  const merged = made.filter(({ isMerged }) => isMerged).length;
  if (merged > 0)
    notes.push(
      `In ${counted(merged, 'row')}, the end of the prompt and the beginning of the completion are one token, which is learnt. Begin completions with a blank.`,
    );
  return notes.map((message) => ({ level: 'warning', message }));
}

class PassageEncoder {
  readonly eos: number | null;
  readonly #bos: number | null;

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly maxLength: number,
  ) {
    this.#bos = tokenizer.addedBos;
    this.eos = tokenizer.specialId('eos_token');
  }

  encode(passage: Passage): Made {
    const { ids, offsets } = this.tokenizer.encodeBare((passage.prompt ?? '') + passage.text);
    const front = this.#bos !== null && passage.isStart ? [this.#bos] : [];
    const back = this.eos !== null && passage.isEnd ? [this.eos] : [];
    const all = Int32Array.from([...front, ...ids, ...back]);
    const made = { all, offsets, front: front.length, ends: back.length > 0 };
    return {
      tokens: ids.length,
      unknown: ids.filter((id) => id === this.tokenizer.unkId).length,
      isLong: all.length > this.maxLength,
      ...(passage.prompt === undefined
        ? { items: this.#windows(passage.text, made) }
        : this.#completion(passage.prompt, passage.text, made)),
    };
  }

  #windows(text: string, { all, offsets, front, ends }: Encoded): Made['items'] {
    // What comes first has nothing before it, so that it is not learnt.
    const first = front === 0 ? text.slice(0, offsets[1] ?? 0) : '';
    const bytes = Buffer.byteLength(text) - Buffer.byteLength(first);
    return windowsOf(all.length, this.maxLength).map(({ start, end }) => {
      const ids = all.slice(start, end);
      return {
        ...{ ids, labels: labelsOf(ids, [{ start: 0, end: ids.length }]), cut: 0 },
        ...{ bytes: start === 0 ? bytes : 0, ends: ends && end === all.length },
      };
    });
  }

  #completion(prompt: string, text: string, { all, offsets, front, ends }: Encoded): Pick<Made, 'items' | 'isMerged'> {
    const count = offsets.length / 2;
    let own = 0;
    while (own < count && offsets[2 * own + 1]! <= prompt.length) own++;
    const start = front + own;
    // The beginning of the prompt goes first, all but its last token, then the end of the completion.
    const cut = Math.max(0, Math.min(start - 1, all.length - this.maxLength));
    const ids = all.slice(cut, cut + this.maxLength);
    const labels = labelsOf(ids, [{ start: start - cut, end: ids.length }]);
    const isWhole = cut + ids.length === all.length;
    // What is learnt of the completion: not what did not fit, nor what nothing stands before.
    const last = Math.min(count, cut + ids.length - front) - 1;
    const from = start === 0 ? (offsets[1] ?? 0) : prompt.length;
    const to = isWhole ? prompt.length + text.length : (offsets[2 * last + 1] ?? 0);
    const bytes = Buffer.byteLength((prompt + text).slice(from, to));
    const leftOut = () => ({
      before: this.tokenizer.decode(all.subarray(0, cut)),
      after: this.tokenizer.decode(all.subarray(cut + ids.length)),
    });
    const item = { ids, labels, cut: all.length - ids.length, bytes, ends: ends && isWhole };
    return {
      items: [item.cut > 0 ? { ...item, leftOut } : item],
      isMerged: own < count && offsets[2 * own]! < prompt.length,
    };
  }
}

interface Encoded {
  /** The text's tokens with the special ones in front (so many) and behind. */
  all: Int32Array;
  offsets: Int32Array;
  front: number;
  ends: boolean;
}

export const tellLong = (rows: number, of: number, maxLength: number): string =>
  `${rows.toLocaleString('en')} of ${counted(of, 'text')} (${((100 * rows) / of).toFixed(1)} %) ${rows === 1 ? 'is' : 'are'} longer than ${counted(maxLength, 'token')} (max_length). Texts go on in further windows; of prompts the beginning is cut.`;

/** Tokens of a text that are given, and as many of what follows as are shown beside. */
const GIVEN = 32;
const SHOWN = 48;

/** Prompts, or the beginnings of texts that begin there and go on. */
export function textPrompts(rows: readonly Passage[], tokenizer: Tokenizer, maxLength: number): SamplePrompt[] {
  const [bos, eos] = [tokenizer.addedBos, tokenizer.specialId('eos_token')];
  const prompts: SamplePrompt[] = [];
  for (const [row, { text, prompt }] of rows.entries()) {
    if (prompts.length === SAMPLES) break;
    const { ids } = tokenizer.encodeBare(prompt ?? text);
    const given = prompt === undefined ? ids.slice(0, GIVEN) : ids;
    if (given.length === 0 || given.length >= maxLength || (prompt === undefined && ids.length <= GIVEN)) continue;
    prompts.push({
      ...{ row, ids: [...(bos === null ? [] : [bos]), ...given], ends: eos === null ? [] : [eos] },
      prompt: prompt ?? tokenizer.decode(given),
      reference: prompt === undefined ? tokenizer.decode(ids.slice(GIVEN, GIVEN + SHOWN)) : text,
    });
  }
  return prompts;
}
