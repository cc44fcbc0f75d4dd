// dist/engine/probe.cjs NAME [WIDTH]: tries a backend, measures it where a width is given, and prints one line of JSON.
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

const [name, width] = process.argv.slice(2);
void probe(name as Executor['name'], width === undefined ? null : Number(width)).then((result) => {
  // A driver's threads must not keep the process.
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
});
