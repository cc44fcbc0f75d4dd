import { counted, type LearntRow } from '../../../protocol/index.ts';
import { nameOf } from '../../data/row-source.ts';
import type { TaskRow } from '../../data/types.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { countLearnt, type LanguageItem, SAMPLES, segmentsOf } from './items.ts';

/** Characters of what is cut that are shown. */
const CUT_LENGTH = 1000;

/**
 * The first rows as the model sees them; where none of them is too long and another one is, that one is among them, so
 * that a person sees what is cut.
 */
export function previewOf(rows: readonly TaskRow[], items: readonly LanguageItem[], tokenizer: Tokenizer): LearntRow[] {
  const windows = new Map<number, LanguageItem[]>();
  for (const item of items) {
    const of = windows.get(item.row);
    if (of) of.push(item);
    else windows.set(item.row, [item]);
  }
  const all = [...windows.values()];
  const shown = all.slice(0, SAMPLES);
  if (!shown.some(isCut)) {
    const long = all.slice(SAMPLES).find(isCut);
    if (long) shown[shown.length - 1] = long;
  }
  return shown.map((of) => rowOf(rows, of, tokenizer));
}

const isCut = ([first]: readonly LanguageItem[]): boolean => first!.leftOut !== undefined;

function rowOf(rows: readonly TaskRow[], of: readonly LanguageItem[], tokenizer: Tokenizer): LearntRow {
  const item = of[0]!;
  const { file, line } = rows[item.row]!;
  const { before = '', after = '' } = item.leftOut?.() ?? {};
  const cut = (text: string, shortened: string): LearntRow['parts'] =>
    text === '' ? [] : [{ text: text.length > CUT_LENGTH ? shortened : text, kind: 'cut' }];
  return {
    ...{ file, line, tokens: item.ids.length, learnt: countLearnt(item.labels), windows: of.length },
    parts: [
      ...cut(before, `…${before.slice(-CUT_LENGTH)}`),
      ...segmentsOf(item, tokenizer).map(({ text, learnt }) => ({ text, kind: learnt ? 'learnt' : 'read' }) as const),
      ...cut(after, `${after.slice(0, CUT_LENGTH)}…`),
    ],
  };
}

/** Characters of a part in a line: its beginning and its end. */
const PART_LENGTH = 120;

type Mark = (text: string) => string;

/** Between what a row's parts stand in a line. */
export const MARKS: Readonly<Record<LearntRow['parts'][number]['kind'], Mark>> = {
  learnt: (text) => `⟦${text}⟧`,
  read: (text) => text,
  cut: (text) => `⟨${text}⟩`,
};

/** A row as a line: what is learnt stands between ⟦ and ⟧, what did not fit between ⟨ and ⟩. */
export function learntLine(row: LearntRow, marks: Readonly<Record<keyof typeof MARKS, Mark>> = MARKS): string {
  const shown = row.parts.map(({ text, kind }) => {
    const line = text.replace(/\s+/g, ' ');
    const short =
      line.length <= PART_LENGTH ? line : `${line.slice(0, PART_LENGTH / 2)} … ${line.slice(-PART_LENGTH / 2)}`;
    return marks[kind](short);
  });
  const { file, line, learnt, tokens, windows } = row;
  const cut = row.parts.some(({ kind }) => kind === 'cut') ? '; what is cut, between ⟨ and ⟩' : '';
  const more = windows > 1 ? `, the first of ${counted(windows, 'window')}` : '';
  return `${nameOf(file)}, line ${line}: ${learnt} of ${counted(tokens, 'token')}${more} ${learnt === 1 ? 'is' : 'are'} learnt, between ⟦ and ⟧${cut}: ${shown.join('')}`;
}
