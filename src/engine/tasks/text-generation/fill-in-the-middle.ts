import { LuthierError, type Recipe } from '../../../protocol/index.ts';
import { Random } from '../../data/random.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';

/** Of a recipe, what decides which texts are rearranged, and where. */
export type FillSettings = Pick<Recipe, 'seed' | 'fim_rate' | 'fim_spm_rate'>;

/** Of texts that are rearranged, those with the suffix first where a recipe does not say: Megatron's and StarCoder's. */
export const SPM_RATE = 0.5;

/** What stands around the parts of a text, by the names that models were trained with. */
const NAMES: readonly { prefix: string; suffix: string; middle: string; end?: string }[] = [
  // Qwen 2.5, CodeGemma, Granite
  { prefix: '<|fim_prefix|>', suffix: '<|fim_suffix|>', middle: '<|fim_middle|>' },
  // StarCoder, SmolLM
  { prefix: '<fim_prefix>', suffix: '<fim_suffix>', middle: '<fim_middle>' },
  // SantaCoder
  { prefix: '<fim-prefix>', suffix: '<fim-suffix>', middle: '<fim-middle>' },
  // CodeLlama
  { prefix: '▁<PRE>', suffix: '▁<SUF>', middle: '▁<MID>', end: '▁<EOT>' },
  { prefix: '<PRE>', suffix: '<SUF>', middle: '<MID>', end: '<EOT>' },
  // DeepSeek-Coder
  { prefix: '<｜fim▁begin｜>', suffix: '<｜fim▁hole｜>', middle: '<｜fim▁end｜>' },
];

/** A text in three parts; in the order suffix, prefix, middle where the suffix comes first. */
export interface Divided {
  prefix: string;
  middle: string;
  suffix: string;
  suffixFirst: boolean;
}

/**
 * Fill-in-the-middle (Bavarian et al., “Efficient Training of Language Models to Fill in the Middle”, 2022), as
 * StarCoder's and Megatron-LM's scripts have it: a share of the texts is cut at two characters and rearranged, so that
 * what was in the middle comes last, and all of its tokens are learnt.
 */
export class FillInTheMiddle {
  readonly names: (typeof NAMES)[number];
  readonly rate: number;
  readonly #tokenizer: Tokenizer;
  readonly #seed: number;
  readonly #spmRate: number;
  readonly #ids: { prefix: number; suffix: number; middle: number };
  readonly #front: readonly number[];
  readonly #back: readonly number[];
  /** Whether the tokenizer puts a blank before each text, which no part within a text has. */
  readonly #addsBlank: boolean;

  /** @throws LuthierError `recipe-invalid` where the tokenizer lacks the tokens */
  constructor(tokenizer: Tokenizer, { seed, fim_rate = 0, fim_spm_rate = SPM_RATE }: FillSettings) {
    const idOf = (name: string) => tokenizer.idOf(name);
    const names = NAMES.find(({ prefix, suffix, middle }) => [prefix, suffix, middle].every((it) => idOf(it) !== null));
    if (!names) {
      throw new LuthierError(
        'recipe-invalid',
        `fim_rate is ${fim_rate}, but the model’s tokenizer has no tokens for fill-in-the-middle, such as <|fim_prefix|>, <|fim_suffix|> and <|fim_middle|>.`,
        'Choose a base model that was trained with them (Qwen 2.5 and Qwen2.5-Coder, StarCoder, CodeLlama), or remove fim_rate.',
      );
    }
    this.names = names;
    this.rate = fim_rate;
    this.#tokenizer = tokenizer;
    this.#seed = seed;
    this.#spmRate = fim_spm_rate;
    this.#ids = { prefix: idOf(names.prefix)!, suffix: idOf(names.suffix)!, middle: idOf(names.middle)! };
    const bos = tokenizer.addedBos;
    const end = (names.end === undefined ? null : idOf(names.end)) ?? tokenizer.specialId('eos_token');
    this.#front = bos === null ? [] : [bos];
    this.#back = end === null ? [] : [end];
    const [a, b] = ['a', 'b'].map((letter) => tokenizer.encodeBare(letter).ids);
    this.#addsBlank = tokenizer.decode([...a!, ...b!]) !== 'ab';
  }

  /** Tokens that a rearranged text has besides its own. */
  get added(): number {
    return 3 + this.#front.length + this.#back.length;
  }

  /** What is drawn for a text: the same for the same text, wherever it stands. */
  draws(text: string): Random {
    return new Random(this.#seed, hash(text));
  }

  /** Cut at two of its characters, each place as likely as any other; parts may be empty. */
  divide(text: string, random: Random): Divided {
    const characters = Array.from(text);
    const places = [random.below(characters.length + 1), random.below(characters.length + 1)].sort((a, b) => a - b);
    const part = (from?: number, to?: number) => characters.slice(from, to).join('');
    return {
      prefix: part(0, places[0]),
      middle: part(places[0], places[1]),
      suffix: part(places[1]),
      suffixFirst: random.float() < this.#spmRate,
    };
  }

  /** Ids of a divided text, the token that ends the middle included. */
  ids({ prefix, middle, suffix, suffixFirst }: Divided): Int32Array {
    const before = this.#tokenizer.encodeBare(prefix).ids;
    const [within, after] = [this.#within(middle), this.#within(suffix)];
    const { prefix: pre, suffix: suf, middle: mid } = this.#ids;
    const parts = suffixFirst
      ? // The second variant of the paper, which the models have learnt.
        [[pre, suf], after, [mid], before, within]
      : [[pre], before, [suf], after, [mid], within];
    return Int32Array.from([this.#front, ...parts, this.#back].flatMap((ids) => Array.from(ids)));
  }

  /** Ids of what stands within a text: without the blank that a SentencePiece tokenizer puts in front. */
  #within(text: string): Int32Array {
    if (!this.#addsBlank) return this.#tokenizer.encodeBare(text).ids;
    const { ids, offsets } = this.#tokenizer.encodeBare(`\n${text}`);
    return ids.filter((_, i) => offsets[2 * i]! >= 1);
  }
}

/** FNV-1a over UTF-16 units (Fowler, Noll and Vo). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
