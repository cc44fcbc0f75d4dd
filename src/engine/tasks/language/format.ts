import { counted, formatMetric, type LanguageReport, type LanguageRow } from '../../../protocol/index.ts';
import { headOf, metricTable, shorten } from '../../evaluate/format.ts';

const LISTED = 10;

/** That begins a text, and is none of it. */
const SPECIAL = /^(<[^<>\s]+>|\[[A-Z]+\])/;

/**
 * What is measured of a row, on one line. The first token of a text is only read, and often ends within a word: that word
 * is shown whole, behind an ellipsis where more stands before it.
 * @param isText whether what stands before is the same text, and not the turn of somebody else
 */
export function measuredText(pieces: LanguageRow['pieces'], isText: boolean): string {
  const first = pieces.findIndex(({ loss }) => loss !== null);
  const joined = (some: LanguageRow['pieces']) => some.map(({ text }) => text).join('');
  const measured = joined(pieces.filter(({ loss }) => loss !== null));
  const before = joined(pieces.slice(0, Math.max(0, first))).replace(SPECIAL, '');
  const begun = /^[\p{L}\p{N}\p{M}]/u.test(measured) ? (/[\p{L}\p{N}\p{M}]{1,40}$/u.exec(before)?.[0] ?? '') : '';
  const isCut = isText && before.trim().length > begun.length;
  return `${isCut ? '…' : ''}${`${begun}${measured}`.replace(/\s+/g, ' ').trim()}`;
}

/** The report as lines for a terminal: metrics, and the rows that the model foretells worst. */
export function formatLanguage(report: LanguageReport, width: number): string {
  const columns = Math.max(width, 40);
  const worst = report.worst.slice(0, LISTED).flatMap(({ file, line, loss, tokens, pieces }) => {
    return [
      `${file}:${line}  loss ${formatMetric('loss', loss)} over ${counted(tokens, 'token')}`,
      shorten(`    ${measuredText(pieces, report.task === 'text-generation')}`, columns),
    ];
  });
  return [
    ...headOf(report, counted(report.counts.tokens, 'token')),
    '',
    ...metricTable(report),
    ...(worst.length === 0 ? [] : ['', 'rows with the highest loss', ...worst]),
  ].join('\n');
}
