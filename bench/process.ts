import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Measured } from './spec.ts';

/** How a process is started. */
export interface Command {
  command: string;
  args: readonly string[];
  env?: Record<string, string>;
}

/** A process that answers each line `run N` or `rate N` with one line of JSON; bench/step.ts and its peers. */
export class Stepper {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #errors = '';

  constructor({ command, args, env }: Command) {
    this.#child = spawn(command, args, { env: { ...process.env, ...env } });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-2000);
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Does so many steps and gives their median. */
  async run(steps: number): Promise<Measured> {
    const { ms, update_ms, ...more } = await this.#ask<{
      ms: number[];
      update_ms?: number[];
      tokens?: number;
      peak_rss_bytes: number;
      losses?: number[];
    }>(`run ${steps}`);
    const total = ms.reduce((a, b) => a + b, 0);
    const update = update_ms?.length ? { update: median(update_ms) } : {};
    return { figures: { step: median(ms), fastest: Math.min(...ms), total, ...update }, ...more };
  }

  /** How many steps its rows are, once each; answered when it stands ready. */
  async total(): Promise<number> {
    return (await this.#ask<{ steps: number }>('total 1')).steps;
  }

  /** Keeps what it has learnt, to go on from it in another process. */
  async save(path: string): Promise<void> {
    await this.#ask(`save ${path}`);
  }

  async load(path: string): Promise<void> {
    await this.#ask(`load ${path}`);
  }

  /** The loss of the rows that are held out, as the model is now. */
  async evaluate(): Promise<number> {
    return (await this.#ask<{ loss: number }>('evaluate 1')).loss;
  }

  /** Gflop/s of a float32 product `[1024, width] × [width, 4 width]`. */
  async rate(width: number): Promise<number> {
    return (await this.#ask<{ gflops: number }>(`rate ${width}`)).gflops;
  }

  /** Bytes a second that a card reads and writes as it copies. */
  async copyRate(bytes: number): Promise<number> {
    return (await this.#ask<{ bytes_per_second: number }>(`copy ${bytes}`)).bytes_per_second;
  }

  async #ask<T>(line: string): Promise<T> {
    this.#child.stdin.write(`${line}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the process ended: ${this.#errors.trim()}`);
    return JSON.parse(value as string) as T;
  }

  end(): void {
    this.#child.stdin.end();
    this.#child.kill();
  }
}

/** How often a process's peak of memory is read, in ms: what it was at last is its peak. */
const LOOK = 100;

/** The largest resident memory that a process has had, where the system says it (Linux). */
function peakOf(pid: number | undefined): number {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Runs a command to its end; its standard output, how long it took, and its peak of memory (0 where unknown). */
export async function timed(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ stdout: string; ms: number; peak_rss_bytes: number }> {
  const start = performance.now();
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4000);
  });
  let peak = 0;
  const looking = setInterval(() => {
    peak = Math.max(peak, peakOf(child.pid));
  }, LOOK);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => clearInterval(looking));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return { stdout, ms: performance.now() - start, peak_rss_bytes: peak };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
