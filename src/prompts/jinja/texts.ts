/** What Python's texts do, where JavaScript's do something else. */

/** Python's white space, a little more than JavaScript's. */
const BLANK = '\\s\\x1c-\\x1f\\x85';

/** Python's `split` without a separator. */
export const words = (text: string): string[] =>
  text.split(new RegExp(`[${BLANK}]+`, 'u')).filter((word) => word !== '');

/** Python's `strip`, of white space or of some characters. */
export function stripped(text: string, sides: 'both' | 'left' | 'right', characters?: string): string {
  const set = characters === undefined ? `[${BLANK}]` : `[${characters.replace(/[\\\]^-]/g, '\\$&')}]`;
  if (characters === '') return text;
  let left = 0;
  const one = new RegExp(`^${set}$`, 'u');
  const points = [...text];
  let right = points.length;
  if (sides !== 'right') while (left < right && one.test(points[left]!)) left++;
  if (sides !== 'left') while (right > left && one.test(points[right - 1]!)) right--;
  return points.slice(left, right).join('');
}

export const capitalized = (text: string): string => {
  const [first = '', ...rest] = text;
  return first.toUpperCase() + rest.join('').toLowerCase();
};

/** Python's `str.title`: a letter behind something that is none is a capital. */
export const titled = (text: string): string => text.replace(/\p{L}+/gu, (word) => capitalized(word));

/** jinja2's filter of that name: a word begins behind white space, a hyphen or a bracket. */
export const titledWords = (text: string): string =>
  text
    .split(/([-\s({[<]+)/)
    .map((word) => capitalized(word))
    .join('');

// biome-ignore lint/suspicious/noControlCharactersInRegex: Python ends lines with these, too
const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

export function splitLines(text: string): string[] {
  const lines = text.split(LINE_END);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
