// dist/engine/probe.cjs NAME [WIDTH] [--limits]: tries a backend, measures it where a width is given, and prints a line of
// JSON; then what the graphics card grants, where that is asked for, with the same line once more.
// A process of its own, because graphics drivers print what they like and may crash.
import { toErrorData } from '../../../protocol/index.ts';
import { createNamedExecutor } from './create-named.ts';
import type { Executor } from './executor.ts';
import { measureRate } from './measure.ts';
import type { Probe } from './probe.ts';

async function probe(name: Executor['name'], width: number | null): Promise<Probe> {
  try {
    const executor = await createNamedExecutor(name);
    const gflops = width === null ? null : await measureRate(executor, width);
    return { usable: true, library: executor.library, num_threads: executor.numThreads, gflops };
  } catch (error) {
    return { usable: false, error: toErrorData(error) };
  }
}

const say = (result: Probe) =>
  new Promise<void>((resolve) => process.stdout.write(`${JSON.stringify(result)}\n`, () => resolve()));

async function main([name, ...more]: string[]): Promise<void> {
  const width = more.find((given) => given !== '--limits');
  const result = await probe(name as Executor['name'], width === undefined ? null : Number(width));
  // Told first: what asks for limits provokes errors, at which a driver may crash.
  await say(result);
  if (!result.usable || !more.includes('--limits')) return;
  const { cardLimits } = await import('./card-limits.ts');
  await say({ ...result, limits: await cardLimits() });
}

// A driver's threads must not keep the process.
void main(process.argv.slice(2))
  .catch((error: unknown) => console.error(error))
  .finally(() => process.exit(0));
