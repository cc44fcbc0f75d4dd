import type { Tokenizer } from './tokenizer.ts';

/** What stands around the parts of a text, by the names that models were trained with. */
export interface MiddleNames {
  readonly prefix: string;
  readonly suffix: string;
  readonly middle: string;
  /** What ends a middle, where that is not the token that ends a text. */
  readonly end?: string;
  /** The one order that the model has learnt: the suffix behind its token, the prefix behind its own, the middle. */
  readonly isSuffixFirst?: true;
  /** Tokens that the vocabulary has beside them, where models of another order have the same three. */
  readonly beside?: readonly string[];
}

const NAMES: readonly MiddleNames[] = [
  // Qwen 2.5, CodeGemma
  { prefix: '<|fim_prefix|>', suffix: '<|fim_suffix|>', middle: '<|fim_middle|>' },
  // Mellum (Pavlichenko et al. 2025, arXiv 2510.05788: “S-P-M”); its names of roles are neither StarCoder's nor Granite's.
  {
    ...{ prefix: '<fim_prefix>', suffix: '<fim_suffix>', middle: '<fim_middle>', isSuffixFirst: true },
    beside: ['<system>', '<user>', '<assistant>'],
  },
  // Seed-Coder (ByteDance Seed 2025, arXiv 2506.03524)
  { prefix: '<[fim-prefix]>', suffix: '<[fim-suffix]>', middle: '<[fim-middle]>', isSuffixFirst: true },
  // StarCoder, Granite
  { prefix: '<fim_prefix>', suffix: '<fim_suffix>', middle: '<fim_middle>' },
  // SantaCoder
  { prefix: '<fim-prefix>', suffix: '<fim-suffix>', middle: '<fim-middle>' },
  // CodeLlama
  { prefix: '▁<PRE>', suffix: '▁<SUF>', middle: '▁<MID>', end: '▁<EOT>' },
  { prefix: '<PRE>', suffix: '<SUF>', middle: '<MID>', end: '<EOT>' },
  // DeepSeek-Coder
  { prefix: '<｜fim▁begin｜>', suffix: '<｜fim▁hole｜>', middle: '<｜fim▁end｜>' },
];

/**
 * What no middle goes on behind: a file, a repository, padding. Qwen2.5-Coder's own examples stop at all of these; a
 * model that was tuned to chat has another token in its `eos_token_id`.
 */
const BEYOND = [
  ...['<|endoftext|>', '<|fim_pad|>', '<|file_sep|>', '<|repo_name|>'],
  ...['<fim_pad>', '<fim-pad>', '<file_sep>', '<|file_separator|>', '<filename>', '<repo_name>', '<reponame>'],
];

/**
 * A text in three parts; in the order suffix, prefix, middle where the suffix comes first, as it does for models that have
 * learnt no other order, whatever `suffixFirst` says.
 */
export interface Divided {
  prefix: string;
  middle: string;
  suffix: string;
  suffixFirst: boolean;
}

/** A question for what stands between two texts. */
export interface MiddlePrompt {
  ids: Int32Array;
  /** Tokens that end the middle beside the model's own; some are no special tokens, so that a decoded text has them. */
  ends: number[];
}

/** The tokens of a tokenizer whose model was trained to fill in the middle. */
export class MiddleTokens {
  readonly #ids: { prefix: number; suffix: number; middle: number };
  readonly #front: readonly number[];
  readonly #end: number | null;
  /** Whether the tokenizer puts a blank before each text, which no part within a text has. */
  readonly #addsBlank: boolean;

  private constructor(
    private readonly tokenizer: Tokenizer,
    readonly names: MiddleNames,
  ) {
    const idOf = (name: string) => tokenizer.idOf(name);
    this.#ids = { prefix: idOf(names.prefix)!, suffix: idOf(names.suffix)!, middle: idOf(names.middle)! };
    const bos = tokenizer.addedBos;
    this.#front = bos === null ? [] : [bos];
    this.#end = (names.end === undefined ? null : idOf(names.end)) ?? tokenizer.specialId('eos_token');
    const [a, b] = ['a', 'b'].map((letter) => tokenizer.encodeBare(letter).ids);
    this.#addsBlank = tokenizer.decode([...a!, ...b!]) !== 'ab';
  }

  /** Null where the tokenizer lacks them. */
  static of(tokenizer: Tokenizer): MiddleTokens | null {
    const names = NAMES.find(({ prefix, suffix, middle, beside = [] }) =>
      [prefix, suffix, middle, ...beside].every((name) => tokenizer.idOf(name) !== null),
    );
    return names ? new MiddleTokens(tokenizer, names) : null;
  }

  /** Tokens that a rearranged text has besides its own. */
  get added(): number {
    return 3 + this.#front.length + (this.#end === null ? 0 : 1);
  }

  /** Ids of a divided text, the token that ends the middle included. */
  whole(parts: Divided): Int32Array {
    return Int32Array.from([...this.#arranged(parts), ...(this.#end === null ? [] : [this.#end])]);
  }

  prompt(before: string, after: string, suffixFirst: boolean): MiddlePrompt {
    const beyond = BEYOND.flatMap((name) => this.tokenizer.idOf(name) ?? []);
    const { prefix, suffix, middle } = this.#ids;
    const ends = new Set([...(this.#end === null ? [] : [this.#end]), prefix, suffix, middle, ...beyond]);
    const parts = { prefix: before, middle: '', suffix: after, suffixFirst };
    return { ids: Int32Array.from(this.#arranged(parts)), ends: [...ends] };
  }

  #arranged({ prefix, middle, suffix, suffixFirst }: Divided): number[] {
    const before = this.tokenizer.encodeBare(prefix).ids;
    const [within, after] = [this.#within(middle), this.#within(suffix)];
    const { prefix: pre, suffix: suf, middle: mid } = this.#ids;
    const parts = this.names.isSuffixFirst
      ? [[suf], after, [pre], before, [mid], within]
      : suffixFirst
        ? // The second variant of the paper, which the models have learnt.
          [[pre, suf], after, [mid], before, within]
        : [[pre], before, [suf], after, [mid], within];
    return [this.#front, ...parts].flatMap((ids) => Array.from(ids));
  }

  /** Ids of what stands within a text: without the blank that a SentencePiece tokenizer puts in front. */
  #within(text: string): Int32Array {
    if (!this.#addsBlank) return this.tokenizer.encodeBare(text).ids;
    const { ids, offsets } = this.tokenizer.encodeBare(`\n${text}`);
    return ids.filter((_, i) => offsets[2 * i]! >= 1);
  }
}

/**
 * Asks a model for what stands between two texts, in the order that it learnt: prefix, suffix, middle, or the suffix first.
 * @param suffixFirst the order suffix, prefix, middle, which only some models have learnt (`fim_spm_rate` above 0): what
 *   is typed on then stands last, so that a key-value cache keeps all before it
 * @returns null where the tokenizer has no tokens for it
 */
export function middlePrompt(
  tokenizer: Tokenizer,
  before: string,
  after: string,
  suffixFirst = false,
): MiddlePrompt | null {
  return MiddleTokens.of(tokenizer)?.prompt(before, after, suffixFirst) ?? null;
}
