import { basename, extname } from 'node:path';
import {
  type Columns,
  columnFields,
  counted,
  type DataProblem,
  LuthierError,
  type Note,
  splitPair,
  type Texts,
} from '../../protocol/index.ts';
import { guessColumns } from '../data/columns.ts';
import { columnsOfInputs, halfAPair } from '../data/labelled.ts';
import { listed, places, quoted } from '../data/problems.ts';
import { readTable } from '../data/read.ts';
import { readLines } from '../data/read-lines.ts';
import { isEmpty, type Table, withoutBroken } from '../data/table.ts';
import { type RowTemplate, type RowText, textsForTemplate } from '../prompts/row-template.ts';

/** What a model is asked with: prompts that it continues or answers, sentences of words, or texts. */
export interface Reads {
  kind: 'prompts' | 'words' | 'texts';
  /** Columns that it was trained on, one for each of its texts, where its folder says so. */
  inputs?: readonly string[] | undefined;
  /** What its rows are read through: then the columns of its inputs are read. */
  template?: RowTemplate | undefined;
}

/** What a model is asked, row by row. */
export interface FileTexts {
  texts: RowText[];
  /** The 1-based line that each begins on. */
  lines: number[];
  /** Columns that they were read from; `text` for a file of lines. */
  from: string[];
  /** Null for a file of lines. */
  table: Table | null;
}

export interface ReadFileTextsOptions {
  encoding?: string | undefined;
  /** Those that a person named. */
  columns?: Columns;
  /** Whether a table of JSON has its rows as they are written, too. */
  keepsSource?: boolean;
  /** Whether rows with a cell too many or too few are left out, where there need not be an answer for each row. */
  leavesOutBroken?: boolean;
  /** Hears what is odd about the file. */
  note?: Note | undefined;
}

/** Whether a file is read line by line. */
export const isPlainText = (file: string): boolean => ['.txt', ''].includes(extname(file).toLowerCase());

/**
 * Reads what a model is to answer: a text in each line of a plain text, else one in each row of a table, from the columns
 * that were named, those that the model was trained on, or the ones that look like it. Every row is given, so that
 * answers and rows can be matched, also one with a cell too many or too few; what is given of it is said.
 * @throws LuthierError as readTable and guessColumns, `data-invalid` for a table without such a column
 */
export async function readFileTexts(
  file: string,
  reads: Reads | Promise<Reads>,
  { encoding, columns: given = {}, keepsSource, leavesOutBroken, note = () => {} }: ReadFileTextsOptions = {},
): Promise<FileTexts> {
  const tell = (severity: string, message: string) => note(severity === 'info' ? 'info' : 'warning', message);
  if (isPlainText(file) && Object.keys(given).length === 0) {
    const { lines, problems } = await readLines(file, encoding);
    for (const { severity, message } of problems) tell(severity, message);
    const texts = pairsOfLines(lines, await reads);
    tellEmpty(
      texts.flatMap(({ text }, i) => (isEmpty(text) ? [i + 1] : [])),
      'line',
      note,
    );
    return { texts, lines: lines.map((_, i) => i + 1), from: ['text'], table: null };
  }
  const whole = await readTable({ file }, { encoding, keepsSource });
  const { kind, inputs, template } = await reads;
  // Cells of broken rows may stand in wrong columns, and say nothing of what a column holds.
  const sound = withoutBroken(whole);
  const table = leavesOutBroken ? sound : whole;
  const known = sound.rows.length > 0 ? sound : whole;
  const words = kind === 'words' && given.text === undefined ? wordsColumn(known, given) : undefined;
  // Lists of words are what such a model reads.
  for (const problem of whole.problems)
    if (words === undefined || problem.column !== words)
      tell(problem.severity, problem.message + whatOf(problem, whole, leavesOutBroken));
  const lines = Array.from(table.rows, ({ line }) => line);
  if (template && given.text === undefined) return { ...textsForTemplate(template, table), lines, table };
  if (words !== undefined) return { ...sentences(table, words), lines, table };
  const columns = kind === 'prompts' ? promptColumn(known, given) : textColumns(known, given, inputs);
  const [text, pair] = columns.map((name) => table.columns.indexOf(name));
  if (pair !== undefined) tellHalves(table, [text!, pair], note);
  else
    tellEmpty(
      table.rows.filter((row) => isEmpty(row.value(text!))).map(({ line }) => line),
      'row',
      note,
    );
  const texts = Array.from(table.rows, (row): Texts => {
    const first = row.value(text!) ?? '';
    return pair === undefined ? { text: first } : { text: first, text_pair: row.value(pair) ?? '' };
  });
  return { texts, lines, from: columns, table };
}

