import type { EvaluatedRow, Split } from '../../protocol/index.ts';
import type { EngineService } from '../engine/service.ts';
import { readEvaluations } from '../runs/evaluations.ts';

/** Rows of one cell of a confusion matrix that are sent to a page at most. */
const MAX_CELL_ROWS = 200;

export interface Cell {
  split: Split;
  /** Name of an evaluation on a file; left out for a part of the run's own data. */
  evaluation?: string | undefined;
  actual: string;
  predicted: string;
}

/**
 * Rows of one cell of a run's confusion matrix. evaluation.json names its worst rows, which is all of most cells off
 * the diagonal; for the others of the run's own data the service asks the run's model again, where it may (`service`
 * is null where not). Of an evaluation on a file the worst rows are all that was kept, and of a cross-validation, too: its
 * folds' models are gone.
 */
export async function cellRows(
  folder: string,
  cell: Cell,
  service: Pick<EngineService, 'request'> | null,
): Promise<{ rows: EvaluatedRow[]; total: number }> {
  const { reports, evaluations } = await readEvaluations(folder);
  const report =
    cell.evaluation === undefined
      ? reports.find(({ split }) => split === cell.split)
      : evaluations.find(({ name }) => name === cell.evaluation)?.report;
  if (report?.task !== 'text-classification') return { rows: [], total: 0 };
  const total = report.confusion[report.labels.indexOf(cell.actual)]?.[report.labels.indexOf(cell.predicted)] ?? 0;
  const rows = report.worst.filter((row) => row.label === cell.actual && row.predicted === cell.predicted);
  if (rows.length >= Math.min(total, MAX_CELL_ROWS) || !service || cell.evaluation !== undefined || report.folds)
    return { rows: rows.slice(0, MAX_CELL_ROWS), total };
  const { split, actual, predicted } = cell;
  return await service.request('run/cell', { run: folder, split, actual, predicted, limit: MAX_CELL_ROWS });
}
