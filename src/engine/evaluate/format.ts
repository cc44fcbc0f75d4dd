import displayWidth from 'fast-string-width';
import {
  type ClassificationReport,
  classScore,
  counted,
  type EvaluatedRow,
  type EvaluationReport,
  FEW_ROWS_HINT,
  fewRowsNote,
  formatInterval,
  formatMetric,
  formatPercent,
  type Interval,
  largest,
  type MetricKey,
  type Metrics,
  measured,
  taskOf,
} from '../../protocol/index.ts';

/** A confusion matrix of more classes tells nothing in a terminal. */
const CONFUSION_CLASSES = 12;
/** With more classes than this, those with the lowest F1 are listed. */
const LISTED_CLASSES = 30;
const WORST_LISTED = 10;
const MIN_WIDTH = 40;
const NAME_WIDTH = 24;
/** In the place of what cannot be said. */
export const NONE = '–';
const TOO_FEW = 'too few rows';

/** A metric of one class, which may have none. */
export const scoreText = (key: MetricKey, score: number | null): string =>
  score === null ? NONE : formatMetric(key, score);

/**
 * A report as lines for a terminal of `width` columns, without colours or a final newline: metrics with interval and
 * majority class, classes, confusion matrix (up to 12 classes), and the worst rows by file and line.
 */
export function formatReport(report: ClassificationReport, width: number): string {
  const columns = Math.max(width, MIN_WIDTH);
  return [summary(report), classTable(report), confusionTable(report, columns), worstRows(report, columns)]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What was measured, with what to know about so few rows. @param what of it besides its rows */
export function headOf({ task, split, n, folds }: EvaluationReport, what: string): string[] {
  const { row } = taskOf(task);
  const few = folds === undefined ? fewRowsNote(n, row) : null;
  // Test rows are as many as there are: no other split makes them more.
  const isTest = split === 'test';
  return [
    `${split}: n = ${counted(n, row)}, ${what}`,
    ...(folds === undefined
      ? []
      : [`answers of all ${folds} folds, each ${row} answered by the model that was not trained on it`]),
    ...(few === null
      ? []
      : isTest
        ? [`${counted(n, row)}: this says little. Measure more rows.`]
        : [`${few}. ${FEW_ROWS_HINT}`, '(validation_split in the recipe; luthier train RECIPE --folds 5)']),
  ];
}

/** Metrics with their intervals, and beside them what else scores so, where that is given. */
export function metricTable(report: EvaluationReport, beside?: { name: string; metrics: Metrics }): string[] {
  const [metrics, intervals]: [Metrics, Partial<Record<MetricKey, Interval | null>>] = [
    report.metrics,
    report.intervals,
  ];
  // A report of another version may have others.
  const rows = measured(metrics).map(({ key, name, interval: kind }) => {
    const interval = intervals[key];
    const range = interval && formatInterval(key, interval);
    const other = beside?.metrics[key];
    return [
      name,
      formatMetric(key, metrics[key]!),
      range ?? (kind === null ? '' : TOO_FEW),
      ...(beside ? [other === undefined ? '' : formatMetric(key, other)] : []),
    ];
  });
  return table([['metric', 'value', '95 % interval', ...(beside ? [beside.name] : [])], ...rows]);
}

function summary(report: ClassificationReport): string {
  const { labels, majority } = report;
  const metrics = metricTable(report, { name: 'majority', metrics: majority as Metrics });
  const head = headOf(report, counted(labels.length, 'class', 'classes'));
  return [...head, '', ...metrics, '', `majority: always answering ${quoted(majority.label)}`].join('\n');
}

function classTable({ per_class, labels }: ClassificationReport): string {
  const listed =
    labels.length <= LISTED_CLASSES
      ? per_class
      : per_class
          .filter(({ support }) => support > 0)
          .sort((a, b) => (a.f1 ?? 0) - (b.f1 ?? 0))
          .slice(0, LISTED_CLASSES);
  const rows = listed.map((scores) => [
    shorten(scores.label, NAME_WIDTH),
    ...(['precision', 'recall', 'f1'] as const).map((key) => scoreText(key, classScore(scores, key))),
    `${scores.support}`,
  ]);
  const lines = table([['class', 'precision', 'recall', 'f1', 'rows'], ...rows]);
  if (listed.length < per_class.length)
    lines.push(`(the ${listed.length} classes with the lowest F1 of ${per_class.length}; all are in evaluation.json)`);
  return lines.join('\n');
}

function confusionTable({ labels, confusion }: ClassificationReport, width: number): string {
  if (labels.length > CONFUSION_CLASSES) return '';
  const cells = confusion.map((row) => row.map(String));
  const named = table([
    ['', ...labels.map((l) => shorten(l, 12))],
    ...cells.map((row, i) => [shorten(labels[i]!, 16), ...row]),
  ]);
  const numbers = labels.map((_, i) => `${i + 1}`);
  const numbered = table([['', ...numbers], ...cells.map((row, i) => [`${i + 1} ${shorten(labels[i]!, 16)}`, ...row])]);
  const lines = [named, numbered].find((lines) => lines.every((line) => displayWidth(line) <= width));
  return lines ? ['confusion matrix: true class by row, predicted class by column', ...lines].join('\n') : '';
}

function worstRows({ worst }: ClassificationReport, width: number): string {
  if (worst.length === 0) return '';
  const lines = worst.slice(0, WORST_LISTED).flatMap((row) => {
    // Never cut: a terminal makes a link of file:line.
    const place = `${row.file}:${row.line}`;
    const outcome = `${verdict(row)}, loss ${formatMetric('loss', row.loss)}`;
    const head = `${place}  ${outcome}`;
    const text = row.text_pair === undefined ? row.text : `${row.text} / ${row.text_pair}`;
    return [
      ...(displayWidth(head) <= width ? [head] : [place, shorten(`    ${outcome}`, width)]),
      shorten(`    ${text}`, width),
    ];
  });
  return ['rows with the highest loss', ...lines].join('\n');
}

function verdict({ label, predicted, score }: EvaluatedRow): string {
  const sure = formatPercent(score);
  return label === predicted
    ? `${quoted(label)}, predicted correctly (${sure})`
    : `${quoted(label)}, predicted ${quoted(predicted)} (${sure})`;
}

const quoted = (label: string): string => `“${shorten(label, NAME_WIDTH)}”`;

/** Rows with columns in line: the first to the left, the others to the right. */
export function table(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, column) => largest(rows, (row) => displayWidth(row[column]!)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const padding = ' '.repeat(widths[column]! - displayWidth(cell));
        return column === 0 ? cell + padding : padding + cell;
      })
      .join('  ')
      .trimEnd(),
  );
}

const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** Text on one line, cut to a display width; control characters, which could drive the terminal, become spaces. */
export function shorten(text: string, width: number): string {
  const indent = /^ */.exec(text)![0];
  // A row's text may be megabytes long; what is shown is never more than two columns a character.
  const line =
    indent +
    text
      .slice(indent.length, 8 * width)
      .replace(CONTROL, ' ')
      .trim();
  if (displayWidth(line) <= width && text.length <= 8 * width) return line;
  let result = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter('en').segment(line)) {
    const next = displayWidth(segment);
    if (used + next > width - 1) break;
    result += segment;
    used += next;
  }
  return `${result}…`;
}
