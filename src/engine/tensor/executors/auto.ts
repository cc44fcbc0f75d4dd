import { existsSync, readdirSync } from 'node:fs';
import { LuthierError, toErrorData } from '../../../protocol/index.ts';
import { createNamedExecutor } from './create-named.ts';
import type { Executor } from './executor.ts';
import { probeBackend } from './probe.ts';
import { type Rates, readRates, rememberRates, sizeClassOf, widthOf } from './rates.ts';

export type Say = (level: 'info' | 'warning', message: string) => void;

export interface AutoOptions {
  /** The model's hidden_size, once it is known; BERT-base's where it is not. Awaited only where it matters. */
  hiddenSize?: Promise<number | undefined> | undefined;
  /** Hears what was chosen and why, where that is not the usual. */
  note?: Say | undefined;
  /** For tests: whether a graphics card may be there, what trying a backend says, and what making one gives. */
  mayHaveGpu?: () => boolean;
  probe?: typeof probeBackend;
  create?: typeof createNamedExecutor;
}

/** A graphics card must be this much faster to be taken: it also has memory of its own that may be too small. */
const WORTHWHILE = 1.5;
const isCardWorthwhile = ({ webgpu, onnxruntime }: Rates): boolean =>
  (webgpu ?? 0) >= WORTHWHILE * (onnxruntime ?? Number.POSITIVE_INFINITY);

/** What `auto` takes, given which backends work and how fast they are. */
export function chosenByAuto(
  isUsable: (name: Executor['name']) => boolean,
  rates: Rates,
): Executor['name'] | undefined {
  if (isUsable('onnxruntime')) return isUsable('webgpu') && isCardWorthwhile(rates) ? 'webgpu' : 'onnxruntime';
  return FALLBACKS.find(isUsable);
}

/**
 * The fastest backend here. Without a graphics card that is onnxruntime, at once and unmeasured; with one, both are
 * measured the first time on this machine with a model of this size, which is remembered. Where onnxruntime does not
 * load, what else does.
 * @throws LuthierError `backend-unavailable` when nothing does
 */
export async function createAutoExecutor(options: AutoOptions = {}): Promise<Executor> {
  const { note = () => {}, mayHaveGpu = mayHaveGraphicsCard, create = createNamedExecutor } = options;
  let processor: Executor;
  try {
    processor = await create('onnxruntime');
  } catch (error) {
    return fallBack(error, note, create);
  }
  if (!mayHaveGpu()) return processor;
  const rates = await ratesHere(processor, options, note);
  if (!isCardWorthwhile(rates)) return processor;
  try {
    const card = await create('webgpu');
    processor.dispose();
    return card;
  } catch (error) {
    const size = sizeClassOf((await options.hiddenSize) ?? 768);
    await rememberRates(processor.library, size, { webgpu: null });
    note(
      'warning',
      `${toErrorData(error).message} Using the processor instead, which was measured here as ${factor(rates.webgpu!, rates.onnxruntime!)} slower.`,
    );
    return processor;
  }
}

async function ratesHere(
  processor: Executor,
  { hiddenSize, probe = probeBackend }: AutoOptions,
  note: Say,
): Promise<Rates> {
  const size = sizeClassOf((await hiddenSize) ?? 768);
  const known = await readRates(processor.library, size);
  if (known.webgpu === null || (known.webgpu !== undefined && known.onnxruntime)) return known;
  const rates: Rates = {};
  // One after the other: beside each other they would slow each other down.
  for (const name of ['webgpu', 'onnxruntime'] as const) {
    const found = await probe(name, widthOf(size));
    rates[name] = found.usable ? found.gflops : null;
    if (!found.usable) note('info', `Not using ${name}: ${found.error.message}`);
    // Nothing to compare with.
    if (rates.webgpu === null) break;
  }
  await rememberRates(processor.library, size, rates);
  const { webgpu, onnxruntime } = rates;
  if (webgpu && onnxruntime) {
    const figures = `${Math.round(onnxruntime)} Gflop/s on the processor, ${Math.round(webgpu)} on the graphics card`;
    const chosen = isCardWorthwhile(rates) ? 'the graphics card' : 'the processor';
    note('info', `Measured once for models of this size: ${figures}; ${chosen} is used from now on.`);
  }
  return rates;
}

/** In the order tried where onnxruntime does not load. */
const FALLBACKS = ['tensorflow', 'wasm'] as const;
/** Rough cost of what is left where onnxruntime does not load, measured on 2 cores (bench/NOTES.md). */
const COST = {
  tensorflow: 'up to twice the time',
  wasm: 'four to ten times the time on two cores, and more on many',
} as const;

async function fallBack(reason: unknown, note: Say, create: typeof createNamedExecutor): Promise<Executor> {
  const reasons = [toErrorData(reason).message];
  for (const name of FALLBACKS) {
    try {
      const executor = await create(name);
      note('warning', `${reasons[0]} Using ${name} instead, which takes ${COST[name]}.`);
      return executor;
    } catch (error) {
      reasons.push(toErrorData(error).message);
    }
  }
  throw new LuthierError(
    'backend-unavailable',
    `No backend works on this machine: ${reasons.join(' ')}`,
    'Use Node 20 or newer on a 64-bit Linux, macOS or Windows.',
    { cause: reason },
  );
}

const factor = (a: number, b: number) => `${(a / b).toFixed(1)} times`;

/**
 * Whether it is worth asking for a graphics card, which takes a moment: no where there is none for sure. On Linux every
 * card has a device file (WSL's is /dev/dxg).
 */
function mayHaveGraphicsCard(): boolean {
  if (process.platform === 'darwin') return process.arch === 'arm64';
  if (process.platform !== 'linux') return true;
  if (existsSync('/dev/nvidia0') || existsSync('/dev/dxg')) return true;
  try {
    return readdirSync('/dev/dri').some((name) => name.startsWith('render'));
  } catch {
    return false;
  }
}
