import { append, formatBytes, LuthierError } from '../../protocol/index.ts';
import { freeMemory } from '../free-memory.ts';
import { type CachedShape, PAST_KEYS, PAST_VALUES } from '../models/cached-batch.ts';
import type { TaskModel } from '../runtime/model.ts';
import { NEW_KEYS, NEW_VALUES, nextTokenProgram } from '../runtime/programs.ts';
import { sizeOf } from '../tensor/executors/executor.ts';
import { KeyValueCache } from './key-value-cache.ts';
import type { NextToken } from './write.ts';

export interface CachedModelSizes {
  /** Tokens of a prompt that are read at once; between them it is filled up. Longer prompts are read in parts. */
  lengths: readonly number[];
  /** Tokens that the cache has room for at first; it doubles when it is full. */
  capacity: number;
  /** So many tokens at most are read one at a time behind others: the program of one token is always at hand. */
  oneByOne?: number;
}

/**
 * How a model computes in 8 bits. The program of one token has its weights built in (tensor/executors/built-in-weights.ts):
 * without VNNI, where they are fed, it takes as long as in float.
 */
export interface EightBitReading {
  /** Weights that programs of one token may compute with in 8 bits; they do not change while it is used. */
  isHeld: (name: string) => boolean;
  /** Those that longer programs may, which read prompts; none where left out. */
  isHeldInPrompts?: (name: string) => boolean;
}

/** Few, since each is a program of its own. */
const SIZES: CachedModelSizes = { lengths: [32, 128, 512], capacity: 128 };

/** In 8 bits, a program of one token has the weights once more: fewer of them. */
const SIZES_IN_8BIT: CachedModelSizes = { ...SIZES, capacity: 512 };

/** Arrays as long as the vocabulary that a search has of each text: logits, log probabilities, and these summed. */
const SCORES = 3;

/**
 * A language model that is asked for the next token. Keys and values of what it has read are kept, so a token costs a
 * step of one token; a prompt is read at once, and the head computed for its last token alone.
 */
export class CachedModel implements NextToken {
  readonly positions: number;
  /** Tokens in front of every prompt. */
  readonly #virtual: readonly number[];
  readonly #model: TaskModel;
  readonly #cache = new KeyValueCache();
  /** The arrays that a program of this shape writes to. */
  readonly #outputs = new Map<string, Record<string, Float32Array>>();

  readonly #sizes: CachedModelSizes;
  readonly #eightBit: EightBitReading | undefined;
  /** What the cache holds, as far as it is the same for all of its texts. */
  #tokens: number[] = [];

  constructor(model: TaskModel, sizes?: CachedModelSizes, eightBit?: EightBitReading) {
    this.#model = model;
    this.#sizes = sizes ?? (eightBit ? SIZES_IN_8BIT : SIZES);
    this.#eightBit = eightBit;
    const { maxPositions, virtualIds = [] } = model.architecture;
    this.positions = maxPositions;
    this.#virtual = virtualIds;
  }

