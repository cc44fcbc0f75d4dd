import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { readTail } from '../../files/tail.ts';
import { runFolderProblem } from '../../guard/index.ts';
import { FILES } from '../../runs/folder.ts';
import { type ReadyMessage, spawnRun } from '../../runs/launch.ts';
import { LuthierError } from '../errors.ts';
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
  const runner = { node: process.execPath, script: options.runner ?? join(__dirname, 'run.cjs') };
  requireNone(await runFolderProblem(folder));
  let child: ChildProcess;
  try {
    child = await spawnRun(folder, runner, { resume: options.resume ?? false, since: options.since ?? Date.now() });
  } catch (error) {
    if (error instanceof LuthierError) throw error;
    const why = errnoOf(error) === 'ENOENT' ? 'the program was not found' : (error as Error).message;
    throw new LuthierError('internal', `${runner.node} could not be started: ${why}.`);
  }
  const message = await firstWord(child, join(folder, FILES.log));
  child.unref();
  if (!message.ready) throw new LuthierError(message.error.code, message.error.message, message.error.hint);
  return child.pid!;
}

async function firstWord(child: ChildProcess, log: string): Promise<ReadyMessage> {
  let heard = false;
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', async (code, signal) => {
      // A run may end, and its folder go, while we still live.
      if (heard) return;
      reject(
        new LuthierError(
          'internal',
          `The training process stopped as soon as it started (${signal ?? `code ${code}`}).`,
          `Its last line, from ${log}: ${(await readTail(log)).trim().split('\n').at(-1)}`,
        ),
      );
    });
  });
  const said = new Promise<ReadyMessage>((resolve) => child.once('message', (m) => resolve(m as ReadyMessage)));
  try {
    return await Promise.race([said, ended]);
  } finally {
    heard = true;
    ended.catch(() => undefined);
    if (child.connected) child.disconnect();
  }
}
