import { join } from 'node:path';
import { runFolderProblem } from '../../guard/index.ts';
import { LuthierError, type RunDescription, STATE_WORDS } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { readRecord } from '../../runs/record.ts';
import { Control, type Wish } from '../train/control.ts';
import { Endpoint } from './endpoint.ts';
import { EventLog } from './event-log.ts';
import { requireNone } from './folder.ts';
import { Journal } from './journal.ts';
import { lockRun } from './lock.ts';
import { Place } from './place.ts';
import { Reserve } from './reserve.ts';
import { type Run, trainOnce } from './training.ts';

export interface RunProcessOptions {
  folder: string;
  resume: boolean;
  /** Milliseconds since the epoch at which the person's command began. */
  since: number;
  /** Told when the socket is open, or why the run could not begin. */
  ready: (error?: unknown) => void;
}

/**
 * One run: its folder, its socket and its training.
 * @returns the exit code: 0 the run has ended as it was asked to, 1 it failed, 130 it was interrupted and can be resumed
 */
export async function runProcess(options: RunProcessOptions): Promise<number> {
  let opened: Opened;
  try {
    opened = await open(options);
  } catch (error) {
    options.ready(error);
    throw error;
  }
  options.ready();
  const { journal, control, unlock } = opened;
  // A signal to the process means the same as a client's request.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void control.ask('interrupt'));
  // Its terminal is gone; a run outlives that.
  process.on('SIGHUP', () => undefined);
  const code = await work(opened).catch(async (error: unknown) => {
    await journal.fail(error);
    return 1;
  });
  await journal.settle();
  control.finish(journal.record.step);
  await unlock();
  await journal.close();
  return code;
}

interface Opened extends Run {
  unlock: () => Promise<void>;
}

async function open({ folder, resume, since }: RunProcessOptions): Promise<Opened> {
  requireNone(await runFolderProblem(folder));
  const place = await Place.of(folder);
  const unlock = await lockRun(folder);
  let endpoint: Endpoint | null = null;
  try {
    // What it said when it failed is no longer so.
    const { findings: _, ...record } = await readRecord(folder);
    if (record.state === 'done' || record.state === 'stopped' || record.state === 'cancelled') {
      throw new LuthierError(
        'usage',
        `The run ${record.id} has already ended (${STATE_WORDS[record.state]}).`,
        'Start a new run.',
      );
    }
    if (!resume && record.started_at !== null) {
      throw new LuthierError('usage', `The run ${record.id} was already started.`, 'Resume it with --resume.');
    }
    const log = EventLog.open(join(folder, FILES.metrics));
    const journal = new Journal({
      folder,
      record: { ...record, state: 'starting', started_at: record.started_at ?? new Date().toISOString(), error: null },
      log,
      place,
      reserve: await Reserve.make(folder),
      since,
    });
    const control = new Control();
    const hello = () => ({ record: journal.record, pid: process.pid });
    endpoint = await Endpoint.open(folder, log, hello, answers(journal, control));
    journal.endpoint = endpoint;
    await journal.write();
    return { journal, control, place, resume, unlock };
  } catch (error) {
    // An open socket would keep the process alive.
    await endpoint?.close();
    await unlock();
    throw error;
  }
}

function answers(journal: Journal, control: Control) {
  const ask = (wish: Wish) => async () => ({ step: await control.ask(wish) });
  return {
    pause: ask('pause'),
    resume: ask('run'),
    stop: ask('stop'),
    interrupt: ask('interrupt'),
    cancel: ask('cancel'),
    describe: async (change: RunDescription) => {
      await journal.describe(change);
      return { record: journal.record };
    },
    ping: () => ({ state: journal.record.state, step: journal.record.step }),
  };
}

async function work(run: Run): Promise<number> {
  run.journal.tellState('starting');
  const { folds, seeds } = run.journal.record;
  if (folds === undefined && seeds === undefined) return trainOnce(run);
  const { trainRepeatedly } = await import('./repeated-training.ts');
  return trainRepeatedly(run);
}
