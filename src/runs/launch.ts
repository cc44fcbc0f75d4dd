import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { APPEND_FLAGS } from '../files/regular-file.ts';
import { writeError } from '../files/write-file.ts';
import { type ErrorData, engineEnvironment, type RunLaunch, runArguments } from '../protocol/index.ts';
import { FILES } from './folder.ts';

/** What a run's process tells whoever started it, once: that its socket is open, or why not. */
export type ReadyMessage = { ready: true } | { ready: false; error: ErrorData };

/** The program that runs the engine, the bundle of a run's process, and what both need beside this environment. */
export interface Runner {
  node: string;
  script: string;
  environment?: Record<string, string | undefined>;
}

/** A run's process that was just started; what comes of it is heard from the start on. */
export interface Spawned {
  child: ChildProcess;
  ready: Promise<ReadyMessage>;
  /** What it told, once it will tell no more; null where it ended before. */
  told: Promise<ReadyMessage | null>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * Starts the process of a run that has a folder, detached: it outlives whoever starts it. Its output goes to run.log,
 * since a pipe would break when that one ends; its `ReadyMessage` comes over its channel. The terminal and the editor
 * both start runs here, so that a run is the same whichever door it came through.
 * @throws LuthierError `not-writable`, `disk-full`; the system's error where the program cannot be started
 */
export async function spawnRun(
  folder: string,
  { node, script, environment = {} }: Runner,
  launch: RunLaunch,
): Promise<Spawned> {
  const log = join(folder, FILES.log);
  const output = await open(log, APPEND_FLAGS, 0o666).catch((error: unknown) => {
    throw writeError(log, error);
  });
  try {
    const child = spawn(node, runArguments(script, folder, launch), {
      cwd: dirname(folder),
      detached: true,
      stdio: ['ignore', output.fd, output.fd, 'ipc'],
      env: engineEnvironment(process.env, process.platform, environment),
      windowsHide: true,
    });
    const ready = new Promise<ReadyMessage>((resolve) =>
      child.once('message', (said) => resolve(said as ReadyMessage)),
    );
    const told = new Promise<ReadyMessage | null>((resolve) => {
      void ready.then(resolve);
      // Its channel closes behind its last message.
      child.once('disconnect', () => setImmediate(() => resolve(null)));
    });
    const ended = new Promise<Awaited<Spawned['ended']>>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return { child, ready, told, ended };
  } finally {
    await output.close();
  }
}
