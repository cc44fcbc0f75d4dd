import { LuthierError, type Recipe } from '../../../protocol/index.ts';
import { Random } from '../../data/random.ts';
import { type Divided, type MiddleNames, MiddleTokens } from '../../text/fill-in-the-middle.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';

/** Of a recipe, what decides which texts are rearranged, and where. */
export type FillSettings = Pick<Recipe, 'seed' | 'fim_rate' | 'fim_spm_rate'>;

/** Of texts that are rearranged, those with the suffix first where a recipe does not say: Megatron's and StarCoder's. */
export const SPM_RATE = 0.5;

/**
 * Fill-in-the-middle (Bavarian et al., “Efficient Training of Language Models to Fill in the Middle”, 2022), as
 * StarCoder's and Megatron-LM's scripts have it: a share of the texts is cut at two characters and rearranged, so that
 * what was in the middle comes last, and all of its tokens are learnt.
 */
export class FillInTheMiddle {
  readonly rate: number;
  readonly #tokens: MiddleTokens;
  readonly #seed: number;
  readonly #spmRate: number;

  /** @throws LuthierError `recipe-invalid` where the tokenizer lacks the tokens */
  constructor(tokenizer: Tokenizer, { seed, fim_rate = 0, fim_spm_rate = SPM_RATE }: FillSettings) {
    const tokens = MiddleTokens.of(tokenizer);
    if (!tokens) {
      throw new LuthierError(
        'recipe-invalid',
        `fim_rate is ${fim_rate}, but the model’s tokenizer has no tokens for fill-in-the-middle, such as <|fim_prefix|>, <|fim_suffix|> and <|fim_middle|>.`,
        'Choose a base model that was trained with them (Qwen 2.5 and Qwen2.5-Coder, CodeLlama), or remove fim_rate.',
      );
    }
    this.rate = fim_rate;
    this.#tokens = tokens;
    this.#seed = seed;
    this.#spmRate = fim_spm_rate;
  }

  get names(): MiddleNames {
    return this.#tokens.names;
  }

  /** Tokens that a rearranged text has besides its own. */
  get added(): number {
    return this.#tokens.added;
  }

  /** Whether a text is rearranged: the same for the same text, wherever it stands. */
  isFilled(text: string): boolean {
    return new Random(this.#seed, hash(text)).float() < this.rate;
  }

  /** Where a text is cut in an epoch, counted from 0: drawn for each, as in these scripts. */
  draws(text: string, epoch: number): Random {
    return new Random(this.#seed, (1 + epoch) * 2 ** 32 + hash(text));
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
  ids(parts: Divided): Int32Array {
    return this.#tokens.whole(parts);
  }
}

/** FNV-1a over UTF-16 units (Fowler, Noll and Vo). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
