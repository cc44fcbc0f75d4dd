import { type Columns, counted, fieldOf } from '../../../protocol/index.ts';
import { namesOf } from '../../data/checks.ts';
import { PART, type PartOfText } from '../../data/plain-text.ts';
import { listed } from '../../data/problems.ts';
import type { TableRow } from '../../data/row-record.ts';
import { isEmpty, type Table } from '../../data/table.ts';
import type { ReadRowsOptions, RowKind, TaskRow } from '../../data/types.ts';
import { columnNamed, type Found, groupIn, lacksColumns } from '../language/columns.ts';
import { languageKind, type Written } from '../language/kind.ts';

const TASK = 'text-generation';

/** A text, a part of a long one, or a completion with its prompt. */
export interface Passage extends TaskRow {
  text: string;
  /** What stands before it and is not learnt. */
  prompt?: string;
  /** Whether a text begins and ends here. */
  isStart: boolean;
  isEnd: boolean;
  /** It stands in a column of texts, some of which have prompts. */
  isMixed?: boolean;
}

/** What it is told apart by. */
export const textOf = ({ prompt = '', text }: Pick<Passage, 'prompt' | 'text'>): string => prompt + text;

/**
 * A column of prompts and one of completions, or one of texts.
 * @throws LuthierError `data-invalid` where a table has neither
 */
export function layoutOf(table: Table, given: Columns): { columns: Columns; reason: string } {
  const named = (name: keyof Columns) => columnNamed(table, fieldOf('text-generation', name), given);
  const group = given.group !== undefined && { group: given.group };
  if (table.format === 'text')
    return { columns: { text: 'text', ...group }, reason: 'The texts are learnt as they are.' };
  const [prompt, completion] = [named('prompt'), named('completion')];
  if (prompt && completion && given.text === undefined) {
    return {
      columns: { prompt: prompt.name, completion: completion.name, ...group },
      reason: `The prompt is “${prompt.name}” (${prompt.why}), the completion “${completion.name}” (${completion.why}); the completion alone is learnt.`,
    };
  }
  const text = named('text');
  // Only where both are named, as Luthier's own datasets do: texts beside which some prompts stand.
  if (text && prompt && given.text !== undefined && given.prompt !== undefined) {
    return {
      columns: { text: text.name, prompt: prompt.name, ...group },
      reason: `The text is “${text.name}” (${text.why}); where “${prompt.name}” has one, the prompt before it is not learnt.`,
    };
  }
  if (text) {
    return {
      columns: { text: text.name, ...group },
      reason: `The text is “${text.name}” (${text.why}); all of it is learnt.`,
    };
  }
  const only = table.columns.length === 1 ? table.columns[0]! : undefined;
  if (only !== undefined && !table.nested.has(only)) {
    return {
      columns: { text: only, ...group },
      reason: `The text is “${only}” (the only column); all of it is learnt.`,
    };
  }
  throw lacksColumns(
    table,
    TASK,
    'texts',
    `a text, or a prompt and its completion (${listed(['“text”', '“prompt” and “completion”'], 'or')})`,
  );
}

/** The texts of a table. Rows without one are left out, counted and told. */
export function passagesIn(
  table: Table,
  columns: Columns,
  { file, problems, names = namesOf(table, columns, TASK) }: ReadRowsOptions,
): Written<Passage>[] {
  const find = (name: keyof Columns): Found | undefined =>
    columns[name] === undefined ? undefined : columnNamed(table, fieldOf('text-generation', name), columns);
  const prompt = find('prompt');
  const target = (find('completion') ?? find('text'))!;
  const part = table.format === 'text' ? table.columns.indexOf(PART) : -1;
  const groupOf = groupIn(table, columns);
  const isMixed = prompt !== undefined && columns.completion === undefined;
  const leaveOut = (row: TableRow, { name }: Found, code: string, why: string) =>
    problems.occurrence(
      { severity: 'warning', code, column: name, key: why },
      row.line,
      (where, count) => `${counted(count, 'row')} ${count === 1 ? 'is' : 'are'} left out (${where}): “${name}” ${why}.`,
    );
  const passages: Written<Passage>[] = [];
  for (const row of table.rows) {
    const json = [prompt, target].find((column) => column && row.json(column.index) !== undefined);
    if (json) {
      leaveOut(row, json, 'cell-not-text', 'contains JSON, not a text');
      continue;
    }
    const text = row.value(target.index);
    if (isEmpty(text)) {
      leaveOut(row, target, 'empty-cell', 'is empty');
      continue;
    }
    const written = prompt && (row.value(prompt.index) ?? '');
    const before = isMixed && isEmpty(written) ? undefined : written;
    if (before !== undefined && isEmpty(before)) {
      problems.occurrence(
        { severity: 'warning', code: 'empty-cell', column: prompt!.name, key: 'prompt' },
        row.line,
        (where, count) =>
          `In ${counted(count, 'row')} (${where}) “${prompt!.name}” is empty: the completion is learnt as a text of its own.`,
      );
    }
    const at = part < 0 ? 'whole' : (row.value(part) as PartOfText);
    passages.push({
      ...{ id: names.of(row), file: row.file ?? file, line: row.line, text },
      ...(before !== undefined && { prompt: before }),
      ...{ isStart: at === 'whole' || at === 'first', isEnd: at === 'whole' || at === 'last' },
      ...(isMixed && { isMixed }),
      ...groupOf(row),
    });
  }
  const glued = passages.filter(
    ({ text, prompt: before }) => before && /\S$/.test(before) && /^[\p{L}\p{N}]/u.test(text),
  );
  if (glued.length > 0) {
    problems.add(
      'info',
      'no-blank',
      `In ${counted(glued.length, 'row')} the completion follows its prompt without a blank. Begin completions with one where a new word begins.`,
      { line: glued[0]!.line },
    );
  }
  const total = table.rows.length;
  if (passages.length < total) {
    const used = `${passages.length} of ${counted(total, 'row')} can be learnt from.`;
    problems.add(passages.length === 0 ? 'error' : 'info', 'rows-used', used);
  }
  return passages;
}

/** Texts, as they are read, split and shown. */
export const PASSAGES: RowKind<Passage, Written<Passage>> = {
  name: TASK,
  ...languageKind<Passage>('row', textOf),
  layout: layoutOf,
  rows: async (table, columns, options) => passagesIn(table, columns, options),
  stored: ({ text, prompt, isMixed, group }) => ({
    ...(prompt === undefined ? { text } : isMixed ? { prompt, text } : { prompt, completion: text }),
    ...(group !== undefined && { group }),
  }),
  recognises: ({ prompt, completion }) =>
    prompt?.toLowerCase() === 'prompt' && completion?.toLowerCase() === 'completion',
};
