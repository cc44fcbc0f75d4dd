import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { RunEvent } from '../../src/protocol/index.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** A folder for each process, since test files run side by side. */
const output = join(root, 'test', 'faults', 'output', `engine-${process.pid}`);

/** For `afterAll`. */
export const removeEngine = () => rm(output, { recursive: true, force: true });

/** Bundles the engine's programs as esbuild.mjs does, into a folder of these tests' own. */
export async function buildEngine(): Promise<{ cli: string; runner: string; service: string; host: string }> {
  await build({
    absWorkingDir: root,
    entryPoints: {
      cli: 'src/engine/cli.ts',
      run: 'src/engine/runs/process.ts',
      service: 'src/engine/service/main.ts',
      host: 'src/engine/service/host/main.ts',
      probe: 'src/engine/tensor/executors/probe-process.ts',
      'prompt-thread': 'src/engine/prompts/thread.ts',
    },
    outdir: output,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    outExtension: { '.js': '.cjs' },
    mainFields: ['module', 'main'],
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    external: ['onnxruntime-node', '@tensorflow/tfjs-node'],
    logLevel: 'error',
  });
  await mkdir(output, { recursive: true });
  const wasm = [
    'dist/engine/kernels.wasm',
    'node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm',
  ];
  for (const file of wasm) await copyFile(join(root, file), join(output, basename(file)));
  return {
    cli: join(output, 'cli.cjs'),
    runner: join(output, 'run.cjs'),
    service: join(output, 'service.cjs'),
    host: join(output, 'host.cjs'),
  };
}

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
  /** stdout's lines as JSON. */
  events: RunEvent[];
}

/** A program that is running, whose JSON lines can be waited for. */
export class Program {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  #said: { text: string; resolve: () => void }[] = [];
  #stdout = '';
  #stderr = '';
  #waiting: { test: (event: RunEvent) => boolean; resolve: (event: RunEvent) => void }[] = [];

  constructor(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let rest = '';
    this.child.stdout!.on('data', (chunk: Buffer) => {
      this.#stdout += chunk;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.#offer(line);
    });
    this.child.stderr!.on('data', (chunk: Buffer) => {
      this.#stderr += chunk;
      for (const { text, resolve } of this.#said) if (this.#stderr.includes(text)) resolve();
    });
    this.finished = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => {
        const events = this.#stdout.split('\n').flatMap(parse);
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr, events });
      });
    });
  }

  #offer(line: string): void {
    for (const event of parse(line)) {
      for (const waiter of this.#waiting.filter((w) => w.test(event))) waiter.resolve(event);
      this.#waiting = this.#waiting.filter((w) => !w.test(event));
    }
  }

  /** The next event that fits; rejects when the program ends without one. */
  until(test: (event: RunEvent) => boolean): Promise<RunEvent> {
    const found = new Promise<RunEvent>((resolve) => this.#waiting.push({ test, resolve }));
    const ended = this.finished.then(({ stderr, code }) => {
      throw new Error(`The program ended (${code}) before that: ${stderr}`);
    });
    ended.catch(() => undefined);
    return Promise.race([found, ended]);
  }

  /** Until stderr holds a text. */
  untilSaid(text: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stderr.includes(text)) resolve();
      else this.#said.push({ text, resolve });
    });
  }

  untilStep(step: number): Promise<RunEvent> {
    return this.until((event) => event.event === 'step' && event.step >= step);
  }
}

function parse(line: string): RunEvent[] {
  try {
    return line.startsWith('{') ? [JSON.parse(line) as RunEvent] : [];
  } catch {
    return [];
  }
}

/** Losses by step. */
export const losses = (events: RunEvent[]): Map<number, number> =>
  new Map(events.flatMap((e) => (e.event === 'step' ? [[e.step, e.loss] as const] : [])));

export async function endpointOf(run: string): Promise<{ pid: number; address: string; token: string }> {
  return JSON.parse(await readFile(join(run, 'endpoint.json'), 'utf8'));
}

export async function stateOf(run: string): Promise<string> {
  return JSON.parse(await readFile(join(run, 'run.json'), 'utf8')).state;
}

/** Whether a process still does something: one that has ended but that nobody has asked about is gone too. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return !/\) Z /.test(status);
}

/** Ends what a failed test left training: a run outlives whoever started it. */
export async function endRuns(place: string): Promise<void> {
  for (const name of await readdir(place).catch(() => [])) {
    const endpoint = await endpointOf(join(place, name)).catch(() => null);
    if (endpoint !== null && (await isAlive(endpoint.pid))) process.kill(endpoint.pid, 'SIGKILL');
  }
}
