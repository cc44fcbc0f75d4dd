import { afterTurns } from '../../files/turns.ts';
import { DEFAULT_NEW_TOKENS, type FinishReason, type GenerationSettings, LuthierError } from '../../protocol/index.ts';
import type { DecodeStream } from '../text/decode-stream.ts';
import { BeamSearch } from './beams.ts';
import { indexOfLargest, logitsSteps, sampler } from './logits.ts';
import { StopText } from './stop-text.ts';

/** A model that is asked for the next token, with what it remembers of those before. */
export interface NextToken {
  /** The longest text in tokens. */
  readonly positions: number;
  /** Forgets everything and reads a prompt. @returns the next token's logits; the array is the caller's */
  begin(prompt: readonly number[]): Promise<Float32Array>;
  /**
   * Goes on with one token for each of several texts.
   * @param parents for each the number of the text that it continues
   * @returns the next token's logits of each; the arrays are the caller's
   */
  next(tokens: readonly number[], parents: readonly number[]): Promise<Float32Array[]>;
  /**
   * Asked once a prompt has been read, before it is continued by several texts at once.
   * @param tokens that each may have in the end
   * @throws LuthierError `not-enough-memory` with the number of texts that there is room for
   */
  requireRoom?(texts: number, tokens: number): void;
}

export interface WriteOptions {
  settings: GenerationSettings;
  /** Tokens that end a text. */
  ends: ReadonlySet<number>;
  decodeStream: () => DecodeStream;
  /** Hears text as it is written, never half a character and nothing that is taken back; not with beams. */
  onText?: ((text: string, tokens: number) => void) | undefined;
  /** Heard between two tokens: what is written until then is the answer; of several beams the best one. */
  signal?: AbortSignal | undefined;
  /** Number of the prompt among several, so that each has random numbers of its own. */
  stream?: number;
}

export interface Written {
  ids: number[];
  text: string;
  reason: FinishReason;
}

/**
 * Continues a prompt until an end token, a stop text, the number of tokens asked for or the last position.
 * @throws LuthierError `usage` where the prompt is empty or longer than the positions, naming both numbers;
 *   `loss-not-finite` where the model's scores are; `not-enough-memory` where there is no room for all beams
 */
export async function write(model: NextToken, prompt: readonly number[], options: WriteOptions): Promise<Written> {
  const { settings, ends, decodeStream, onText, signal, stream } = options;
  const { positions } = model;
  if (prompt.length === 0)
    throw new LuthierError(
      'usage',
      'The prompt is empty, and this model has no token that begins a text.',
      'Write a prompt.',
    );
  if (prompt.length > positions) {
    throw new LuthierError(
      'usage',
      `The prompt has ${prompt.length} tokens, but the model has ${positions} positions.`,
      'Shorten the prompt.',
    );
  }
  const asked = settings.max_new_tokens ?? DEFAULT_NEW_TOKENS;
  // The last token needs no position: it is never read.
  const most = Math.min(asked, positions - prompt.length + 1);
  const outOfRoom: FinishReason = most < asked ? 'positions' : 'length';
  const process = logitsSteps(settings);
  const stops = settings.stop ?? [];
  // While it waited for its turn.
  if (signal?.aborted) return { ids: [], text: '', reason: 'cancelled' };
  let logits = finite(await model.begin(prompt));

  if ((settings.num_beams ?? 1) > 1) {
    const beams = settings.num_beams!;
    model.requireRoom?.(beams, prompt.length + most);
    const textOf = (ids: readonly number[]) => {
      const decoder = decodeStream();
      return ids.map((id) => decoder.push(id)).join('') + decoder.end();
    };
    const isStopped = (ids: readonly number[]) => {
      if (stops.length === 0) return false;
      const text = textOf(ids);
      return stops.some((stop) => text.includes(stop));
    };
    const search = new BeamSearch(prompt, { beams, most, ends, process, isStopped });
    let rows = Array.from({ length: beams }, () => logits);
    let isCancelled = false;
    while (search.advance(rows)) {
      if (signal) await afterTurns();
      isCancelled = signal?.aborted ?? false;
      if (isCancelled) break;
      rows = (await model.next(search.lastTokens, search.parents)).map(finite);
    }
    const ids = [...(isCancelled ? search.bestSoFar : search.best).ids];
    const stop = new StopText(stops);
    const text = stop.push(textOf(ids)) + stop.end();
    const reason = stop.isStopped ? 'stop' : ends.has(ids.at(-1)!) ? 'end' : outOfRoom;
    return { ids, text, reason: isCancelled ? 'cancelled' : reason };
  }

  const choose = settings.do_sample ? sampler(settings.seed ?? 0, stream) : indexOfLargest;
  const decoder = decodeStream();
  const stop = new StopText(stops);
  const ids: number[] = [];
  let text = '';
  const give = (part: string) => {
    text += part;
    onText?.(part, ids.length);
  };
  for (;;) {
    process([...prompt, ...ids], logits);
    const id = choose(logits);
    ids.push(id);
    give(stop.push(decoder.push(id)));
    const reason: FinishReason | undefined = ends.has(id)
      ? 'end'
      : stop.isStopped
        ? 'stop'
        : ids.length >= most
          ? outOfRoom
          : undefined;
    if (signal && !reason) await afterTurns();
    if (reason || signal?.aborted) {
      give(stop.push(decoder.end()) + stop.end());
      return { ids, text, reason: reason ?? 'cancelled' };
    }
    logits = finite((await model.next([id], [0]))[0]!);
  }
}

/** Of NaN no token would be the likeliest, and the first of the vocabulary would be written for ever. */
function finite(logits: Float32Array): Float32Array {
  // Infinity times 0 is NaN, too.
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += logits[i]! * 0;
  if (sum === 0) return logits;
  throw new LuthierError(
    'loss-not-finite',
    'The model’s scores for the next token are not finite numbers.',
    'Its weights contain NaN or infinity. Go back to an earlier checkpoint, or train with a lower learning_rate.',
  );
}
