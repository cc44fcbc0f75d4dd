import { counted, formatMetric, type TaggedRow, type TagReport, type TagSpan } from '../../../protocol/index.ts';
import { headOf, metricTable, scoreText, shorten, table } from '../../evaluate/format.ts';

const LISTED = 10;

/** The report as lines for a terminal: metrics, types of spans, what was taken for what, and errors in their text. */
export function formatTags(report: TagReport, width: number): string {
  const columns = Math.max(width, 40);
  return [
    [
      ...headOf(report, `${counted(report.counts.words, 'word')}, ${counted(report.counts.gold, 'span')}`),
      '',
      ...metricTable(report),
    ].join('\n'),
    typeTable(report),
    mistakeTable(report),
    errorRows(report, columns),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const typeTable = ({ per_class }: TagReport): string =>
  per_class.length === 0
    ? ''
    : table([
        ['type', 'precision', 'recall', 'f1', 'spans'],
        ...per_class.map((scores) => [
          shorten(scores.label, 24),
          ...(['precision', 'recall', 'f1'] as const).map((key) => scoreText(key, scores[key])),
          `${scores.support}`,
        ]),
      ]).join('\n');

const mistakeTable = ({ mistakes }: TagReport): string =>
  mistakes.length === 0
    ? ''
    : table([
        ['mistake', 'spans'],
        ...mistakes.slice(0, LISTED).map(({ actual, predicted, n }) => [mistakeText(actual, predicted), `${n}`]),
      ]).join('\n');

function mistakeText(actual: string | null, predicted: string | null): string {
  if (actual === null) return `${predicted} where there is none`;
  if (predicted === null) return `${actual} missed`;
  return actual === predicted ? `${actual} with other words` : `${actual} predicted as ${predicted}`;
}

function errorRows({ errors }: TagReport, width: number): string {
  if (errors.length === 0) return '';
  const lines = errors
    .slice(0, LISTED)
    .flatMap((row) => [
      `${row.file}:${row.line}  loss ${formatMetric('loss', row.loss)}`,
      shorten(`    true       ${marked(row, row.gold)}`, width),
      shorten(`    predicted  ${marked(row, row.predicted)}`, width),
    ]);
  return ['sentences with errors, by loss', ...lines].join('\n');
}

/** A text with its spans in brackets, each with its type. */
function marked({ text }: TaggedRow, spans: readonly TagSpan[]): string {
  let at = 0;
  let result = '';
  for (const { type, start, end } of spans) {
    result += `${text.slice(at, start)}[${text.slice(start, end)} ${type}]`;
    at = end;
  }
  return result + text.slice(at);
}
