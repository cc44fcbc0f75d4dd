import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskUse } from '../../../files/folders.ts';
import { placeProblem } from '../../../guard/index.ts';
import {
  type Candidate,
  type CandidateResult,
  type DoneEvent,
  type EvaluationReport,
  inOneLine,
  type MetricKey,
  type RunEvent,
  type RunRecord,
  type StartEvent,
} from '../../../protocol/index.ts';
import { readRun } from '../../../runs/client.ts';
import { FILES } from '../../../runs/folder.ts';
import { readEvents } from '../../../runs/metrics.ts';
import { readRecord, writeRecordInPlace } from '../../../runs/record.ts';
import { readReports } from '../../../runs/reports.ts';
import type { Ending } from './candidate-run.ts';
import { fail, leaveOut } from './entry.ts';
import { seconds } from './preparation.ts';

interface Ended {
  metric: MetricKey;
  /** How its run came to its end; null where an earlier process saw that. */
  ending: Ending | null;
  /** Seconds that it had; null where that is not known, or there was no end to them. */
  share: number | null;
}

/**
 * Writes into a candidate what its run has come to.
 * @param folder of the run, which has ended
 * @throws LuthierError as readRun
 */
export async function settle(candidate: Candidate, folder: string, { metric, ending, share }: Ended): Promise<void> {
  const outcome = await outcomeOf(folder, metric);
  const record = await readRun(folder);
  const isLate = ending === 'stopped' || ending === 'killed';
  const within = share === null ? 'its share of the time' : `its share of the time (${seconds(share)})`;
  if ('problem' in outcome) {
    // Only what went wrong is a failure.
    if (record.state === 'failed') fail(candidate, outcome.problem);
    else if (isLate)
      leaveOut(
        candidate,
        `It came to no result within ${within}${ending === 'killed' ? '' : `, ${placeOf(record)}`}. With a larger time budget it would get a larger share.`,
      );
    else if (record.state === 'cancelled') leaveOut(candidate, 'Its run was discarded before anything was measured.');
    else if (record.state === 'stopped') leaveOut(candidate, 'Its run was stopped before anything was measured.');
    else fail(candidate, outcome.problem);
    return;
  }
  candidate.state = 'done';
  candidate.result = outcome.result;
  if (!outcome.result.stopped) return;
  candidate.reason = `Stopped${isLate ? ` at the end of ${within},` : ''} ${placeOf(record)}.`;
}

/** `after step 12 of 40`, `after 2 of 5 folds`, `before its first step`. */
function placeOf({ folds, step, total_steps }: RunRecord): string {
  if (folds !== undefined) return `after ${folds.results.length} of ${folds.count} folds`;
  return step === 0 ? 'before its first step' : `after step ${step} of ${total_steps}`;
}

/** What a run came to: the figures of a candidate, or why there are none. */
type Outcome = { result: CandidateResult } | { problem: string };

/**
 * Reads what a run has come to from its folder.
 * @throws LuthierError as readRun
 */
async function outcomeOf(folder: string, metric: MetricKey): Promise<Outcome> {
  const record = await readRun(folder);
  if (record.state === 'failed') return { problem: (record.error && inOneLine(record.error)) || 'The run failed.' };
  const events = (await readEvents(join(folder, FILES.metrics))).map(({ event }) => event);
  const done = events.findLast((event): event is DoneEvent & { fold?: number } => event.event === 'done');
  const start = events.findLast((event): event is StartEvent & { fold?: number } => event.event === 'start');
  const report = (await readReports(folder)).reports.find(({ split }) => split === 'validation');
  const value = report?.metrics[metric];
  if (!done || !start || !report || value === undefined) return { problem: 'It ended before anything was measured.' };
  const interval = report.intervals[metric] ?? null;
  const written = record.model === null ? null : await diskUse(join(folder, record.model, WEIGHTS));
  return {
    result: {
      value,
      low: interval?.low ?? null,
      high: interval?.high ?? null,
      n: report.n,
      majority: majorityOf(report, metric),
      wall_s: Math.max(done.wall_s, secondsOf(events)),
      peak_rss_bytes: done.peak_rss_bytes,
      model_bytes: written || BYTES_OF_PARAMETER * start.num_parameters,
      adapter_bytes: (await diskUse(join(folder, FILES.adapter, ADAPTER_WEIGHTS))) || null,
      stopped: record.state === 'stopped',
      ...(record.frozen_bits && { frozen_bits: record.frozen_bits }),
    },
  };
}

const WEIGHTS = 'model.safetensors';
const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
/** Models are written in float32. */
const BYTES_OF_PARAMETER = 4;

function majorityOf(report: EvaluationReport, metric: MetricKey): number | null {
  if (report.task !== 'text-classification') return null;
  return (report.majority as Partial<Record<MetricKey, number>>)[metric] ?? null;
}

/** Seconds of work by a run's events, over all processes that worked on it: what lies between two of them does not count. */
export function secondsOf(events: readonly RunEvent[]): number {
  let sum = 0;
  let began: number | null = null;
  let last = 0;
  for (const event of events) {
    if (event.event === 'state' && event.state === 'starting') {
      if (began !== null) sum += last - began;
      began = event.time;
    }
    last = event.time;
  }
  return began === null ? 0 : sum + last - began;
}

/** Deletes the model of a run whose figures alone are of interest. */
export async function dropModel(folder: string): Promise<void> {
  if ((await placeProblem(folder)) !== null) return;
  const record: RunRecord = await readRecord(folder);
  if (record.model === null) return;
  await writeRecordInPlace(folder, { ...record, model: null });
  for (const name of [FILES.model, FILES.adapter]) await rm(join(folder, name), { recursive: true, force: true });
}
