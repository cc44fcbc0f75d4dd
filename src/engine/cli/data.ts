import {
  countedRows,
  type DataPreview,
  type DataSummary,
  FORMAT_NAMES,
  formatPercent,
  type LabelsWritten,
  LuthierError,
  lackingFields,
  namesLine,
  refusal,
  taskOf,
} from '../../protocol/index.ts';
import { listed } from '../data/problems.ts';
import { findData } from '../data/resolve.ts';
import { learntLine, MARKS } from '../tasks/language/preview.ts';
import { taskOfData } from '../tasks/registry.ts';
import { flagsOf } from './column-options.ts';
import { inspectRows, type RowOptions } from './inspect-rows.ts';
import { bold, dim, EXIT, green, note, print, printJson, red, table, yellow } from './output.ts';
import { ProgressLine } from './progress-line.ts';

export interface InspectCommandOptions extends RowOptions {
  /** Whose tokenizer and chat template the preview is made with. */
  model?: string;
  /** As it was typed. */
  maxLength?: string;
  json?: boolean;
}

export async function inspect(file: string, options: InspectCommandOptions): Promise<number> {
  const progress = new ProgressLine('Reading');
  const path = await findData(file, process.cwd());
  const { summary, how } = await inspectRows(path, options, (done, total) => {
    // In MB, and for files that take longer than a glance.
    if (total > 2 ** 23) progress.update(Math.round(done / 2 ** 20), Math.round(total / 2 ** 20));
  }).finally(() => progress.close());
  const { preview, problem } = await previewOf(summary, how, options, path);
  if (problem) summary.problems.push({ severity: 'warning', code: 'no-preview', message: problem });
  if (options.json) printJson({ ...summary, ...(preview && inJson(preview)) });
  else {
    show(summary);
    if (preview) showPreview(preview);
  }
  return summary.problems.some((problem) => problem.severity === 'error') ? EXIT.failed : EXIT.done;
}

/**
 * What a model that writes would learn of the first rows; a problem where that cannot be said.
 * @throws LuthierError `usage` for an option that does not fit
 */
async function previewOf(
  { task, guess }: DataSummary,
  how: LabelsWritten | undefined,
  { encoding, model, maxLength }: InspectCommandOptions,
  file: string,
): Promise<{ preview?: DataPreview | null; problem?: string }> {
  const { writes } = taskOf(task);
  if (!writes && (model ?? maxLength) !== undefined) {
    throw new LuthierError(
      'usage',
      `--model and --max-length are for rows that a model learns to write, and these are for ${task}.`,
    );
  }
  const max_length = maxLength === undefined ? undefined : Number(maxLength);
  if (max_length !== undefined && !(Number.isInteger(max_length) && max_length > 1))
    throw new LuthierError('usage', `--max-length is ${maxLength}; it must be a whole number above 1.`);
  if (!writes || lackingFields(guess, task).length > 0) return {};
  const { previewData } = await import('../train/preview.ts');
  try {
    const data = { data: file, columns: guess, encoding, base: process.cwd() };
    return { preview: await previewData({ ...data, model, max_length }, taskOfData({ task, ...how })) };
  } catch (error) {
    if (!(error instanceof LuthierError) || (model !== undefined && error.code === 'model-not-found')) throw error;
    const { message, hint } = error;
    return { problem: `What would be learnt cannot be shown. ${hint === undefined ? message : `${message} ${hint}`}` };
  }
}

/** The rows beside what they were made with. */
const inJson = ({ rows, ...by }: DataPreview) => ({ preview: rows, preview_by: by });

const MAX_CLASSES = 30;

function show(summary: DataSummary): void {
  const { title } = taskOf(summary.task);
  print(`${bold(summary.file)}: ${countedRows(summary)}, ${FORMAT_NAMES[summary.format]}, ${summary.encoding}`);
  print(dim(`${title}. ${summary.guess_reason}`));
  const columns = summary.columns.map((column) => [
    column.name,
    String(column.distinct),
    String(column.empty),
    column.mean_length.toFixed(0),
    shorten(column.examples[0] ?? ''),
  ]);
  print(`\n${table(['column', 'distinct', 'empty', 'mean length', 'example'], columns, [1, 2, 3])}`);
  if (summary.classes.length > 0) {
    const {
      label: [one],
      labelled: of,
    } = taskOf(summary.task);
    const total = summary.classes.reduce((sum, { count }) => sum + count, 0);
    const rows = summary.classes
      .slice(0, MAX_CLASSES)
      .map(({ label, count }) => [label, String(count), formatPercent(count / total)]);
    print(`\n${table([one, `${of}s`, 'share'], rows, [1, 2])}`);
    const more = summary.classes.length - MAX_CLASSES;
    if (more > 0) print(`… and ${more} more`);
  }
  if (summary.problems.length > 0) print('');
  for (const { severity, code, message, line, column } of summary.problems) {
    const mark = severity === 'error' ? red('error') : severity === 'warning' ? yellow('warning') : dim('note');
    print(`${mark}: ${message}${placeBehind(message, line, column)}`);
    if (code === 'missing-column')
      note(`If it is there, name it with ${listed(flagsOf(lackingFields(summary.guess, summary.task)), 'or')}.`);
  }
  if (summary.problems.length === 0) note('No problems found.');
  const refused = refusal(summary);
  if (refused !== null) note(refused);
}

/** Where a problem is, as far as its message does not say so: ` (line 4, column text)`. */
export function placeBehind(message: string, line: number | undefined, column: string | undefined): string {
  const parts = [
    line === undefined || namesLine({ message }) ? [] : [`line ${line}`],
    column === undefined || message.includes(`“${column}”`) ? [] : [`column ${column}`],
  ].flat();
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

function showPreview({ model, max_length, read, truncated, notes, rows }: DataPreview): void {
  const cut =
    truncated === 0
      ? 'all fit'
      : `${truncated.toLocaleString('en')} of the first ${read.toLocaleString('en')} are longer`;
  print(`\n${bold('What is learnt')}, as ${model} would see it with max_length ${max_length} (${cut}):`);
  for (const row of rows) {
    print(
      learntLine(row, { learnt: (text) => green(MARKS.learnt(text)), read: dim, cut: (text) => red(MARKS.cut(text)) }),
    );
  }
  for (const line of notes) note(dim(line));
}

const EXAMPLE_LENGTH = 60;

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= EXAMPLE_LENGTH ? line : `${line.slice(0, EXAMPLE_LENGTH - 1)}…`;
}