  async begin(prompt: readonly number[]): Promise<Float32Array> {
    const whole = [...this.#virtual, ...prompt];
    this.#tokens = [];
    this.#cache.clear(this.#capacityFor(whole.length + 1));
    return await this.#read(whole, 0);
  }

  /**
   * As `begin`, but what the cache already holds of the prompt's beginning is not read again.
   * @param between is waited for between two parts of a long prompt; where it throws, what was read stays known
   * @returns also how many of its tokens these are
   */
  async resume(
    prompt: readonly number[],
    between?: () => Promise<void>,
  ): Promise<{ logits: Float32Array; reused: number }> {
    const whole = [...this.#virtual, ...prompt];
    const known = this.#tokens;
    let kept = 0;
    // The last one is read in any case: its logits are asked for.
    while (kept < whole.length - 1 && kept < known.length && known[kept] === whole[kept]) kept++;
    const capacity = this.#capacityFor(whole.length + 1);
    const reused = Math.max(0, kept - this.#virtual.length);
    if (kept === 0) {
      this.#tokens = [];
      this.#cache.clear(capacity);
      return { logits: await this.#read(whole, 0, between), reused };
    }
    this.#tokens = known.slice(0, kept);
    this.#cache.cut(kept);
    if (capacity > this.#cache.capacity) this.#cache.grow(capacity);
    return { logits: await this.#read(whole, kept, between), reused };
  }

  /** Reads a prompt from a token on, before which all is in the cache. */
  async #read(prompt: readonly number[], from: number, between?: () => Promise<void>): Promise<Float32Array> {
    const { lengths } = this.#sizes;
    const longest = lengths.at(-1)!;
    let logits: Float32Array | undefined;
    for (let start = from; start < prompt.length; ) {
      if (start > from) await between?.();
      const isShort = start > 0 && prompt.length - start <= (this.#sizes.oneByOne ?? 0);
      const tokens = prompt.slice(start, start + (isShort ? 1 : longest));
      const length = isShort ? 1 : lengths.find((n) => n >= tokens.length)!;
      const ids = new Int32Array(length);
      ids.set(tokens);
      const positions = Int32Array.from(ids, (_, i) => (i < tokens.length ? start + i : 0));
      const shape = { rows: 1, length, capacity: start === 0 ? 0 : this.#cache.capacity };
      logits = await this.#compute(shape, ids, positions, tokens.length);
      append(this.#tokens, tokens);
      start += tokens.length;
    }
    return logits!;
  }

  async next(tokens: readonly number[], parents: readonly number[]): Promise<Float32Array[]> {
    const cache = this.#cache;
    if (cache.filled === cache.capacity) cache.grow(this.#capacityFor(cache.filled + 1));
    cache.follow(parents);
    const rows = tokens.length;
    const positions = new Int32Array(rows).fill(cache.filled);
    const shape = { rows, length: 1, capacity: cache.capacity };
    const logits = await this.#compute(shape, Int32Array.from(tokens), positions, 1);
    // Of several texts, what they have in common is known alone.
    if (rows === 1 && this.#tokens.length === cache.filled - 1) this.#tokens.push(tokens[0]!);
    const width = logits.length / rows;
    return tokens.map((_, row) => logits.subarray(row * width, (row + 1) * width));
  }

  requireRoom(texts: number, tokens: number, free: number = freeMemory()): void {
    const each = this.#bytesOf(tokens);
    if (texts * each <= free) return;
    const fitting = Math.floor(free / each);
    throw new LuthierError(
      'not-enough-memory',
      `${texts} beams of up to ${tokens} tokens would need about ${formatBytes(texts * each)} of memory, but only ${formatBytes(free)} are free.`,
      `${fitting > 1 ? `${fitting} beams would fit. ` : ''}Ask for fewer beams or fewer new tokens, or close other programs.`,
    );
  }

  /** What one of several texts takes: its part of the cache twice, since texts that change places are copied, and scores. */
  #bytesOf(tokens: number): number {
    const perToken = this.#cache.layers.reduce((n, { heads, width }) => n + 2 * heads * width, 0);
    return 4 * (2 * perToken * this.#capacityFor(this.#virtual.length + tokens) + SCORES * this.#model.numLabels);
  }

  /** @param count of the new tokens those that are no padding */
  async #compute(shape: CachedShape, ids: Int32Array, positions: Int32Array, count: number): Promise<Float32Array> {
    const cache = this.#cache;
    const builtIn = ids.length === 1;
    const has = builtIn ? this.#eightBit?.isHeld : this.#eightBit?.isHeldInPrompts;
    const bits = has ? ` in 8 bits${builtIn ? ', built in' : ''}` : '';
    const key = `next ${shape.rows}×${shape.length} after ${shape.capacity}${bits}`;
    let arrays: Record<string, Float32Array> = {};
    const feeds = {
      ...{ input_ids: ids, position_ids: positions, read_token: Int32Array.of(count - 1) },
      ...(shape.capacity === 0 ? {} : { filled: Int32Array.of(cache.filled), ...cache.feeds(PAST_KEYS, PAST_VALUES) }),
    };
    const options = { ...this.#model.fed, held: has && ({ bits: 8, has } as const), builtIn };
    await this.#model.run(
      key,
      () => nextTokenProgram(options, shape, cache.layers),
      feeds,
      (specs) => {
        arrays = this.#outputs.get(key) ?? {};
        for (const [name, { shape }] of Object.entries(specs)) arrays[name] ??= new Float32Array(sizeOf(shape));
        this.#outputs.set(key, arrays);
        if (cache.layers.length === 0)
          for (let i = 0; specs[NEW_KEYS + i]; i++) {
            const [, heads, , width] = specs[NEW_KEYS + i]!.shape as [number, number, number, number];
            cache.addLayer({ heads, width });
          }
        return arrays;
      },
    );
    cache.append((layer) => [arrays[NEW_KEYS + layer]!, arrays[NEW_VALUES + layer]!], { length: shape.length, count });
    return arrays.logits!;
  }

  /** @param tokens of a text, the virtual ones in front of it included */
  #capacityFor(tokens: number): number {
    let { capacity } = this.#sizes;
    while (capacity < tokens) capacity *= 2;
    return Math.min(capacity, Math.max(this.#virtual.length + this.positions, tokens));
  }
}
