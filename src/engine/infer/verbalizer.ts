import { counted, LuthierError } from '../../protocol/index.ts';
import { listed, quoted } from '../data/problems.ts';
import { type MaskedItem, maskedItems, maskOf, USUAL_MASKS } from '../tasks/fill-mask/answer.ts';
import { following } from '../tasks/language/blank.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Predictor } from './predictor.ts';
import type { Writer } from './writer.ts';

/** For each label the word, or the words, that stand for it (Schick and Schütze 2021). */
export type Verbalizer = Readonly<Record<string, string | readonly string[]>>;

export interface LabelScores {
  /** The likeliest. */
  label: string;
  score: number;
  /** Probabilities of the labels among themselves; of the words of one label the sum. */
  scores: Record<string, number>;
  /** What all words have together of the probability of everything that the model could have said. */
  mass: number;
  /** What a person should know of how words were read. */
  notes: string[];
}

/**
 * How likely the words of each label are in the place of a text's mask. A word of several tokens is read at as many
 * masks in a row, and its probability is the product of theirs.
 * @throws LuthierError `usage` for a text without a mask or with several, and for a verbalizer without words
 */
export async function scoreAtMask(
  predictor: Predictor,
  text: string,
  verbalizer: Verbalizer,
  signal?: AbortSignal,
): Promise<LabelScores> {
  if (predictor.task.name !== 'fill-mask') {
    throw new LuthierError(
      'model-unsupported',
      `${predictor.modelFolder} has no masked-language head, so it gives the words of a verbalizer no probabilities.`,
      'Name a model that has one, such as bert-base-uncased or distilroberta-base, or a model that writes.',
    );
  }
  const { tokenizer, maxLength } = predictor;
  const notes: string[] = [];
  const masked = withOwnMask(text, tokenizer, notes);
  const [item, ...others] = maskedItems([masked], tokenizer, maxLength);
  if (others.length > 0) {
    throw new LuthierError(
      'usage',
      `The text has ${counted(others.length + 1, 'mask')}; a verbalizer needs one.`,
      `Leave one ${maskOf(tokenizer).token} in it.`,
    );
  }
  const words = wordsOf(verbalizer).map(({ label, word }) => ({
    label,
    word,
    ids: idsAtMask(word, masked, item!, predictor),
  }));
  const many = words.filter(({ ids }) => ids.length > 1);
  if (many.length > 0) {
    notes.push(
      `${listed(many.map(({ word, ids }) => `${quoted(word)} (${counted(ids.length, 'token')})`))}: a word of several tokens is read at as many masks; its probability is their product, so that a longer word is less likely by its length alone.`,
    );
  }
  // Words of the same number of tokens are read at the same masks.
  const lengths = [...new Set(words.map(({ ids }) => ids.length))];
  const items = lengths.flatMap((length) => withMasks(item!, length));
  const logits = await predictor.run(items, undefined, signal);
  const width = logits.length / items.length;
  const logSums = items.map((_, i) => logSum(logits.subarray(i * width, (i + 1) * width)));
  const starts = new Map(lengths.map((length, i) => [length, lengths.slice(0, i).reduce((a, b) => a + b, 0)]));
  return scored(
    words.map(({ label, ids }) => {
      const from = starts.get(ids.length)!;
      const logs = ids.map((id, j) => logits[(from + j) * width + id]! - logSums[from + j]!);
      return { label, log: logs.reduce((a, b) => a + b, 0) };
    }),
    notes,
  );
}

/**
 * How likely a model that writes goes on with the words of each label: exactly, token by token.
 * @param prompt a text, or ids with the text that they are of
 */
export async function scoreContinuations(
  writer: Writer,
  prompt: string | { ids: Int32Array; text: string },
  verbalizer: Verbalizer,
  signal?: AbortSignal,
): Promise<LabelScores> {
  const text = typeof prompt === 'string' ? prompt : prompt.text;
  const notes: string[] = [];
  const words = wordsOf(verbalizer).map(({ label, word }) => {
    return { label, word, written: following(text, word) };
  });
  const blank = words.find(({ word, written }) => word !== written);
  if (blank)
    notes.push(`The prompt ends without a blank, so one is put before the words, as in ${quoted(blank.written)}.`);
  const logs = await writer.logProbabilities(
    typeof prompt === 'string' ? prompt : prompt.ids,
    words.map(({ written }) => written),
    signal,
  );
  return scored(
    words.map(({ label }, i) => ({ label, log: logs[i]! })),
    notes,
  );
}

