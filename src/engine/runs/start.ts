import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { APPEND_FLAGS, openOwnFile, runFolderProblem } from '../../guard/index.ts';
import { engineEnvironment, runArguments } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { errnoOf, writeError } from '../hub/write-file.ts';
import { FILES, requireNone } from './folder.ts';
import type { ReadyMessage } from './process.ts';

export interface StartOptions {
  resume?: boolean;
  /** Milliseconds since the epoch at which the person's command began; default: now. */
  since?: number;
  /** Program that runs the engine; default: this one. */
  node?: string;
  /** The run process's bundle; default: run.cjs beside this one. */
  runner?: string;
}

/**
 * Starts the process of a run that has a folder, detached, its output going to run.log there, and waits until its
 * socket is open. @returns its pid
 * @throws LuthierError `run-untrusted` when the folder is not what it seems; as the process says it (`run-busy`, `not-writable`…), or `internal` with its last words
 */
export async function startRun(folder: string, options: StartOptions = {}): Promise<number> {
  const runner = options.runner ?? join(__dirname, 'run.cjs');
  const log = join(folder, FILES.log);
  requireNone(await runFolderProblem(folder));
  let fd: number;
  try {
    fd = openSync(log, APPEND_FLAGS, 0o666);
  } catch (error) {
    throw writeError(log, error);
  }
  const launch = { resume: options.resume ?? false, since: options.since ?? Date.now() };
  const child = spawn(options.node ?? process.execPath, runArguments(runner, folder, launch), {
    cwd: dirname(folder),
    detached: true,
    stdio: ['ignore', fd, fd, 'ipc'],
    env: engineEnvironment(process.env, process.platform),
    windowsHide: true,
  });
  const message = await firstWord(child, log);
  child.unref();
  if (!message.ready) throw new LuthierError(message.error.code, message.error.message, message.error.hint);
  return child.pid!;
}

async function firstWord(child: ChildProcess, log: string): Promise<ReadyMessage> {
  let heard = false;
  const ended = new Promise<never>((_, reject) => {
    child.once('error', (error) => {
      const why = errnoOf(error) === 'ENOENT' ? 'the program was not found' : error.message;
      reject(new LuthierError('internal', `${child.spawnfile} could not be started: ${why}.`));
    });
    child.once('exit', async (code, signal) => {
      // A run may end, and its folder go, while we still live.
      if (heard) return;
      const words = await lastWords(log);
      reject(
        new LuthierError(
          'internal',
          `The training process stopped as soon as it started (${signal ?? `code ${code}`}).`,
          words,
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

const LAST_BYTES = 2_000;

async function lastWords(log: string): Promise<string> {
  const file = await openOwnFile(log);
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, LAST_BYTES));
    await file.read(buffer, 0, buffer.length, size - buffer.length);
    const lines = buffer.toString('utf8').trim().split('\n');
    return `Its last line, from ${log}: ${lines.at(-1) ?? ''}`;
  } finally {
    await file.close();
  }
}
