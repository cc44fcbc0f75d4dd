import { counted, LuthierError } from '../../../protocol/index.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { countLearnt, type LanguageItem, labelsOf, piecesIn, SAMPLES, windowsOf } from '../language/items.ts';
import { tellingLong } from '../long-rows.ts';
import type { EncodedRows, EncodingNote, SamplePrompt } from '../task.ts';
import { FillInTheMiddle, type FillSettings } from './fill-in-the-middle.ts';
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
  /** Its parts were rearranged. */
  isFilled?: boolean;
}

/**
 * Texts as what is learnt: after each token the next one, and at the end of a text the token that ends it. What does not
 * fit goes on in the next window. Of a prompt with its completion the completion alone is learnt.
 * @param fill of training rows: how many of the texts are learnt by filling in their middle
 * @throws LuthierError `data-invalid` where nothing is left to learn, `recipe-invalid` where nothing can be filled in
 */
export function encodePassages(
  rows: readonly Passage[],
  tokenizer: Tokenizer,
  maxLength: number,
  fill?: FillSettings,
): EncodedRows<TextItem> {
  const middles = fill?.fim_rate ? new FillInTheMiddle(tokenizer, fill) : null;
  const encoder = new PassageEncoder(tokenizer, maxLength, middles);
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
    notes: rows.length === 0 ? [] : [...notesOn(encoder, items, made), ...fillNote(middles, made)],
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

function fillNote(middles: FillInTheMiddle | null, made: readonly Made[]): EncodingNote[] {
  if (!middles) return [];
  const { prefix, suffix, middle, isSuffixFirst } = middles.names;
  const filled = made.filter(({ isFilled }) => isFilled).length;
  const message = `Fill-in-the-middle (fim_rate ${middles.rate}): ${filled.toLocaleString('en')} of ${counted(made.length, 'training text')} ${filled === 1 ? 'is' : 'are'} rearranged, with ${prefix}, ${suffix} and ${middle} around the parts.${isSuffixFirst ? ' The suffix comes first in all of them, as this model has learned, whatever fim_spm_rate is.' : ''}`;
  return [{ level: 'info', message }];
}

class PassageEncoder {
  readonly eos: number | null;
  readonly #bos: number | null;

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly maxLength: number,
    private readonly middles: FillInTheMiddle | null,
  ) {
    if (middles && this.#room < 1) {
      throw new LuthierError(
        'recipe-invalid',
        `max_length is ${maxLength}, which leaves no room for fill-in-the-middle.`,
        'Raise max_length, or remove fim_rate.',
      );
    }
    this.#bos = tokenizer.addedBos;
    this.eos = tokenizer.specialId('eos_token');
  }

  /** Tokens of a text that can be rearranged at once. */
  get #room(): number {
    return this.maxLength - this.middles!.added - SPARE;
  }

  encode(passage: Passage): Made {
    const { ids, offsets } = this.tokenizer.encodeBare((passage.prompt ?? '') + passage.text);
    const front = this.#bos !== null && passage.isStart ? [this.#bos] : [];
    const back = this.eos !== null && passage.isEnd ? [this.eos] : [];
    const all = Int32Array.from([...front, ...ids, ...back]);
    const made = { all, offsets, front: front.length, ends: back.length > 0 };
    const filled = this.#filled(passage, ids.length, offsets);
    return {
      tokens: ids.length,
      unknown: ids.filter((id) => id === this.tokenizer.unkId).length,
      isLong: all.length > this.maxLength,
      ...(filled ??
        (passage.prompt === undefined
          ? { items: this.#windows(passage.text, made) }
          : this.#completion(passage.prompt, passage.text, made))),
    };
  }

  /** A text that is drawn for it, rearranged: one that is long in pieces that fit, each by itself; null for any other. */
  #filled(
    { text, prompt, isMixed }: Passage,
    count: number,
    offsets: Int32Array,
  ): Pick<Made, 'items' | 'isFilled'> | null {
    const { middles } = this;
    // Among whole texts, those with prompts keep their order.
    if (!middles || (isMixed && prompt !== undefined)) return null;
    if (prompt !== undefined) {
      throw new LuthierError(
        'recipe-invalid',
        `fim_rate is ${middles.rate}, but the rows are prompts with completions, whose order stays.`,
        'Use a column of whole texts, or remove fim_rate.',
      );
    }
    if (!middles.isFilled(text)) return null;
    const items: Made['items'] = [];
    for (let first = 0; first < count; first += this.#room) {
      const end = first + this.#room < count ? offsets[2 * (first + this.#room)] : text.length;
      const piece = text.slice(first === 0 ? 0 : offsets[2 * first], end);
      if (piece === '') continue;
      const learnt = (epoch: number) => {
        const all = middles.ids(middles.divide(piece, middles.draws(piece, epoch)));
        // Parts of words that are cut in two may be more tokens than the words were.
        const ids = all.slice(0, this.maxLength);
        const labels = labelsOf(ids, [{ start: 0, end: ids.length }]);
        return { ids, labels, cut: all.length - ids.length, ends: ids.length === all.length };
      };
      items.push({
        ...{ ...learnt(0), bytes: Buffer.byteLength(piece) },
        inEpoch: (epoch) => ({ ...learnt(epoch), typeIds: null }),
      });
    }
    return { items, isFilled: true };
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

/** Tokens that cutting a text at two places may add, with some to spare. */
const SPARE = 8;

interface Encoded {
  /** The text's tokens with the special ones in front (so many) and behind. */
  all: Int32Array;
  offsets: Int32Array;
  front: number;
  ends: boolean;
}

export const tellLong = tellingLong('text', '. Texts go on in further windows; of prompts the beginning is cut.');

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
