import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { APPEND_FLAGS } from '../../guard/index.ts';
import { engineEnvironment, type RunLaunch, runArguments } from '../../protocol/index.ts';
import { HostError, systemCode } from '../errors.ts';
import type { Log } from '../log.ts';
import { exitReason } from './exit.ts';
import type { NodeChoice } from './node.ts';
import type { ServiceProcess } from './service.ts';

/** Starts `node service.cjs`, its standard error going line by line to the log. */
export async function launchService(
  node: NodeChoice,
  script: string,
  log: Log,
  extraEnvironment: Record<string, string | undefined> = {},
): Promise<ServiceProcess> {
  const child = spawn(node.path, [script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
    env: engineEnvironment(process.env, process.platform, { ...node.environment, ...extraEnvironment }),
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
    child.once('error', (error) => {
      reject(
        new HostError(
          'engine-start',
          `The engine did not start: ${node.path} could not be run (${systemCode(error) ?? error.message}).`,
          'Set luthier.node.path to Node.js 20 or newer.',
          ['showLog'],
        ),
      );
    });
  });
  return {
    reader: new StreamMessageReader(child.stdout),
    writer: new StreamMessageWriter(child.stdin),
    description: `${node.path} ${script} (${node.reason})`,
    onExit: (listener) => void exit.then(listener),
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

/** A run's process just started: it is on its own from here, and `early` tells when it ended while we still watch. */
export interface StartedRun {
  pid: number | undefined;
  early: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * Starts a run's process (`runArguments`), detached: it outlives this window. Its output goes to `run.log` in the
 * folder, since a pipe would break when the window closes.
 */
export async function launchRun(
  node: NodeChoice,
  script: string,
  folder: string,
  launch: RunLaunch,
  extraEnvironment: Record<string, string | undefined> = {},
): Promise<StartedRun> {
  const output = await open(join(folder, 'run.log'), APPEND_FLAGS, 0o666);
  try {
    const child = spawn(node.path, runArguments(script, folder, launch), {
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      windowsHide: true,
      cwd: dirname(folder),
      env: engineEnvironment(process.env, process.platform, { ...node.environment, ...extraEnvironment }),
    });
    const early = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => {
        reject(
          new HostError(
            'engine-start',
            `The run did not start: ${node.path} could not be run (${systemCode(error) ?? error.message}).`,
            'Set luthier.node.path to Node.js 20 or newer.',
            ['showLog'],
          ),
        );
      });
    });
    child.unref();
    return { pid: child.pid, early };
  } finally {
    await output.close();
  }
}
