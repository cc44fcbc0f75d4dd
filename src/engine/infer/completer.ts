import { extentOf, lineAfter, type Place } from '../../completions/place.ts';
import { stopPlace } from '../../completions/stop.ts';
import { shownText } from '../../completions/trim.ts';
import { afterTurns } from '../../files/turns.ts';
import {
  type BackendChoice,
  COMPLETION_DEFAULTS,
  COMPLETION_TOKENS,
  type CompletionAnswer,
  type CompletionExtent,
  type CompletionItem,
  type CompletionRequest,
  type CompletionStop,
  completionProblem,
  LuthierError,
  type Note,
} from '../../protocol/index.ts';
import { readGeneration } from '../hub/model-folder.ts';
import { type OpenModel, openModel } from '../model-files/open-model.ts';
import { isProductWeight } from '../models/architecture.ts';
import { MiddleTokens } from '../text/fill-in-the-middle.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { Answers } from './answers.ts';
import { CachedModel } from './cached-model.ts';
import { ContextWindow } from './context-window.ts';
import { endsOf } from './ends.ts';
import { TokenTexts, Wanted } from './half-word.ts';
import { indexOfLargest, logSoftmax } from './logits.ts';
import { modelThatWrites } from './writer.ts';

/** Few programs: what is typed between two requests is a token or two. Room for the context and what is suggested. */
const SIZES = { lengths: [16, 64, 256], capacity: 640, oneByOne: 3 };

/** Of the tokens that a model may see, those behind the cursor where it fills in the middle; llama.cpp's share, too. */
const BEHIND = 0.25;

/** What completes texts at a place, with what it remembers of the last one. */
export interface Completer {
  /**
   * @param signal heard between two tokens
   * @throws LuthierError `usage` for a request that makes no sense, `cancelled`
   */
  complete(request: CompletionRequest, signal?: AbortSignal): Promise<CompletionAnswer>;
  /** Compiles the programs that completions need. */
  prepare(signal?: AbortSignal): Promise<{ ms: number; eightBit: boolean; middle: boolean }>;
  /** Lets go of the model, also for others with whom it is shared. */
  dispose(): void;
}

/** Loads a model that completes; errors as shareCompleter. */
export const openCompleter = (
  modelFolder: string,
  { backend = 'auto', note = () => {}, ...options }: { backend?: BackendChoice; note?: Note } & CompleterOptions = {},
): Promise<Completer> => shareCompleter(modelFolder, () => openModel(modelFolder, backend, note), options);

export interface CompleterOptions {
  /** Tokens are written in 8 bits where the backend can; prompts are read in floats in any case. */
  eightBit?: boolean;
}

/**
 * A model's folder as a completer; it shares what is loaded for other questions.
 * @throws LuthierError `model-unsupported` where the model does not write; else as openModelFolder
 */
export async function shareCompleter(
  modelFolder: string,
  opened: () => Promise<OpenModel>,
  { eightBit = true }: CompleterOptions = {},
): Promise<Completer> {
  const open = await modelThatWrites(modelFolder, opened);
  const ends = endsOf({ ...open.config, ...(await readGeneration(open)) }, open.tokenizer);
  return new ModelCompleter(open, ends, eightBit);
}

/** What a model is asked. */
interface Prompt {
  ids: number[];
  /** The end of the text in front of the cursor that it has to write anew. */
  wanted: string;
  ends: ReadonlySet<number>;
  middle: boolean;
}

/** What one suggestion is written under. */
interface Writing {
  prompt: Prompt;
  place: Place;
  extent: CompletionExtent;
  most: number;
  /** By performance.now. */
  until: number;
  pause: () => Promise<void>;
}

interface WrittenItem extends CompletionItem {
  isCut: boolean;
}

class ModelCompleter implements Completer {
  readonly #window: ContextWindow;
  readonly #middle: MiddleTokens | null;
  readonly #eightBit: boolean;
  readonly #answers = new Answers();
  #texts: TokenTexts | undefined;
  #isPrepared = false;
  /** One after the other: they share what the model remembers. */
  #turn: Promise<unknown> = Promise.resolve();

  private readonly model: CachedModel;
  private readonly tokenizer: Tokenizer;

