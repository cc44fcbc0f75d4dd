import { type Columns, counted, type OtherLearning } from '../../protocol/index.ts';
import type { ColumnStats } from './column-stats.ts';
import { isUsualLabelName, isVaried } from './columns.ts';
import { OTHER_NAMES } from './names.ts';
import { toLearn } from './other-learning.ts';
import { type Pace, Stride } from './pace.ts';
import { listed, Places, type Problems, quoted } from './problems.ts';
import type { TableRow } from './row-record.ts';
import { isEmpty, type Table } from './table.ts';
import { reportWriting } from './writing.ts';

/**
 * Says what stands in columns that are neither text nor label and may well be meant: texts, spilled cells, further
 * 0/1 columns, verdicts of annotators; and labels that are rather texts to be written. Nothing is left out for it.
 * @param given what a person has named, which is known to be so
 */
export async function checkUnused(
  table: Table,
  columns: Columns,
  given: Columns,
  stats: readonly ColumnStats[],
  problems: Problems,
  pace?: Pace,
): Promise<void> {
  const used = new Set(Object.values(columns));
  const unused = stats.filter(({ name, filled }) => filled > 0 && !used.has(name) && !table.nested.has(name));
  const unnamed = await reportUnnamed(table, unused, problems, pace);
  const verdicts = await reportVerdicts(table, unused, problems, pace);
  reportTexts(
    unused.filter((column) => !unnamed.has(column) && !verdicts.has(column)),
    stats,
    columns,
    given,
    problems,
  );
  await reportIndicators(table, columns, stats, problems, pace);
  await reportWriting(table, columns, given, stats, problems, pace);
}

/** Columns whose header is empty: text that a delimiter has split. */
async function reportUnnamed(
  table: Table,
  unused: readonly ColumnStats[],
  problems: Problems,
  pace: Pace | undefined,
): Promise<Set<ColumnStats>> {
  const unnamed = table.header ? unused.filter(({ name }) => /^column_\d+$/.test(name)) : [];
  if (unnamed.length === 0) return new Set();
  const names = listed(unnamed.slice(0, 5).map(({ name }) => `“${name}”`));
  const indices = new Set(unnamed.map(({ name }) => table.columns.indexOf(name)));
  const filled = new Places();
  const stride = new Stride(pace);
  for (const row of table.rows) {
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    if (row.cells().some(([i, value]) => indices.has(i) && !isEmpty(value))) filled.add(row.line);
  }
  problems.occurrences(
    { severity: 'warning', code: 'unused-column' },
    filled,
    (where) =>
      `${names} ${unnamed.length === 1 ? 'has' : 'have'} no name in the header and ${unnamed.length === 1 ? 'contains' : 'contain'} text on ${where} that is not used. If a delimiter within a text created ${unnamed.length === 1 ? 'it' : 'them'}, put quotes around the text.`,
  );
  return new Set(unnamed);
}

/** Share of the text column's mean length from which another column may be half of the text. */
const HALF = 0.3;
const MANY_WORDS = 3;

/** Columns of texts beside the one that is learned from. */
function reportTexts(
  unused: readonly ColumnStats[],
  stats: readonly ColumnStats[],
  columns: Columns,
  given: Columns,
  problems: Problems,
): void {
  const text = stats.find(({ name }) => name === columns.text);
  if (!text) return;
  const texts = unused.filter(
    (column) =>
      !OTHER_NAMES.includes(column.name.toLowerCase()) &&
      column.mean_words >= MANY_WORDS &&
      column.mean_length >= HALF * text.mean_length &&
      isVaried(column) &&
      column.numeric < 0.5 &&
      column.dates < 0.5,
  );
  if (texts.length === 0) return;
  const names = listed(texts.slice(0, 5).map(({ name }) => `“${name}”`));
  const [first, second] = [text, texts[0]!].sort((a, b) => stats.indexOf(a) - stats.indexOf(b)).map(({ name }) => name);
  const pair =
    columns.text_pair === undefined
      ? ` If each row is a pair of texts, name both: "columns": {"text": ${JSON.stringify(first)}, "text_pair": ${JSON.stringify(second)}} in the recipe, or --text-column and --text-pair-column in a terminal.`
      : '';
  problems.add(
    given.text === undefined ? 'warning' : 'info',
    'unused-column',
    `${names} ${texts.length === 1 ? 'contains' : 'contain'} texts like “${text.name}” but ${texts.length === 1 ? 'is' : 'are'} not used.${pair}`,
    { column: texts[0]!.name },
  );
}

