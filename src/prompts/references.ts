import type { PromptReference, Range } from './prompt-file.ts';

const WHOLE = /^\s*\$\{(\w+)(?::([\s\S]*))?\}\s*$/;
const FILE_IN_TEXT = /\$\{file:([^}\r\n]+)\}/g;

type Read = Pick<PromptReference, 'kind' | 'target' | 'default'>;

/** A value that is a reference and nothing else, as Prompty has it; null for any other, `unknown` for one of no kind that there is. */
export function referenceIn(value: string): Read | 'unknown' | null {
  const match = WHOLE.exec(value);
  if (!match) return null;
  const [kind, rest] = [match[1]!.toLowerCase(), match[2] ?? ''];
  if (kind === 'file' && rest.trim() !== '') return { kind, target: rest.trim() };
  if (kind !== 'env' || rest === '') return 'unknown';
  const colon = rest.indexOf(':');
  return colon < 0 ? { kind, target: rest } : { kind, target: rest.slice(0, colon), default: rest.slice(colon + 1) };
}

/** Files that a template's text takes in. */
export const filesIn = (text: string, offset = 0): { target: string; range: Range }[] =>
  [...text.matchAll(FILE_IN_TEXT)].map((match) => ({
    target: match[1]!.trim(),
    range: { start: offset + match.index, end: offset + match.index + match[0].length },
  }));
