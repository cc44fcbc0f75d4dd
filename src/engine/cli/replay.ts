import { completionReportText, LuthierError, REPLAY_POLICY } from '../../protocol/index.ts';
import { measureCompletions } from '../runs/completions.ts';
import { findModel } from '../runs/target.ts';
import { dim, EXIT, note, print, printJson } from './output.ts';
import { ProgressLine } from './progress-line.ts';

export interface ReplayCommandOptions {
  /** As they were typed. */
  lines?: string;
  seed?: string;
  json?: boolean;
}

/** Types held-out files again with a run's model and with the one that it began with. */
export async function replayRun(name: string, options: ReplayCommandOptions): Promise<number> {
  const { run } = await findModel(name, process.cwd());
  if (run === null) throw new LuthierError('usage', `${name} is no run.`, 'luthier runs list shows the runs here.');
  const progress = new ProgressLine('Typing');
  const report = await measureCompletions(run, {
    ...{ lines: whole('--lines', options.lines, 1), seed: whole('--seed', options.seed, 0) },
    note: (_, message) => note(dim(message)),
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.close());
  if (options.json) printJson(report);
  else {
    for (const line of completionReportText(report)) print(line);
    note(dim(REPLAY_POLICY));
  }
  return EXIT.done;
}

/** @throws LuthierError `usage` */
function whole(option: string, typed: string | undefined, least: number): number | undefined {
  if (typed === undefined) return undefined;
  const value = Number(typed);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new LuthierError('usage', `${option} is ${typed}; it must be a whole number, at least ${least}.`);
}
