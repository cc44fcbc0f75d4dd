import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LuthierError, type RunEvent, type RunRecord, taskNameOf, taskOf } from '../../protocol/index.ts';
import { connectRun, type RunClient, readRun } from '../../runs/client.ts';
import { FILES } from '../../runs/folder.ts';
import { type MetricsLine, readEvents } from '../../runs/metrics.ts';
import { trainCommand } from './findings.ts';
import { ENDING, EXIT, note, reportError } from './output.ts';
import { shortPath, typedName } from './run-names.ts';
import { showResult, tellFindings } from './run-result.ts';
import { type Screen, screenFor } from './run-screen.ts';

export interface WatchOptions {
  json: boolean;
  /** Line of metrics.jsonl that is shown first. */
  fromLine?: number;
}

/**
 * Shows a run until it ends. Ctrl-C asks it to write a checkpoint and end, a second one kills it.
 * @returns the exit code
 */
export async function watchRun(folder: string, options: WatchOptions): Promise<number> {
  const started = await readRun(folder);
  const task = taskOf(taskNameOf(started.recipe));
  const screen = screenFor({ folder, task, train: trainCommand(started, shortPath) }, options);
  // Where one looks on from the middle, the start has been told already.
  if (options.fromLine !== undefined) {
    const { step, total_steps } = await readRun(folder);
    if (total_steps > 0) screen.begin(step, total_steps);
  }
  let ending: RunEvent | null = null;
  let nextLine = options.fromLine ?? 0;
  const see = ({ line, event }: MetricsLine) => {
    nextLine = line + 1;
    if (event.event === 'done' || event.event === 'error') ending = event;
    screen.show(event);
  };
  const interrupted = await follow(folder, nextLine, screen, see);
  // What was said after the last that came through stands in the folder all the same.
  for (const logged of await readEvents(join(folder, FILES.metrics), nextLine)) see(logged);
  screen.close();
  return conclude(folder, ending, interrupted, options);
}

/** Listens until the run's process ends. @returns whether the person asked it to */
async function follow(
  folder: string,
  fromLine: number,
  screen: Screen,
  see: (logged: MetricsLine) => void,
): Promise<boolean> {
  let interruption: Interruption | null = null;
  try {
    const client = await connectRun(folder, 'luthier train');
    interruption = new Interruption(client, screen);
    const closed = new Promise<void>((resolve) => client.onClose(resolve));
    client.onEvent(see);
    await client.request('subscribe', { from_line: fromLine });
    await closed;
  } catch (error) {
    // A run can end before we have connected or subscribed; what it was is in its folder.
    if (!(error instanceof LuthierError && error.code === 'interrupted')) throw error;
  } finally {
    interruption?.dispose();
  }
  return interruption?.wanted ?? false;
}

/** Ctrl-C, and what `kill` sends. */
class Interruption {
  wanted = false;
  readonly #client: RunClient;
  readonly #screen: Screen;
  readonly #handler = () => this.#interrupt();

  constructor(client: RunClient, screen: Screen) {
    this.#client = client;
    this.#screen = screen;
    process.on('SIGINT', this.#handler);
    process.on('SIGTERM', this.#handler);
  }

  dispose(): void {
    process.off('SIGINT', this.#handler);
    process.off('SIGTERM', this.#handler);
  }

  #interrupt(): void {
    if (this.wanted) {
      // The thread of a run is blocked while a step computes: only another process can end it at once.
      process.kill(this.#client.pid, 'SIGKILL');
      return;
    }
    this.wanted = true;
    this.#screen.say(ENDING);
    // Its answer may be lost with the connection, which says as much.
    this.#client.request('interrupt', {}).catch(() => undefined);
  }
}

async function conclude(
  folder: string,
  ending: RunEvent | null,
  interrupted: boolean,
  { json, fromLine }: WatchOptions,
): Promise<number> {
  if (ending?.event === 'done') {
    if (!json) await showResult(folder, ending);
    return EXIT.done;
  }
  let record: RunRecord;
  try {
    record = await readRun(folder);
  } catch (error) {
    // A folder that was deleted or moved holds no record; its process has told why it ended.
    if (ending?.event !== 'error') throw error;
    return reportError(new LuthierError(ending.code as LuthierError['code'], ending.message, ending.hint));
  }
  if (record.state === 'failed' && record.error !== null) {
    const { code, message, hint } = record.error;
    // What never began leaves nothing to list, and its folder's name free; a bug's log is kept, and so is a run that
    // stood there before: its record alone says that it never began.
    if (record.total_steps === 0 && code !== 'internal' && fromLine === undefined)
      await rm(folder, { recursive: true, force: true });
    const exit = reportError(new LuthierError(code as LuthierError['code'], message, hint));
    await tellFindings(folder, record);
    return exit;
  }
  // A full disk may have kept the record from being written.
  if (ending?.event === 'error') {
    return reportError(new LuthierError(ending.code as LuthierError['code'], ending.message, ending.hint));
  }
  if (record.state === 'stopped') {
    note('The run was stopped before its first step; there is no model.');
    return EXIT.done;
  }
  if (record.state === 'cancelled') {
    note('The run was discarded; its record and metrics are kept.');
    return EXIT.interrupted;
  }
  const kept = record.step > 0 && (await hasCheckpoint(folder));
  const name = await typedName(folder);
  const what = interrupted
    ? `Interrupted after step ${record.step}.`
    : `The training process stopped unexpectedly${record.environment?.executor === 'webgpu' ? ', perhaps ended by the driver of the graphics card' : ''}. It had reached step ${record.step}.`;
  note(
    `${what} ${kept ? 'Resume:' : 'There is no checkpoint yet; this starts the run over:'}\n  luthier runs resume ${name}`,
  );
  if (interrupted) return EXIT.interrupted;
  note(`Its last output is in ${join(folder, FILES.log)}.`);
  return EXIT.failed;
}

async function hasCheckpoint(folder: string): Promise<boolean> {
  const { Checkpoints } = await import('../runs/checkpoints.ts');
  return (await new Checkpoints(join(folder, FILES.checkpoints), 1, '').latest()) !== null;
}
