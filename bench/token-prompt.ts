/** A text of so many tokens to be continued, the same on both sides (bench/peers/next_token.py): time depends on no token. */
export const promptOf = (length: number, vocab: number): number[] =>
  Array.from({ length }, (_, i) => 3 + ((7919 * i) % (vocab - 3)));
