/**
 * Characters that do something instead of showing something: C0 and C1 controls (an escape sequence moves the cursor,
 * renames the window or types into the shell), and those that turn the order of what follows around.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ACTING = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Text from a file as it may be shown: line ends and tabs stay, whatever else acts is written out (`\u001b`). */
export const visible = (text: string): string =>
  text.replace(ACTING, (character) => (character === '\n' || character === '\t' ? character : codeOf(character)));

/** The same on one line. */
export const visibleLine = (text: string): string => visible(text.replace(/[\r\n\t]+/g, ' '));

/** `\u001b`, as JSON writes it. */
const codeOf = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON that is plain ASCII where a terminal would act on it; the same value when it is parsed. */
export const visibleJson = (json: string): string => json.replace(ACTING, codeOf);