/** Each word of a verbalizer with its label. @throws LuthierError `usage` */
export function wordsOf(verbalizer: Verbalizer): { label: string; word: string }[] {
  const words = Object.entries(verbalizer).flatMap(([label, given]) =>
    [given].flat().map((word) => ({ label, word: String(word).trim() })),
  );
  const empty = words.find(({ word }) => word === '');
  const lacking = Object.entries(verbalizer).find(([, given]) => [given].flat().length === 0);
  if (words.length > 0 && !empty && !lacking) return words;
  throw new LuthierError(
    'usage',
    words.length === 0
      ? 'The verbalizer names no words.'
      : `The verbalizer names no word for ${quoted((empty?.label ?? lacking?.[0])!)}.`,
    'Name one for each label, such as { positive: good, negative: bad }.',
  );
}

/** A text with the mask of another model has this one's in its place, which is told. */
export function withOwnMask(text: string, tokenizer: Tokenizer, notes: string[]): string {
  const { token } = maskOf(tokenizer);
  const other = text.includes(token) ? undefined : USUAL_MASKS.find((mask) => text.includes(mask));
  if (other === undefined) return text;
  notes.push(`${other} is read as ${token}, the mask of this model.`);
  return text.replaceAll(other, token);
}

/** The tokens that a word has where the mask stands: RoBERTa's include the blank before it. */
function idsAtMask(
  word: string,
  masked: string,
  { ids, read }: MaskedItem,
  { tokenizer, maxLength }: Predictor,
): number[] {
  const { ids: filled } = tokenizer.encode(
    masked.replace(maskOf(tokenizer).token, () => word),
    maxLength + 64,
  );
  const behind = ids.length - read - 1;
  const isSame =
    filled.length > read + behind &&
    ids.subarray(0, read).every((id, i) => filled[i] === id) &&
    ids.subarray(read + 1).every((id, i) => filled[filled.length - behind + i] === id);
  const own = isSame ? filled.subarray(read, filled.length - behind) : tokenizer.encodeBare(word).ids;
  if (own.length > 0) return [...own];
  throw new LuthierError('usage', `The model’s tokenizer makes no token of ${quoted(word)}.`, 'Use another word.');
}

/** The item with so many masks in the place of one, once to be read at each of them. */
function withMasks({ ids, typeIds, read, row }: MaskedItem, count: number): MaskedItem[] {
  const repeat = <T extends Int32Array | Uint8Array>(all: T, Kind: new (n: number) => T): T => {
    const longer = new Kind(all.length + count - 1);
    longer.set(all.subarray(0, read));
    longer.fill(all[read]!, read, read + count);
    longer.set(all.subarray(read + 1), read + count);
    return longer;
  };
  const masks = repeat(ids, Int32Array);
  const types = typeIds && repeat(typeIds, Uint8Array);
  return Array.from({ length: count }, (_, i) => ({ ids: masks, typeIds: types, read: read + i, row }));
}

function logSum(logits: Float32Array): number {
  let most = -Infinity;
  for (const value of logits) if (value > most) most = value;
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - most);
  return most + Math.log(sum);
}

function scored(words: readonly { label: string; log: number }[], notes: string[]): LabelScores {
  const bad = words.find(({ log }) => !Number.isFinite(log));
  if (bad) {
    throw new LuthierError(
      'model-invalid',
      `The probability of ${quoted(bad.label)} is not a finite number: the model’s weights are too large.`,
      'The training that produced it diverged. Download or copy the model again.',
    );
  }
  const most = words.reduce((max, { log }) => Math.max(max, log), -Infinity);
  const sums = new Map<string, number>();
  for (const { label, log } of words) sums.set(label, (sums.get(label) ?? 0) + Math.exp(log - most));
  const total = [...sums.values()].reduce((a, b) => a + b, 0);
  const scores = [...sums].map(([label, sum]) => [label, sum / total] as const);
  const [label, score] = scores.reduce((best, one) => (one[1] > best[1] ? one : best));
  return { label, score, scores: Object.fromEntries(scores), mass: total * Math.exp(most), notes };
}