const ACCEPTED = new Set(['accept', 'accepted', 'approve', 'approved', 'correct', 'keep', 'ok', 'submitted', 'valid']);
const REJECTED = new Set([
  ...['reject', 'rejected', 'ignore', 'ignored', 'skip', 'skipped', 'cancel', 'cancelled', 'canceled', 'discard'],
  ...['discarded', 'flagged', 'invalid', 'incorrect', 'draft', 'pending', 'unsure'],
]);
/** Columns that say by true or false that a row was given up. */
const GIVEN_UP = /^(?:was|is)?_?(?:cancelled|canceled|skipped|rejected|ignored|discarded|flagged)$/i;

const MOST_VERDICTS = 10;
const LONGEST_VERDICT = 20;

/** A column that may hold verdicts, until a cell of it says otherwise. */
interface Verdicts {
  column: ColumnStats;
  isFlag: boolean;
  bad: Places;
  counts: Map<string, number>;
}

/** What annotators thought of rows: those that they rejected are learned like the others. */
async function reportVerdicts(
  table: Table,
  unused: readonly ColumnStats[],
  problems: Problems,
  pace: Pace | undefined,
): Promise<Set<ColumnStats>> {
  const places = new Map(table.columns.map((name, i) => [name, i]));
  const candidates = new Map<number, Verdicts>();
  for (const column of unused) {
    if (column.distinct > MOST_VERDICTS || column.mean_length > LONGEST_VERDICT) continue;
    const isFlag = GIVEN_UP.test(column.name);
    candidates.set(places.get(column.name)!, { column, isFlag, bad: new Places(), counts: new Map() });
  }
  const stride = new Stride(pace);
  for (const row of table.rows) {
    if (candidates.size === 0) break;
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    for (const [i, value] of row.cells()) {
      const candidate = candidates.get(i);
      if (!candidate || isEmpty(value)) continue;
      const verdict = value.trim().toLowerCase();
      const { isFlag, bad, counts } = candidate;
      if (isFlag ? /^(?:true|1|yes)$/.test(verdict) : REJECTED.has(verdict)) {
        bad.add(row.line);
        counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
      } else if (!(isFlag ? /^(?:false|0|no)$/.test(verdict) : ACCEPTED.has(verdict))) candidates.delete(i);
    }
  }
  for (const { column, bad, counts } of candidates.values()) {
    const said = listed([...counts].map(([verdict, count]) => `${quoted(verdict)} in ${count.toLocaleString('en')}`));
    problems.occurrences(
      { severity: 'warning', code: 'verdict-column', column: column.name },
      bad,
      (where) =>
        `“${column.name}” says ${said} of ${counted(table.rows.length, 'row')} (${where}) but is not used: these rows are learned like the others. Delete those that should not be, or keep the accepted ones in a separate file.`,
    );
  }
  return new Set([...candidates.values()].map(({ column }) => column));
}

/** Several columns of 0 and 1, of which one was taken for the label. */
async function reportIndicators(
  table: Table,
  columns: Columns,
  stats: readonly ColumnStats[],
  problems: Problems,
  pace: Pace | undefined,
): Promise<void> {
  const { label } = columns;
  if (label === undefined || isUsualLabelName(label)) return;
  const indicators = stats.filter(
    ({ name, distinct, numeric, examples }) =>
      !table.nested.has(name) &&
      !OTHER_NAMES.includes(name.toLowerCase()) &&
      distinct <= 2 &&
      numeric === 1 &&
      examples.every((value) => Number(value) === 0 || Number(value) === 1),
  );
  if (indicators.length < 2 || !indicators.some(({ name }) => name === label)) return;
  const indices = new Set(indicators.map(({ name }) => table.columns.indexOf(name)));
  const sum = (row: TableRow) =>
    row.cells().reduce((total, [i, value]) => (indices.has(i) ? total + Number(value) : total), 0);
  const names = listed(indicators.slice(0, 10).map(({ name }) => `“${name}”`));
  const more = indicators.length > 10 ? ` and ${indicators.length - 10} more` : '';
  let isOneEach = true;
  const stride = new Stride(pace);
  for (const row of table.rows) {
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    isOneEach = sum(row) === 1;
    if (!isOneEach) break;
  }
  const other: OtherLearning = {
    problem_type: 'multi_label_classification',
    label_columns: indicators.map(({ name }) => name),
  };
  const advice = isOneEach
    ? 'One of them is 1 in each row: write its name into one column, and use that as the label.'
    : `${toLearn(other)} Or name the one to learn, or combine them into one column of classes.`;
  problems.add(
    'warning',
    'indicator-columns',
    `${names}${more} each contain only 0 and 1, like a set of separate labels. Only “${label}” is used as the label. ${advice}`,
    { column: label, ...(!isOneEach && { other }) },
  );
}