  constructor(
    private readonly open: OpenModel,
    private readonly ends: readonly number[],
    eightBit: boolean,
  ) {
    const { model } = open;
    this.#eightBit = eightBit && model.computesIn8Bit;
    const isHeld = isProductWeight(model.architecture);
    this.model = new CachedModel(model, SIZES, this.#eightBit ? { isHeld } : undefined);
    this.tokenizer = open.tokenizer;
    this.#window = new ContextWindow(open.tokenizer);
    this.#middle = MiddleTokens.of(open.tokenizer);
  }

  dispose(): void {
    this.open.dispose();
  }

  prepare(signal?: AbortSignal): ReturnType<Completer['prepare']> {
    return this.#inTurn(async () => {
      const start = performance.now();
      const prepared = () => ({
        ms: performance.now() - start,
        eightBit: this.#eightBit,
        middle: this.#middle !== null,
      });
      // Done again, it would make the model forget what it has read.
      if (this.#isPrepared) return prepared();
      const pause = pauseOf(signal);
      this.#texts ??= new TokenTexts(this.tokenizer);
      const some = this.tokenizer.encodeBare('\n').ids[0] ?? 0;
      const room = Math.min(SIZES.capacity, this.model.positions) - 1;
      let prompt: number[] = [];
      // The longest first, as a file is that is opened; then what is typed on.
      for (const length of [...SIZES.lengths].reverse()) {
        prompt = [...prompt, ...Array<number>(length).fill(some)];
        if (prompt.length > room) break;
        await this.model.resume(prompt, pause);
        await pause();
      }
      await this.model.next([some], [0]);
      this.#isPrepared = true;
      return prepared();
    });
  }

  async complete(request: CompletionRequest, signal?: AbortSignal): Promise<CompletionAnswer> {
    const problem = completionProblem(request);
    if (problem) throw new LuthierError('usage', `The completion cannot be made: ${problem}.`);
    return await this.#inTurn(() => this.#complete(request, pauseOf(signal)));
  }

  async #complete(request: CompletionRequest, pause: () => Promise<void>): Promise<CompletionAnswer> {
    const start = performance.now();
    await pause();
    const [before, after] = [request.before, request.after].map((text) => text.replaceAll('\r\n', '\n')) as [
      string,
      string,
    ];
    const place: Place = { language: request.language, before, after };
    const known = this.#answers.find(request, place);
    if (known) return known;

    const extent = request.extent ?? extentOf(place);
    const { contextTokens, candidates } = { ...COMPLETION_DEFAULTS, ...request };
    const prompt = this.#prompt(place, Math.min(contextTokens, this.model.positions - 1));
    const asked = request.maxTokens ?? COMPLETION_TOKENS[extent];
    const most = Math.min(asked, this.model.positions - prompt.ids.length + 1);
    const until = start + (request.budgetMs ?? Infinity);
    const { middle } = prompt;
    const answerOf = (items: CompletionItem[], stopped: CompletionStop, reused: number): CompletionAnswer => ({
      ...{ items, ms: performance.now() - start, prompt: prompt.ids.length, reused },
      ...{ stopped, middle, eightBit: this.#eightBit },
    });
    const read = await this.#read(prompt.ids, until, pause);
    // What was read stays in memory: the next request goes on from there.
    if (read === null) return answerOf([], 'budget', 0);
    const written = await this.#candidates(read.logits, candidates, { prompt, place, extent, most, until, pause });
    const items = shownItems(written, place);
    const answer = answerOf(items, (items[0] ?? written[0])?.stopped ?? 'end', read.reused);
    this.#answers.add(request, place, answer);
    return answer;
  }

