import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskUse } from '../../../files/folders.ts';
import { placeProblem } from '../../../guard/index.ts';
import {
  type CandidateResult,
  type DoneEvent,
  type EvaluationReport,
  inOneLine,
  LuthierError,
  type MetricKey,
  type RunEvent,
  type RunRecord,
  type StartEvent,
} from '../../../protocol/index.ts';
import { connectRun, lookAtProcess, readRun } from '../../../runs/client.ts';
import { FILES } from '../../../runs/folder.ts';
import { readEvents } from '../../../runs/metrics.ts';
import { readRecord, writeRecordInPlace } from '../../../runs/record.ts';
import { readReports } from '../../../runs/reports.ts';
import { startRun } from '../start.ts';

export interface WithinOptions {
  /** Seconds after which the run is asked to stop, and after which it is ended whatever it does; null for never. */
  stop_s: number | null;
  end_s: number | null;
  /** First interrupts the run, which can be resumed. */
  signal: AbortSignal;
  /** Ends it at once. */
  killed: AbortSignal;
  onEvent: (event: RunEvent) => void;
  runner?: string | undefined;
}

/** How a run came to its end here: by itself, asked to stop since its time was over, ended at the end of it, or interrupted. */
export type Ending = 'ended' | 'stopped' | 'killed' | 'interrupted';

/**
 * Starts the run of a candidate, or goes on with it, or looks on where its process still works, until it ends.
 * @param folder of a run that has not ended
 * @throws LuthierError as startRun
 */
export async function runWithin(folder: string, options: WithinOptions): Promise<Ending> {
  const { signal, killed, stop_s, end_s, onEvent, runner } = options;
  if (signal.aborted) return 'interrupted';
  const { started_at } = await readRecord(folder);
  // A run outlives whoever began it: one whose process still works is looked on at.
  if ((await lookAtProcess(folder)) === null)
    await startRun(folder, { resume: started_at !== null, ...(runner !== undefined && { runner }) });
  let ending: Ending = 'ended';
  const client = await connectRun(folder, 'a comparison').catch((error: unknown) => {
    // It has come to its end before we could connect.
    if (error instanceof LuthierError && error.code === 'interrupted') return null;
    throw error;
  });
  if (client === null) return ending;
  const closed = new Promise<void>((resolve) => client.onClose(resolve));
  client.onEvent(({ event }) => onEvent(event));
  const ask = (wish: 'stop' | 'interrupt', as: Ending) => {
    ending = as;
    // Its answer may be lost with the connection, which says as much.
    client.request(wish, {}).catch(() => undefined);
  };
  const kill = () => {
    try {
      process.kill(client.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  };
  const after = (seconds: number | null, work: () => void) =>
    seconds === null ? undefined : setTimeout(work, 1000 * Math.max(0, seconds));
  const timers = [
    after(stop_s, () => ask('stop', 'stopped')),
    after(end_s, () => {
      ending = 'killed';
      kill();
    }),
  ];
  const interrupt = () => ask('interrupt', 'interrupted');
  signal.addEventListener('abort', interrupt);
  killed.addEventListener('abort', kill);
  if (signal.aborted) interrupt();
  try {
    await client.request('subscribe', { from_line: 0 }).catch(() => undefined);
    await closed;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener('abort', interrupt);
    killed.removeEventListener('abort', kill);
    client.close();
  }
  return ending;
}

/** What a run came to: the figures of a candidate, or why there are none. */
export type Outcome = { result: CandidateResult } | { problem: string };

/**
 * Reads what a run has come to from its folder.
 * @throws LuthierError as readRun
 */
export async function outcomeOf(folder: string, metric: MetricKey): Promise<Outcome> {
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
