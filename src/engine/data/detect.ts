import { extname } from 'node:path';
import type { DataFormat } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { type Dialect, sampleRows } from './delimited.ts';
import { LABEL_SPACE_TEXT, linesOf } from './lines.ts';
import { markdownTables } from './markdown.ts';
import { KNOWN_NAMES } from './names.ts';

/** How a file is to be read. `label-tab-text` is told from `tsv` only by its missing header, so not here. */
export type Detected =
  | { format: Exclude<DataFormat, 'csv' | 'tsv' | 'label-tab-text'> }
  | { format: 'csv' | 'tsv'; dialect: Dialect };

const SAMPLE_BYTES = 1 << 16;
const DELIMITERS = [',', '\t', ';', '|'] as const;
const BY_EXTENSION: Record<string, string> = { '.csv': ',', '.tsv': '\t', '.tab': '\t' };

/** Share of the rows that must agree on a number of cells before a text counts as delimited. */
const AGREEMENT = 0.8;
/** The same where the file's name says that it is. */
const AGREEMENT_BY_NAME = 0.5;

/**
 * Finds a file's format from its content first and its name second: names lie more often.
 * @param bytes UTF-8.
 * @throws LuthierError `data-invalid` when the text is no table in any format.
 */
export function detectFormat(bytes: Buffer, name: string): Detected {
  const extension = extname(name).toLowerCase();
  const sample = sampleOf(bytes);
  const json = detectJson(bytes, sample, name);
  if (json) return { format: json };

  const lines = sample.split(/\r\n|\n|\r/);
  const table = markdownTables(lines)[0];
  const isMarkdown = extension === '.md' || extension === '.markdown';
  if (table && (isMarkdown || lines.slice(0, table.start).every((line) => line.trim() === ''))) {
    return { format: 'markdown' };
  }
  const byName = BY_EXTENSION[extension];
  if (byName === undefined && isLabelSpaceText(lines)) return { format: 'label-space-text' };

  const dialect = isMarkdown ? undefined : guessDialect(sample, byName);
  if (dialect) return { format: dialect.delimiter === '\t' ? 'tsv' : 'csv', dialect };
  if (table) return { format: 'markdown' };
  throw new LuthierError(
    'data-invalid',
    `${name} is no table: its lines share no delimiter (comma, tab, semicolon or bar), and it is neither JSON nor a Markdown table.`,
    'Give each example a row, as in a CSV file whose first line is “text,label”.',
  );
}

/** The start of a file, up to its last whole line. */
function sampleOf(bytes: Buffer): string {
  if (bytes.length <= SAMPLE_BYTES) return bytes.toString('utf8');
  const cut = Math.max(bytes.lastIndexOf(10, SAMPLE_BYTES), bytes.lastIndexOf(13, SAMPLE_BYTES));
  return bytes.toString('utf8', 0, cut > 0 ? cut + 1 : SAMPLE_BYTES);
}

function detectJson(bytes: Buffer, sample: string, name: string): 'json' | 'jsonl' | undefined {
  const start = sample.trimStart();
  const extension = extname(name).toLowerCase();
  const isLines = extension === '.jsonl' || extension === '.ndjson';
  if (/^\[\s*[{\]]/.test(start)) {
    // Lines that each hold a list are no array of objects.
    return 'json';
  }
  if (/^\{\s*["}]/.test(start)) {
    for (const { text } of linesOf(bytes)) {
      if (text.trim() === '') continue;
      if (isLines || isJson(text) || /^\s*\{.*\}\s*$/.test(text)) return 'jsonl';
      break;
    }
    throw new LuthierError(
      'data-invalid',
      `${name} holds one JSON object, not a list of rows.`,
      'Use a JSON array of objects, [{"text": "…", "label": "…"}, …], or JSON Lines with one such object a line.',
    );
  }
  if (isLines) return 'jsonl';
  if (extension === '.json') {
    throw new LuthierError(
      'data-invalid',
      `${name} is no JSON array of objects.`,
      'It must begin with “[” and hold objects such as {"text": "…", "label": "…"}.',
    );
  }
  return undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * SST-2's lines, `1 a stirring , funny film`: every line begins with a word of a small set and goes on.
 * Numbers and fastText's `__label__x` are enough of a sign; other words must each come back often.
 */
function isLabelSpaceText(lines: readonly string[]): boolean {
  const seen = new Map<string, number>();
  let total = 0;
  for (const line of lines) {
    if (line.trim() === '') continue;
    const match = LABEL_SPACE_TEXT.exec(line);
    if (!match) return false;
    total++;
    seen.set(match[1]!, (seen.get(match[1]!) ?? 0) + 1);
  }
  if (total === 0 || seen.size > 50) return false;
  const labels = [...seen.keys()];
  if (labels.every((label) => /^\d{1,3}$/.test(label) || label.startsWith('__label__'))) {
    return total > labels.length || total < 3;
  }
  return seen.size >= 2 && total >= 8 * seen.size && [...seen.values()].every((count) => count >= 2);
}

/** The delimiter whose rows agree best on a number of cells of at least two. */
function guessDialect(sample: string, byName: string | undefined): Dialect | undefined {
  const order = byName === undefined ? DELIMITERS : [byName, ...DELIMITERS.filter((d) => d !== byName)];
  let best: { dialect: Dialect; agreement: number } | undefined;
  for (const delimiter of order) {
    if (!sample.includes(delimiter)) continue;
    // Without this, `a, "b, c"` would be three cells.
    const ltrim = delimiter !== '\t' && sample.includes(`${delimiter} "`);
    const dialect: Dialect = { delimiter, quotes: true, ltrim };
    const rows = sampleRows(sample, dialect).filter((row) => row.some((cell) => cell.trim() !== ''));
    const agreement = agreementOf(rows);
    if (agreement > (best?.agreement ?? 0)) best = { dialect, agreement };
  }
  if (best && best.agreement >= (byName === undefined ? AGREEMENT : AGREEMENT_BY_NAME)) return best.dialect;
  if (byName === undefined) return undefined;
  // A file of that name with one column, or one whose header is good and whose rows are not: told row by row.
  const dialect: Dialect = { delimiter: byName, quotes: true, ltrim: false };
  const rows = sampleRows(sample, dialect);
  const header = rows[0] ?? [];
  const isOneColumn = rows.length > 0 && rows.every((row) => row.length === 1);
  const isNamed = header.length > 1 && header.some((cell) => KNOWN_NAMES.has(cell.trim().toLowerCase()));
  return isOneColumn || isNamed ? dialect : undefined;
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
