import { LuthierError } from '../../protocol/index.ts';
import { OutOfTime, withTimeLimit } from './time-limit.ts';

/** Characters; shorter texts take no time that could matter, unless a regular expression says otherwise. */
const SHORT_TEXT = 20_000;
/** What splitting a text may take, and more for each of its characters: a hundred times what slow machines need. */
const TEXT_MS = 3_000;
const CHARACTER_MS = 0.02;

/** What a tokenizer may take for a text: a time that no text takes with a tokenizer that is meant seriously. */
export class SplittingTime {
  readonly #source: string;
  /** The file brings regular expressions of its own, which may take any time. */
  readonly #hasPatterns: boolean;

  /**
   * @param source the tokenizer's file, for messages
   * @param json what it says
   */
  constructor(source: string, json: Readonly<Record<string, unknown>>) {
    this.#source = source;
    this.#hasPatterns = ['normalizer', 'pre_tokenizer'].some((key) => hasPattern(json[key]));
  }

  /**
   * Does what is done to a text.
   * @throws LuthierError `tokenizer-invalid` where it takes longer
   */
  within<T>(raw: string, work: () => T): T {
    if (!this.#hasPatterns && raw.length <= SHORT_TEXT) return work();
    const limit = TEXT_MS + raw.length * CHARACTER_MS;
    try {
      return withTimeLimit(limit, work);
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
      throw new LuthierError(
        'tokenizer-invalid',
        `${this.#source} takes more than ${(limit / 1000).toFixed(0)} s to split a text of ${raw.length} characters (${JSON.stringify(`${raw.slice(0, 40)}…`)}).`,
        this.#hasPatterns
          ? 'A regular expression in its normalizer or pre_tokenizer can take unlimited time on such a text. Download the tokenizer again from the model’s page.'
          : 'Split such texts into shorter ones.',
        { cause: error },
      );
    }
  }
}

/** Whether a part of tokenizer.json holds a regular expression. */
const hasPattern = (part: unknown): boolean =>
  typeof part === 'object' &&
  part !== null &&
  ('Regex' in part || Object.values(part).some((value) => hasPattern(value)));
