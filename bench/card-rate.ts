import { neg, slice } from '@tensorflow/tfjs-core';
import type { Executor } from '../src/engine/tensor/executors/executor.ts';

const REPEATS = 20;

/**
 * Bytes a second that a card reads and writes while it copies numbers of so many bytes, with their signs changed: an
 * executor takes a mere copy for none. The best of three, since whatever else the machine does only slows it down.
 */
export async function copyRate(executor: Executor, bytes: number): Promise<number> {
  if (!executor.compileOnDevice) throw new Error(`${executor.name} keeps nothing on a card`);
  const numbers = Math.floor(bytes / Float32Array.BYTES_PER_ELEMENT);
  const spec = { x: { shape: [numbers], dtype: 'float32' } } as const;
  const copy = await executor.compileOnDevice(({ x }) => ({ y: neg(x!) }), spec);
  const first = await executor.compile(({ x }) => ({ y: slice(x!, [0], [1]) }), spec);
  let { y } = await copy.run({ x: new Float32Array(numbers) });
  const y0 = new Float32Array(1);
  /** What was asked of the card is done when a number of it is there. */
  const wait = () => first.run({ x: y! }, { y: y0 });
  await wait();
  const rates: number[] = [];
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    for (let i = 0; i < REPEATS; i++) {
      const next = await copy.run({ x: y! });
      y!.dispose();
      y = next.y!;
    }
    await wait();
    rates.push((2 * 4 * numbers * REPEATS * 1000) / (performance.now() - start));
  }
  y!.dispose();
  copy.dispose();
  first.dispose();
  return Math.max(...rates);
}
