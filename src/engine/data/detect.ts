import { extname } from 'node:path';
import { type DataFormat, LuthierError, type TaskName } from '../../protocol/index.ts';
import { looksLikeConll } from './conll.ts';
import { type Dialect, sampleRows } from './delimited.ts';
import { detectJson } from './detect-json.ts';
import { FAST_TEXT, LABEL_SPACE_TEXT } from './lines.ts';
import { markdownTables } from './markdown.ts';
import { KNOWN_NAMES } from './names.ts';
import { isPlainText } from './plain-text.ts';

/** How a file is to be read. `label-tab-text` is told from `tsv` only by its missing header, so not here. */
export type Detected =
  | { format: Exclude<DataFormat, 'csv' | 'tsv' | 'label-tab-text' | 'text'> }
  | { format: 'csv' | 'tsv'; dialect: Dialect };

/** Bytes that a format is found from. */
export const SAMPLE_BYTES = 1 << 18;

const DELIMITERS = [',', '\t', ';', '|'] as const;
const BY_EXTENSION: Record<string, string> = { '.csv': ',', '.tsv': '\t', '.tab': '\t' };

/** What plain text is good for, for the editor and, in a sentence of its own, for the terminal. */
const AS_IT_IS =
  'A model that learns to write reads such a file as it is: set "task": "text-generation" in a recipe. In the terminal, luthier data inspect takes --task text-generation.';

/** Share of the rows that must agree on a number of cells before a text counts as delimited. */
const AGREEMENT = 0.8;
/** The same where the file's name says that it is. */
const AGREEMENT_BY_NAME = 0.5;

/**
 * Finds a file's format from its content first and its name second: names lie more often.
 * @param bytes UTF-8: the content or its beginning; of the latter the last line does not count.
 * @throws LuthierError `data-invalid` when the text is no table in any format.
 */
export function detectFormat(
  bytes: Buffer,
  name: string,
  { isWhole = bytes.length <= SAMPLE_BYTES, task }: { isWhole?: boolean; task?: TaskName | undefined } = {},
): Detected {
  const extension = extname(name).toLowerCase();
  const sample = isWhole ? bytes : wholeLines(bytes.subarray(0, SAMPLE_BYTES));
  const text = sample.toString('utf8');
  const json = detectJson(text, isWhole, name);
  if (json) return { format: json };

  const lines = text.split(/\r\n|\n|\r/);
  if (task === 'token-classification' || (task === undefined && looksLikeConll(lines, extension))) {
    return { format: 'conll' };
  }
  const table = markdownTables(lines)[0];
  const isMarkdown = extension === '.md' || extension === '.markdown';
  if (table && (isMarkdown || lines.slice(0, table.start).every((line) => line.trim() === ''))) {
    return { format: 'markdown' };
  }
  const byName = BY_EXTENSION[extension];
  const found = isMarkdown ? undefined : guessDialect(sample, text, byName);
  if (byName === undefined) {
    const labels = labelSpaceText(lines);
    if (labels && isLikelier(labels, found)) return { format: 'label-space-text' };
  }
  if (found) return { format: found.dialect.delimiter === '\t' ? 'tsv' : 'csv', dialect: found.dialect };
  if (table) return { format: 'markdown' };
  throw new LuthierError(
    'data-invalid',
    `${name} is not a table: its lines share no delimiter (comma, tab, semicolon or vertical bar), and it is neither JSON nor a Markdown table.`,
    `Write one row for each text, as in a CSV file whose first line is “text,label”.${isPlainText(name) ? ` ${AS_IT_IS}` : ''}`,
  );
}

/** The bytes up to their last whole line. */
function wholeLines(bytes: Buffer): Buffer {
  const cut = Math.max(bytes.lastIndexOf(10), bytes.lastIndexOf(13));
  return cut > 0 ? bytes.subarray(0, cut + 1) : bytes;
}

interface LabelSpaceText {
  kind: 'fastText' | 'numbers' | 'words';
  lines: number;
}

/**
 * SST-2's lines, `1 a stirring , funny film`: every line begins with a word of a small set and goes on.
 * Numbers and fastText's `__label__x` are enough of a sign; other words must each come back often.
 */
