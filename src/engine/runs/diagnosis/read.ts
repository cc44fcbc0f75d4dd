import { join } from 'node:path';
import type { EvaluationReport, Finding, RunRecord } from '../../../protocol/index.ts';
import { FILES } from '../../../runs/folder.ts';
import { readEvents } from '../../../runs/metrics.ts';
import type { LabelCounts } from './case.ts';
import { diagnose } from './diagnose.ts';

/**
 * The diagnosis of a run that ends, from its folder's log. A run is whole without one: where it cannot be made, the
 * run's log says why.
 */
export async function findingsIn(
  folder: string,
  record: RunRecord,
  reports: readonly EvaluationReport[],
  labels: LabelCounts | null,
): Promise<Finding[]> {
  try {
    return diagnose({ record, events: await readEvents(join(folder, FILES.metrics)), reports, labels });
  } catch (error) {
    console.error('The run could not be diagnosed:', error);
    return [];
  }
}
