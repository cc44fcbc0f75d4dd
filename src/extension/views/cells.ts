import { join } from 'node:path';
import type { ClassificationReport, EvaluatedRow } from '../../protocol/index.ts';
import type { EngineService } from '../engine/service.ts';
import { readOwnJson } from '../files.ts';
import { parseReports } from './feed.ts';

/** Rows of one cell of a confusion matrix that are sent to a page at most. */
export const MAX_CELL_ROWS = 200;

export interface Cell {
  split: ClassificationReport['split'];
  actual: string;
  predicted: string;
}

/**
 * Rows of one cell of a run's confusion matrix. evaluation.json names its worst rows, which is all of most cells off
 * the diagonal; for the others the service asks the run's model again, where it may (`service` is null where not).
 */
export async function cellRows(
  folder: string,
  cell: Cell,
  service: Pick<EngineService, 'request'> | null,
): Promise<{ rows: EvaluatedRow[]; total: number }> {
  const reports = parseReports(await readOwnJson(join(folder, 'evaluation.json')).catch(() => undefined));
  const report = reports.find(({ split }) => split === cell.split);
  if (!report) return { rows: [], total: 0 };
  const total = report.confusion[report.labels.indexOf(cell.actual)]?.[report.labels.indexOf(cell.predicted)] ?? 0;
  const rows = report.worst.filter((row) => row.label === cell.actual && row.predicted === cell.predicted);
  if (rows.length >= Math.min(total, MAX_CELL_ROWS) || !service) return { rows: rows.slice(0, MAX_CELL_ROWS), total };
  const { split, actual, predicted } = cell;
  return await service.request('run/cell', { run: folder, split, actual, predicted, limit: MAX_CELL_ROWS });
}
