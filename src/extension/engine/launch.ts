import { spawn } from 'node:child_process';
import { errnoOf } from '../../files/errno.ts';
import { exitReason } from '../../files/exit.ts';
import { engineEnvironment, LuthierError, type RunLaunch } from '../../protocol/index.ts';
import { type ReadyMessage, spawnRun } from '../../runs/launch.ts';
import { HostError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { NodeChoice } from './node.ts';
import type { ServiceProcess } from './service.ts';

type Environment = Record<string, string | undefined>;

/** Starts `node service.cjs`, its standard error going line by line to the log. */
export async function launchService(
  node: NodeChoice,
  script: string,
  log: Log,
  environment: Environment = {},
): Promise<ServiceProcess> {
  const child = spawn(node.path, [script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
    env: engineEnvironment(process.env, process.platform, { ...node.environment, ...environment }),
  });
  let tail = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-4000);
    for (const line of text.split('\n')) if (line.trim()) log.info(`engine: ${line.trimEnd()}`);
  });
  // A write to a child that just died must not end the extension host.
  child.stdin.on('error', (error) => log.debug(`engine's input: ${error.message}`));
  const exit = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(exitReason(code, signal, tail)));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(couldNotRun('engine', node.path, error)));
  });
  return {
    output: child.stdout,
    input: child.stdin,
    description: `${node.path} ${script} (${node.reason})`,
    onExit: (listener) => void exit.then(listener),
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

/** How a run's process ended, and what it had told: that it began, why it could not, or nothing. */
export interface EndedRun {
  code: number | null;
  signal: NodeJS.Signals | null;
  told: ReadyMessage | null;
}

/** A run's process just started: it is on its own from here, and `early` tells when it ended while we still watch. */
export interface StartedRun {
  pid: number | undefined;
  early: Promise<EndedRun>;
}

/** Starts a run's process with this window's Node. */
export async function launchRun(
  node: NodeChoice,
  script: string,
  folder: string,
  launch: RunLaunch,
  environment: Environment = {},
): Promise<StartedRun> {
  const runner = { node: node.path, script, environment: { ...node.environment, ...environment } };
  const { child, told, ended } = await spawnRun(folder, runner, launch).catch((error: unknown) => {
    throw error instanceof LuthierError ? error : couldNotRun('run', node.path, error);
  });
  child.unref();
  const early = Promise.all([ended, told]).then(([end, said]) => ({ ...end, told: said }));
  return { pid: child.pid, early };
}

const couldNotRun = (what: 'engine' | 'run', path: string, error: unknown) =>
  new HostError(
    'engine-start',
    `The ${what} did not start: ${path} could not be run (${errnoOf(error) ?? (error as Error).message}).`,
    'Set luthier.node.path to Node.js 20 or newer.',
    ['showLog'],
  );