function labelSpaceText(lines: readonly string[]): LabelSpaceText | undefined {
  const seen = new Map<string, number>();
  let total = 0;
  for (const line of lines) {
    if (line.trim() === '') continue;
    const match = LABEL_SPACE_TEXT.exec(line);
    if (!match) return undefined;
    total++;
    seen.set(match[1]!, (seen.get(match[1]!) ?? 0) + 1);
    if (seen.size > 50 && !match[1]!.startsWith(FAST_TEXT)) return undefined;
  }
  if (total === 0) return undefined;
  const labels = [...seen.keys()];
  if (labels.every((label) => label.startsWith(FAST_TEXT))) return { kind: 'fastText', lines: total };
  if (labels.every((label) => /^\d{1,3}$/.test(label))) {
    return total > labels.length || total < 3 ? { kind: 'numbers', lines: total } : undefined;
  }
  const comeBack = total >= 8 * seen.size && [...seen.values()].every((count) => count >= 2);
  return seen.size >= 2 && comeBack ? { kind: 'words', lines: total } : undefined;
}

interface Guessed {
  dialect: Dialect;
  agreement: number;
}

/**
 * Whether lines are labels and texts rather than delimited. A text has commas of its own, but the same number of them
 * on each of many lines is no chance; a tab is none ever; and a first word like “I” or “It” is no label.
 */
function isLikelier({ kind, lines }: LabelSpaceText, found: Guessed | undefined): boolean {
  if (!found || kind === 'fastText') return true;
  if (kind === 'words' || found.dialect.delimiter === '\t') return false;
  return found.agreement < 1 || lines < 5;
}

/** The delimiter whose rows agree best on a number of cells of at least two. */
function guessDialect(sample: Buffer, text: string, byName: string | undefined): Guessed | undefined {
  const order = byName === undefined ? DELIMITERS : [byName, ...DELIMITERS.filter((d) => d !== byName)];
  let best: Guessed | undefined;
  for (const delimiter of order) {
    if (!text.includes(delimiter)) continue;
    // Without this, `a, "b, c"` would be three cells.
    const ltrim = delimiter !== '\t' && text.includes(`${delimiter} "`);
    const dialect: Dialect = { delimiter, quotes: true, ltrim };
    const agreement = agreementOf(rowsFor(sample, dialect));
    if (agreement > (best?.agreement ?? 0)) best = { dialect, agreement };
  }
  if (best && best.agreement >= (byName === undefined ? AGREEMENT : AGREEMENT_BY_NAME)) return best;
  if (byName === undefined) return undefined;
  // A file of that name with one column, or one whose header is good and whose rows are not: told row by row.
  const dialect: Dialect = { delimiter: byName, quotes: true, ltrim: false };
  const rows = rowsFor(sample, dialect);
  const header = rows[0] ?? [];
  const isOneColumn = rows.length > 0 && rows.every((row) => row.length === 1);
  const isNamed = header.length > 1 && header.some((cell) => KNOWN_NAMES.has(cell.trim().toLowerCase()));
  return isOneColumn || isNamed ? { dialect, agreement: 0 } : undefined;
}

/** Rows with any content. Where quotes do not fit near the beginning, the sample says more without them. */
function rowsFor(sample: Buffer, dialect: Dialect): string[][] {
  let { rows, isBroken } = sampleRows(sample, dialect);
  if (isBroken && rows.length < 10) {
    const plain = sampleRows(sample, { ...dialect, quotes: false });
    if (plain.rows.length > rows.length) rows = plain.rows;
  }
  return rows.filter((row) => row.some((cell) => cell.trim() !== ''));
}

function agreementOf(rows: readonly string[][]): number {
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(row.length, (counts.get(row.length) ?? 0) + 1);
  let best = 0;
  for (const [width, count] of counts) if (width >= 2 && count > best) best = count;
  if (rows.length === 0) return 0;
  // The header's width counts for more than another row's: the text may hold any delimiter, the header does not.
  const fits = counts.get(rows[0]!.length) === best && rows[0]!.length >= 2;
  return (best / rows.length) * (fits ? 1 : 0.9);
}
