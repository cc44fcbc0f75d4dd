import {
  classScore,
  counted,
  formatInterval,
  formatMetric,
  formatPercent,
  type LabelsReport,
  type LabelsRow,
} from '../../../protocol/index.ts';
import { headOf, metricTable, NONE, scoreText, shorten, table } from '../../evaluate/format.ts';

const LISTED_LABELS = 30;
const LISTED_ROWS = 10;

/** The report as lines for a terminal: metrics, labels, and rows with errors by file and line. */
export function formatLabels(report: LabelsReport, width: number): string {
  const columns = Math.max(width, 40);
  return [
    [
      ...headOf(report, counted(report.labels.length, 'label')),
      `A label is predicted if its probability is at least ${thresholdText(report)}.`,
      'accuracy: rows whose labels are all right; precision and recall: over all labels (micro)',
      '',
      ...metricTable(report),
    ].join('\n'),
    labelTable(report),
    worstRows(report, columns),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const thresholdText = ({ threshold, tuned, folds }: LabelsReport): string =>
  `${formatPercent(threshold)}${folds !== undefined ? ' (mean of the folds)' : ''}${tuned ? ', chosen on these rows' : ''}`;

function labelTable({ per_class }: LabelsReport): string {
  const listed =
    per_class.length <= LISTED_LABELS
      ? per_class
      : [...per_class].sort((a, b) => (a.f1 ?? 0) - (b.f1 ?? 0)).slice(0, LISTED_LABELS);
  const lines = table([
    ['label', 'precision', 'recall', 'f1', '95 % interval', 'rows'],
    ...listed.map((scores) => [
      shorten(scores.label, 24),
      ...(['precision', 'recall', 'f1'] as const).map((key) => scoreText(key, classScore(scores, key))),
      scores.f1_interval ? formatInterval('f1', scores.f1_interval) : NONE,
      `${scores.support}`,
    ]),
  ]);
  if (listed.length < per_class.length)
    lines.push(`(the ${listed.length} labels with the lowest F1 of ${per_class.length}; all are in evaluation.json)`);
  return lines.join('\n');
}

function worstRows({ worst }: LabelsReport, width: number): string {
  if (worst.length === 0) return '';
  const lines = worst
    .slice(0, LISTED_ROWS)
    .flatMap((row) => [
      `${row.file}:${row.line}  loss ${formatMetric('loss', row.loss)}`,
      shorten(`    ${verdict(row)}`, width),
      shorten(`    ${row.text_pair === undefined ? row.text : `${row.text} / ${row.text_pair}`}`, width),
    ]);
  return ['rows with errors, by loss', ...lines].join('\n');
}

/** What was missed and what was too much. */
function verdict({ labels, predicted }: LabelsRow): string {
  const names = (all: readonly string[]) => all.map((label) => `“${label}”`).join(', ');
  const missed = labels.filter((label) => !predicted.includes(label));
  const extra = predicted.filter((label) => !labels.includes(label));
  return [
    missed.length > 0 ? `missed ${names(missed)}` : '',
    extra.length > 0 ? `predicted ${names(extra)} wrongly` : '',
  ]
    .filter((part) => part !== '')
    .join('; ');
}
