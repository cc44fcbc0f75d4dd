import { join } from 'node:path';
import type { ClassificationReport, EvaluatedRow } from '../../protocol/index.ts';
import { readJson } from '../files.ts';
import { parseReports } from './feed.ts';

/** Rows of one cell of a confusion matrix that are sent to a page at most. */
export const MAX_CELL_ROWS = 200;

export interface Cell {
  split: ClassificationReport['split'];
  actual: string;
  predicted: string;
}

/** How many rows a cell holds, and those that evaluation.json names (its worst rows), worst first. */
export async function cellRows(folder: string, cell: Cell): Promise<{ rows: EvaluatedRow[]; total: number }> {
  const reports = parseReports(await readJson(join(folder, 'evaluation.json')).catch(() => undefined));
  const report = reports.find(({ split }) => split === cell.split);
  if (!report) return { rows: [], total: 0 };
  const total = report.confusion[report.labels.indexOf(cell.actual)]?.[report.labels.indexOf(cell.predicted)] ?? 0;
  const rows = report.worst.filter((row) => row.label === cell.actual && row.predicted === cell.predicted);
  return { rows: rows.slice(0, MAX_CELL_ROWS), total };
}
