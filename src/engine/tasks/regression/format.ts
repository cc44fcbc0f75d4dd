import { formatSignificant, type ValueReport } from '../../../protocol/index.ts';
import { headOf, metricTable, shorten } from '../../evaluate/format.ts';

const LISTED_ROWS = 10;

/** The report as lines for a terminal: metrics beside those of the mean, and the rows that are furthest off. */
export function formatValues(report: ValueReport, width: number): string {
  const columns = Math.max(width, 40);
  const { mean, worst } = report;
  const lines = worst
    .slice(0, LISTED_ROWS)
    .flatMap((row) => [
      `${row.file}:${row.line}  ${valueText(row.value)}, predicted ${valueText(row.predicted)}`,
      shorten(`    ${row.text_pair === undefined ? row.text : `${row.text} / ${row.text_pair}`}`, columns),
    ]);
  return [
    [
      ...headOf(report, 'one value each'),
      '',
      ...metricTable(report, { name: 'mean', metrics: { mse: mean.mse, loss: mean.mse } }),
      '',
      `mean: always answering ${valueText(mean.value)}`,
    ].join('\n'),
    ['rows that are furthest off', ...lines].join('\n'),
  ].join('\n\n');
}

/** A value with as many digits as say something. */
export const valueText = (value: number): string => formatSignificant(value);
