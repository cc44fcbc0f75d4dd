/** What a blank parts from the text before it: not words of scripts that write none. */
const WORD = /^(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{N}]/u;

/** A word as it follows a prompt: with a blank before it where the prompt ends without one. */
export const following = (prompt: string, word: string): string =>
  /\S$/.test(prompt) && WORD.test(word) ? ` ${word}` : word;