/** Lines for a model of pairs hold two texts each. */
export const pairsOfLines = (lines: readonly string[], { inputs }: Pick<Reads, 'inputs'>): Texts[] =>
  lines.map((line): Texts => {
    const { text, text_pair } = inputs?.length === 2 ? splitPair(line) : { text: line };
    return text_pair === undefined ? { text } : { text, text_pair };
  });

/** An error at one of several texts, which says at which. */
export const errorAt = (where: string, error: unknown): unknown =>
  error instanceof LuthierError
    ? new LuthierError(error.code, `${where}: ${error.message}`, error.hint, { cause: error })
    : error;

/** Where a row of a file stands, as messages call it. */
export const placeOf = (file: string, line: number): string => `${basename(file)}, line ${line}`;

/** The one that was named, CoNLL's, or lists of JSON. */
const wordsColumn = (table: Table, { tokens }: Columns): string | undefined =>
  guessColumns(table, tokens === undefined ? {} : { tokens }, undefined, {
    fields: columnFields('token-classification'),
  }).columns.tokens;

function sentences(table: Table, name: string): Pick<FileTexts, 'texts' | 'from'> {
  const column = table.columns.indexOf(name);
  const texts = Array.from(table.rows, (row) => {
    const words = row.json(column);
    return { text: Array.isArray(words) ? words.join(' ') : '' };
  });
  return { texts, from: [name] };
}

/** Called `prompt` or `text`, else what looks like texts, else the only column that there is. */
function promptColumn(table: Table, given: Columns): string[] {
  const usual = given.text ?? ['prompt', 'text'].find((name) => table.columns.includes(name));
  const asGiven = usual === undefined ? {} : { text: usual };
  const { columns } = guessColumns(table, asGiven, undefined, { pairs: false });
  const only = table.columns.length === 1 ? table.columns[0]! : undefined;
  const column = columns.text ?? (only !== undefined && table.nested.has(only) ? undefined : only);
  if (column === undefined) throw noTexts(table, 'prompt', 'luthier generate');
  return [column];
}

function textColumns(table: Table, given: Columns, inputs: readonly string[] | undefined): string[] {
  const named = inputs === undefined ? {} : columnsOfInputs(inputs, table, given);
  const { columns } = guessColumns(table, { ...given, ...named }, undefined, { pairs: inputs?.length !== 1 });
  const { text, text_pair } = columns;
  if (text === undefined) throw noTexts(table, inputs?.[0] ?? 'text', 'luthier predict');
  if (inputs?.length === 2 && text_pair === undefined) throw halfAPair(table, inputs);
  return text_pair === undefined ? [text] : [text, text_pair];
}

const noTexts = ({ name, columns }: Table, wanted: string, command: string): LuthierError =>
  new LuthierError(
    'data-invalid',
    `${name}: none of the columns ${listed(columns.slice(0, 20).map(quoted))} looks like text.`,
    `Call the column of texts “${wanted}”. With ${command}, --text-column names it.`,
  );

/** What becomes of the rows that an error was found in: a sentence behind it, or nothing. */
function whatOf({ severity, code }: DataProblem, { broken }: Pick<Table, 'broken'>, isLeftOut = false): string {
  // A word without a tag is read as any other.
  if (severity !== 'error' || code === 'no-tag') return '';
  if (code !== 'ragged-row' || !broken) return isLeftOut ? '' : ' What cannot be read has no answer.';
  const isOne = broken.length === 1;
  if (isLeftOut) return isOne ? ' The row is left out.' : ' These rows are left out.';
  const [subject, answers] = isOne ? ['The row is', 'its answer'] : ['These rows are', 'their answers'];
  return ` ${subject} answered all the same, from the cell in the column that is read, which may be a part of the text or something else: check ${answers}.`;
}

/** Each row has its answer, in order; what an empty text is for is up to who asked. @param at lines on which there is no text */
function tellEmpty(at: readonly number[], what: 'line' | 'row', note: Note): void {
  if (at.length === 0) return;
  const which = `${counted(at.length, what)} ${at.length === 1 ? 'has' : 'have'} no text`;
  note('warning', `${which} (${places(at)}).`);
}

/** Each row has its answer, in order; that of half a pair says little. */
function tellHalves(table: Table, indices: readonly number[], note: Note): void {
  const halves = table.rows.filter((row) => indices.some((i) => isEmpty(row.value(i)))).map(({ line }) => line);
  if (halves.length === 0) return;
  const which = halves.length === 1 ? '1 row lacks' : `${halves.length} rows lack`;
  note('warning', `${which} one of the two texts (${places(halves)}); the prediction there is for half a pair.`);
}
