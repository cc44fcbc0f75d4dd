import { counted, LuthierError, type RunRecord } from '../../protocol/index.ts';
import { changeQueue } from '../../runs/queue.ts';
import {
  type InLine,
  standInLine,
  untilStarted,
  type Wait,
  type WorkingRun,
  waitForTurn,
  workingRuns,
} from '../runs/line.ts';
import { startRun } from '../runs/start.ts';
import { EXIT, note, print, printJson, yellow } from './output.ts';
import { typedName } from './run-names.ts';
import { watchRun } from './watch.ts';

export interface BeginOptions {
  detach?: boolean;
  queue?: boolean;
  json?: boolean;
}

/** A run that has a folder, and the `.luthier` folder whose line it stands in. */
export interface Beginning {
  folder: string;
  record: RunRecord;
  home: string;
  /** Line of metrics.jsonl that is shown first. */
  fromLine?: number;
}

/** @throws LuthierError `usage`: who waits in line has to be there when its turn comes */
export function refuseQueueDetached({ queue, detach }: BeginOptions): void {
  if (!queue || !detach) return;
  throw new LuthierError(
    'usage',
    '--queue waits in this terminal until the run may start, and --detach leaves it at once.',
    'Pass one of them.',
  );
}

/**
 * Starts a run and shows it until its end. Where another run works on this machine, that is said, or with `queue` waited
 * for. @returns the exit code
 */
export async function beginRun(
  { folder, record, home, fromLine }: Beginning,
  { detach = false, queue = false, json = false }: BeginOptions,
): Promise<number> {
  const showing = { json, ...(fromLine === undefined ? {} : { fromLine }) };
  let hasWaited = false;
  if (queue) {
    const outcome = await inLine({ home, folder, id: record.id }, (run, wait) => {
      hasWaited = true;
      tellWait(run, wait, json);
    });
    if (outcome === 'left') return tellLeft(folder, record, json);
    if (outcome === 'elsewhere') {
      // The editor may have started it: then it is looked on at as if it were ours.
      await untilStarted(folder);
      return watchRun(folder, showing);
    }
  }
  const others = queue ? [] : workingRuns(home, folder).catch(() => []);
  // Left in line by a terminal or a window that is gone, or by one that it now goes before.
  if (!queue && record.state === 'queued') await changeQueue(home, (order) => order.filter((id) => id !== record.id));
  // Time spent waiting in line is not the run's.
  const since = hasWaited ? Date.now() : performance.timeOrigin;
  await startRun(folder, { resume: record.started_at !== null, since });
  tellOthers(await others);
  return detach ? announce(folder, json) : watchRun(folder, showing);
}

export async function announce(folder: string, json: boolean): Promise<number> {
  if (json) printJson({ run: folder });
  else {
    print(folder);
    note(`The run trains in the background. To see its progress: luthier runs show ${await typedName(folder)}`);
  }
  return EXIT.done;
}

function tellOthers(working: readonly WorkingRun[]): void {
  if (working.length === 0) return;
  const names = namesOf(working);
  note(
    working.length === 1
      ? `${yellow('Note:')} another run is in progress (${names}), and both take longer. Pass --queue to wait for its end.`
      : `${yellow('Note:')} ${working.length} other runs are in progress (${names}), and all take longer. Pass --queue to wait for their end.`,
  );
}

const namesOf = (working: readonly WorkingRun[]): string => working.map(({ record }) => record.name).join(', ');

/** Ctrl-C takes the run off the line again; a second one ends this process. */
async function inLine(
  run: InLine,
  tell: (run: InLine, wait: Wait) => void,
): Promise<Awaited<ReturnType<typeof waitForTurn>>> {
  const abort = new AbortController();
  const leave = () => {
    process.off('SIGINT', leave).off('SIGTERM', leave);
    abort.abort();
  };
  process.on('SIGINT', leave).on('SIGTERM', leave);
  try {
    await standInLine(run);
    return await waitForTurn(run, (wait) => tell(run, wait), abort.signal);
  } finally {
    leave();
  }
}

async function tellLeft(folder: string, { started_at }: RunRecord, json: boolean): Promise<number> {
  const state = started_at === null ? 'cancelled' : 'interrupted';
  if (json) printJson({ event: 'state', time: Date.now() / 1000, state, run: folder });
  const what = started_at === null ? ' and discarded.' : `. Resume it: luthier runs resume ${await typedName(folder)}`;
  note(`The run was taken off the queue${what}`);
  return EXIT.interrupted;
}

function tellWait({ folder }: InLine, { position, working }: Wait, json: boolean): void {
  if (json) {
    const behind = working.map((other) => other.folder);
    printJson({ event: 'state', time: Date.now() / 1000, state: 'queued', run: folder, position, behind });
    return;
  }
  const before = position === 1 ? '' : `, with ${counted(position - 1, 'other run')} before it in the queue`;
  const what = working.length === 0 ? 'its turn' : namesOf(working);
  note(`Waiting for ${what}${before}. Press Ctrl-C to take the run off the queue.`);
}
