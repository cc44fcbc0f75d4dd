import { counted, formatMetric, type LanguageReport } from '../../../protocol/index.ts';
import { headOf, metricTable, shorten } from '../../evaluate/format.ts';

const LISTED = 10;

/** The report as lines for a terminal: metrics, and the rows that the model foretells worst. */
export function formatLanguage(report: LanguageReport, width: number): string {
  const columns = Math.max(width, 40);
  const worst = report.worst.slice(0, LISTED).flatMap(({ file, line, loss, tokens, pieces }) => {
    const learnt = pieces
      .filter((piece) => piece.loss !== null)
      .map(({ text }) => text)
      .join('')
      .replace(/\s+/g, ' ')
      .trim();
    return [
      `${file}:${line}  loss ${formatMetric('loss', loss)} over ${counted(tokens, 'token')}`,
      shorten(`    ${learnt}`, columns),
    ];
  });
  return [
    ...headOf(report, counted(report.counts.tokens, 'token')),
    '',
    ...metricTable(report),
    ...(worst.length === 0 ? [] : ['', 'rows with the highest loss', ...worst]),
  ].join('\n');
}