  /** @returns null where the time is over before a long prompt has been read */
  async #read(ids: readonly number[], until: number, pause: () => Promise<void>) {
    const late = new Error('out of time');
    try {
      return await this.model.resume(ids, async () => {
        await pause();
        if (performance.now() >= until) throw late;
      });
    } catch (error) {
      if (error === late) return null;
      throw error;
    }
  }

  #prompt(place: Place, most: number): Prompt {
    this.#texts ??= new TokenTexts(this.tokenizer);
    const middle = this.#middle !== null && place.after.trim() !== '' ? this.#middle : null;
    const behind = middle ? Math.floor(most * BEHIND) : 0;
    const context = this.#window.cut(place.before, most - behind - (middle?.added ?? 1));
    const unsure = this.#texts.unsureAtEnd(context);
    const kept = context.ids.length - unsure;
    const at = unsure === 0 ? context.text.length : context.offsets[2 * kept]!;
    const wanted = context.text.slice(at);
    if (middle) {
      const { ids, ends } = middle.prompt(context.text.slice(0, at), this.#firstOf(place.after, behind), false);
      return { ids: [...ids], wanted, ends: new Set([...this.ends, ...ends]), middle: true };
    }
    const begin = this.tokenizer.addedBos ?? (kept === 0 ? this.tokenizer.specialId('bos_token') : null);
    const ends = new Set(this.ends);
    if (begin !== null) return { ids: [begin, ...context.ids.slice(0, kept)], wanted, ends, middle: false };
    if (context.ids.length === 0)
      throw new LuthierError('usage', 'There is no text to go on from.', 'Write a few words.');
    return kept > 0
      ? { ids: context.ids.slice(0, kept), wanted, ends, middle: false }
      : { ids: context.ids, wanted: '', ends, middle: false };
  }

  /** The beginning of a text, so many tokens at most. */
  #firstOf(text: string, most: number): string {
    const near = text.slice(0, most * 8);
    const { offsets } = this.tokenizer.encodeBare(near);
    return offsets.length <= 2 * most ? near : near.slice(0, offsets[2 * most]!);
  }

  /** The likeliest text, and of further ones the likeliest that begins with another token each. */
  async #candidates(first: Float32Array, count: number, writing: Writing): Promise<WrittenItem[]> {
    const { prompt, until } = writing;
    const wanted = new Wanted(this.#texts!, prompt.wanted);
    const scores = logSoftmax(wanted.allowed(first));
    const written: WrittenItem[] = [];
    for (const id of likeliest(scores, count)) {
      // The first is what there is; for others there may be no time.
      if (written.length > 0 && performance.now() >= until) break;
      const begun = { id, score: scores[id]!, wanted: wanted.copy() };
      // Behind the first one the model remembers that one's text.
      const next = async () =>
        written.length === 0
          ? (await this.model.next([id], [0]))[0]!
          : (await this.model.resume([...prompt.ids, id])).logits;
      written.push(await this.#write(begun, next, writing));
    }
    return written;
  }

  /** @param next gives the logits behind the first token */
  async #write(
    { id: first, score: firstScore, wanted }: { id: number; score: number; wanted: Wanted },
    next: () => Promise<Float32Array>,
    { prompt, place, extent, most, until, pause }: Writing,
  ): Promise<WrittenItem> {
    const decoder = this.tokenizer.decodeStream();
    // At a text's start some decoders leave a blank out.
    for (const before of this.#texts!.around) decoder.push(before);
    let [id, score, tokens, said] = [first, firstScore, 0, ''];
    const ended = (stopped: CompletionStop, text: string, isCut = false): WrittenItem => ({
      ...{ text, tokens, score: tokens === 0 ? 0 : score / tokens, stopped, isCut },
    });
    for (;;) {
      if (prompt.ends.has(id)) {
        const text = (said + decoder.end()).slice(prompt.wanted.length);
        const stop = stopPlace(text, extent, place, { isWhole: true });
        return ended(stop?.stopped ?? 'end', text.slice(0, stop?.at));
      }
      tokens++;
      said += decoder.push(id);
      wanted.take(id);
      const text = said.slice(prompt.wanted.length);
      const stop = stopPlace(text, extent, place);
      if (stop) return ended(stop.stopped, text.slice(0, stop.at));
      if (tokens >= most) return ended('length', text, true);
      if (performance.now() >= until) return ended('budget', text, true);
      await pause();
      const logits: Float32Array = tokens === 1 ? await next() : (await this.model.next([id], [0]))[0]!;
      const scores = wanted.allowed(logits);
      id = indexOfLargest(scores);
      score += logProbability(scores, id);
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }
}

/** What is worth showing, the best first, each once. */
function shownItems(written: readonly WrittenItem[], place: Place): CompletionItem[] {
  const items = new Map<string, CompletionItem>();
  for (const { isCut, ...item } of [...written].sort((a, b) => b.score - a.score)) {
    // Half a word in front of the rest of a line cannot be told from a whole one.
    const text = shownText(item.text, place, { isCut: isCut && lineAfter(place) === '' });
    if (text !== '' && !items.has(text)) items.set(text, { ...item, text });
  }
  return [...items.values()];
}

/** The tokens with the highest scores, the best first; none that is impossible. */
function likeliest(scores: Float32Array, count: number): number[] {
  const found: number[] = [];
  for (let id = 0; id < scores.length; id++) {
    const score = scores[id]!;
    if (score === -Infinity || (found.length >= count && score <= scores[found.at(-1)!]!)) continue;
    const at = found.findIndex((other) => scores[other]! < score);
    found.splice(at < 0 ? found.length : at, 0, id);
    if (found.length > count) found.pop();
  }
  return found;
}

function logProbability(scores: Float32Array, id: number): number {
  const best = scores[id]!;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += Math.exp(scores[i]! - best);
  return -Math.log(sum);
}

/** What is done between two tokens: a cancellation is heard. */
const pauseOf = (signal: AbortSignal | undefined) => async () => {
  if (signal) await afterTurns();
  if (signal?.aborted) throw new LuthierError('cancelled', 'The completion was cancelled.');
};
