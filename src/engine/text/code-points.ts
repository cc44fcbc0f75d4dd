/** For each UTF-16 unit of a text, and for its end, the number of code points before it. */
export function codePointsBefore(text: string): Int32Array {
  const before = new Int32Array(text.length + 1);
  let count = 0;
  let at = 0;
  for (const character of text) {
    before.fill(count, at, at + character.length);
    at += character.length;
    count++;
  }
  before[at] = count;
  return before;
}
