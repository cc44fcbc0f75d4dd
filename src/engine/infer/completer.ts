import { extentOf, type Place } from '../../completions/place.ts';
import { stopPlace } from '../../completions/stop.ts';
import { shownText } from '../../completions/trim.ts';
import { afterTurns } from '../../files/turns.ts';
import {
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
import type { OpenModel } from '../model-files/open-model.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { CachedModel } from './cached-model.ts';
import { indexOfLargest, logSoftmax } from './logits.ts';
import { endsOf, modelThatWrites } from './writer.ts';

/** Few programs: what is typed between two requests is a handful of tokens. Room for the context and what is suggested. */
const SIZES = { lengths: [4, 16, 64, 256], capacity: 640 };

/** What completes texts at a place, with what it remembers of the last one. */
export interface Completer {
  /**
   * @param signal heard between two tokens
   * @throws LuthierError `usage` for a request that makes no sense, `cancelled`
   */
  complete(request: CompletionRequest, signal?: AbortSignal): Promise<CompletionAnswer>;
  /** Compiles the programs that completions need. */
  prepare(): Promise<{ ms: number; eightBit: boolean; middle: boolean }>;
}

/**
 * A model's folder as a completer; it shares what is loaded for other questions.
 * @throws LuthierError `model-unsupported` where the model does not write; else as openModelFolder
 */
export async function shareCompleter(
  modelFolder: string,
  opened: () => Promise<OpenModel>,
  note: Note,
): Promise<Completer> {
  const open = await modelThatWrites(modelFolder, opened, note);
  const ends = new Set(endsOf({ ...open.config, ...(await readGeneration(open)) }, open.tokenizer));
  return new ModelCompleter(new CachedModel(open.model, SIZES), open.tokenizer, ends);
}

class ModelCompleter implements Completer {
  /** One after the other: they share what the model remembers. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly model: CachedModel,
    private readonly tokenizer: Tokenizer,
    private readonly ends: ReadonlySet<number>,
  ) {}

  prepare(): ReturnType<Completer['prepare']> {
    return this.#inTurn(async () => {
      const start = performance.now();
      const some = this.tokenizer.encode('\n', 1024).ids[0] ?? 0;
      const room = Math.min(SIZES.capacity, this.model.positions) - 1;
      let prompt: number[] = [];
      // The longest first, as a file is that is opened; then what is typed on.
      for (const length of [...SIZES.lengths].reverse()) {
        prompt = [...prompt, ...Array<number>(length).fill(some)];
        if (prompt.length > room) break;
        await this.model.resume(prompt);
        await afterTurns();
      }
      await this.model.next([some], [0]);
      return { ms: performance.now() - start, eightBit: false, middle: false };
    });
  }

  async complete(request: CompletionRequest, signal?: AbortSignal): Promise<CompletionAnswer> {
    const problem = completionProblem(request);
    if (problem) throw new LuthierError('usage', `The completion cannot be made: ${problem}.`);
    return await this.#inTurn(() => this.#complete(request, signal));
  }

  async #complete(request: CompletionRequest, signal: AbortSignal | undefined): Promise<CompletionAnswer> {
    const start = performance.now();
    stopIfCancelled(signal);
    const before = request.before.replaceAll('\r\n', '\n');
    const place: Place = { language: request.language, before, after: request.after.replaceAll('\r\n', '\n') };
    const extent = request.extent ?? extentOf(place);
    const asked = request.maxTokens ?? COMPLETION_TOKENS[extent];
    const { contextTokens = COMPLETION_DEFAULTS.contextTokens, budgetMs } = request;
    const prompt = this.#prompt(before, Math.min(contextTokens, this.model.positions - 1));
    const most = Math.min(asked, this.model.positions - prompt.length + 1);
    const { logits, reused } = await this.model.resume(prompt);
    const written = await this.#write(logits, { place, extent, most, signal, until: start + (budgetMs ?? Infinity) });
    const text = shownText(written.text, place, { isCut: written.isCut });
    const items: CompletionItem[] = text === '' ? [] : [{ ...written.item, text }];
    return {
      ...{ items, ms: performance.now() - start, prompt: prompt.length, reused },
      ...{ stopped: written.item.stopped, middle: false, eightBit: false },
    };
  }

  /** The last tokens of a text, as many as the model may see. */
  #prompt(before: string, most: number): number[] {
    const ids = [...this.tokenizer.encode(before, Number.MAX_SAFE_INTEGER).ids];
    const begin = this.tokenizer.addedBos ?? this.tokenizer.specialId('bos_token');
    if (ids.length === 0 && begin !== null) return [begin];
    if (ids.length === 0) throw new LuthierError('usage', 'There is no text to go on from.', 'Write a few words.');
    return ids.slice(-most);
  }

  async #write(
    first: Float32Array,
    { place, extent, most, signal, until }: WriteOptions,
  ): Promise<{ text: string; isCut: boolean; item: Omit<CompletionItem, 'text'> }> {
    const decoder = this.tokenizer.decodeStream();
    let [text, score, tokens, logits] = ['', 0, 0, first];
    let stopped: CompletionStop | undefined;
    let isCut = false;
    for (;;) {
      const id = indexOfLargest(logits);
      if (this.ends.has(id)) {
        stopped = 'end';
        break;
      }
      score += logSoftmax(logits)[id]!;
      tokens++;
      text += decoder.push(id);
      const stop = stopPlace(text, extent, place);
      if (stop) {
        text = text.slice(0, stop.at);
        stopped = stop.stopped;
        break;
      }
      if (tokens >= most || performance.now() >= until) {
        stopped = tokens >= most ? 'length' : 'budget';
        isCut = true;
        break;
      }
      await afterTurns();
      stopIfCancelled(signal);
      logits = (await this.model.next([id], [0]))[0]!;
    }
    if (stopped === 'end') {
      text += decoder.end();
      const stop = stopPlace(text, extent, place, { isWhole: true });
      if (stop) text = text.slice(0, stop.at);
    }
    return { text, isCut, item: { tokens, score: tokens === 0 ? 0 : score / tokens, stopped } };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }
}

interface WriteOptions {
  place: Place;
  extent: CompletionExtent;
  most: number;
  signal: AbortSignal | undefined;
  until: number;
}

function stopIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new LuthierError('cancelled', 'The completion was cancelled.');
}
