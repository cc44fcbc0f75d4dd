import type { Tokenizer } from '../text/tokenizer.ts';
import type { Truncate } from './renderer.ts';

/** A text's first tokens. */
export const truncateBy =
  (tokenizer: Tokenizer): Truncate =>
  (text, tokens) => {
    const { ids, offsets } = tokenizer.encodeBare(text);
    return ids.length <= tokens ? text : text.slice(0, offsets[2 * tokens - 1]!);
  };
