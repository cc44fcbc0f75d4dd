import { join } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { readTail } from '../../files/tail.ts';
import { runFolderProblem } from '../../guard/index.ts';
import { LuthierError } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { type Spawned, spawnRun } from '../../runs/launch.ts';
import { printedIn } from '../../runs/run-log.ts';
import { requireNone } from './folder.ts';

export interface StartOptions {
  resume?: boolean;
  /** Milliseconds since the epoch at which the person's command began; default: now. */
  since?: number;
  /** The run process's bundle; default: run.cjs beside this one. */
  runner?: string;
}

/**
 * Starts the process of a run that has a folder and waits until its socket is open. @returns its pid
 * @throws LuthierError `run-untrusted` when the folder is not what it seems; as the process says it (`run-busy`, `not-writable`…), or `internal` with its last words
 */
export async function startRun(folder: string, options: StartOptions = {}): Promise<number> {
  const runner = {
    node: process.execPath,
    script: options.runner ?? join(__dirname, 'run.cjs'),
    // The editor's service may run in Electron's binary.
    environment: process.versions.electron === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' },
  };
  requireNone(await runFolderProblem(folder));
  let spawned: Spawned;
  try {
    spawned = await spawnRun(folder, runner, { resume: options.resume ?? false, since: options.since ?? Date.now() });
  } catch (error) {
    if (error instanceof LuthierError) throw error;
    const why = errnoOf(error) === 'ENOENT' ? 'the program was not found' : (error as Error).message;
    throw new LuthierError('internal', `${runner.node} could not be started: ${why}.`);
  }
  const { child } = spawned;
  const said = await Promise.race([spawned.ready, spawned.ended]);
  // A run may end, and its folder go, while we still live.
  child.unref();
  if (child.connected) child.disconnect();
  if ('code' in said) throw await stoppedAtOnce(said, join(folder, FILES.log));
  if (!said.ready) throw new LuthierError(said.error.code, said.error.message, said.error.hint);
  return child.pid!;
}

async function stoppedAtOnce({ code, signal }: Awaited<Spawned['ended']>, log: string): Promise<LuthierError> {
  const words = printedIn(await readTail(log))
    .trim()
    .split('\n')
    .at(-1);
  return new LuthierError(
    'internal',
    `The training process stopped as soon as it started (${signal ?? `code ${code}`}).`,
    words ? `Its last line, from ${log}: ${words}` : `It printed nothing into ${log}.`,
  );
}
