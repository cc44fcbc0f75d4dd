/** Characters that act where code is shown: what is read would not be what runs. */
const ACTING = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;
const codeOf = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A text as Python writes it: what JSON writes is Python, too. */
export const pythonText = (text: string): string => JSON.stringify(text).replace(ACTING, codeOf);

/** A text as JavaScript writes it. */
export const javascriptText = (text: string): string =>
  `'${pythonText(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;

/** A text of several lines as one line of code each. */
export function textInLines(
  text: string,
  { literal, open, close, join, step, indent }: TextStyle & { indent: string },
): string {
  const lines = text.split(/(?<=\n)/);
  if (lines.length < 2) return literal(text);
  const deeper = `${indent}${step}`;
  return `${open}\n${lines.map((line) => `${deeper}${literal(line)}`).join(join)}\n${indent}${close}`;
}

/** How a language puts a text together from literals. */
export interface TextStyle {
  literal: (text: string) => string;
  open: string;
  close: string;
  join: string;
  /** That inner lines are indented by. */
  step: string;
}

/** A line for a comment: nothing from outside ends it. */
export const oneLine = (text: string): string =>
  text
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, 300);

/** A folder as transformers.js finds it: the folder of models, with slashes on Windows, too, and the name in that. */
export function placeOf(folder: string): { parent: string; name: string } {
  const [, parent, name] = /^(.*)[\\/]([^\\/]+)[\\/]?$/.exec(folder) ?? [];
  return { parent: (parent ?? '.').replaceAll('\\', '/') || '/', name: name ?? folder };
}
