import type { Tokenizer } from '../text/tokenizer.ts';

/** The end of a text, in tokens. */
export interface Context {
  text: string;
  ids: number[];
  /** Start and end of each token in the text, one pair after the other. */
  offsets: Int32Array;
}

/** Of the tokens that there is room for, as many are taken when a window is cut anew: the rest is typed on. */
const FILL = 0.75;
/** Characters of a token at most, roughly: what is further away is not even looked at. */
const TOKEN_CHARACTERS = 8;
/** Characters by which a window is found again. */
const HEAD = 60;
const MOST_PLACES = 200;

/**
 * What of the text before the cursor a model sees: at most so many tokens, from a line's start on. It begins where it
 * began the last time as long as that fits, so that what the model remembers still counts while somebody types; then it
 * moves on by a quarter of its length.
 */
export class ContextWindow {
  #last = '';

  constructor(private readonly tokenizer: Pick<Tokenizer, 'encodeBare'>) {}

  cut(before: string, most: number): Context {
    const again = startLike(before, this.#last);
    const known = again === null ? null : this.#encode(before.slice(again));
    const context = known && known.ids.length <= most ? known : this.#anew(before, most);
    this.#last = context.text;
    return context;
  }

  #anew(before: string, most: number): Context {
    const near = before.slice(-most * TOKEN_CHARACTERS);
    const all = this.#encode(near);
    if (near.length === before.length && all.ids.length <= most) return all;
    const first = Math.max(0, all.ids.length - Math.floor(most * FILL));
    const from = all.offsets[2 * first] ?? 0;
    const line = near.indexOf('\n', Math.max(0, from - 1)) + 1;
    // A single line may be longer than all that there is room for: then it begins with a word.
    const word = from + Math.max(0, near.slice(from).search(/\s/));
    const context = this.#encode(near.slice(line > 0 && line < near.trimEnd().length ? line : word));
    if (context.ids.length <= most) return context;
    return this.#encode(near.slice(all.offsets[2 * (all.ids.length - Math.floor(most / 2))]!));
  }

  #encode(text: string): Context {
    const { ids, offsets } = this.tokenizer.encodeBare(text);
    return { text, ids: [...ids], offsets };
  }
}

/** Where in a text the last window begins; null where it is another text, or too little would be left of it. */
function startLike(before: string, last: string): number | null {
  if (last === '') return null;
  const head = last.slice(0, HEAD);
  let [best, length] = [0, 0];
  let at = before.indexOf(head);
  for (let n = 0; at >= 0 && n < MOST_PLACES; n++) {
    const common = commonLength(before, at, last);
    if (common > length) [best, length] = [at, common];
    at = before.indexOf(head, at + 1);
  }
  const left = before.length - best;
  if (length === 0 || length < Math.min(left, last.length) / 2) return null;
  return best === 0 || left >= last.length / 2 ? best : null;
}

function commonLength(text: string, from: number, other: string): number {
  const most = Math.min(text.length - from, other.length);
  let length = 0;
  while (length < most && text.charCodeAt(from + length) === other.charCodeAt(length)) length++;
  return length;
}
