import { existsSync, readdirSync } from 'node:fs';
import { formatGflops, formatMoment, LuthierError, toErrorData } from '../../../protocol/index.ts';
import { type CardFailure, isWorthTrying, now, triedAgainAt } from './card-failure.ts';
import { createNamedExecutor } from './create-named.ts';
import type { Executor } from './executor.ts';
import { probeBackend } from './probe.ts';
import {
  forgetFailure,
  type Rates,
  readRemembered,
  rememberFailure,
  rememberRates,
  type SizeClass,
  sizeClassOf,
  widthOf,
} from './rates.ts';

export type Say = (level: 'info' | 'warning', message: string) => void;

export interface AutoOptions {
  /** The model's hidden_size, once it is known; BERT-base's where it is not. Awaited only where it matters. */
  hiddenSize?: Promise<number | undefined> | undefined;
  /** Hears what was chosen and why, where that is not the usual. */
  note?: Say | undefined;
  /** For tests: whether a graphics card may be there, what trying a backend says, what making one gives, and the time. */
  mayHaveGpu?: () => boolean;
  probe?: typeof probeBackend;
  create?: typeof createNamedExecutor;
  now?: typeof now;
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
  const card = await workingCard(processor, options, note);
  if (card) processor.dispose();
  return card ?? processor;
}

/** The graphics card, where it works and is worth its while; what is found out of it is remembered. */
async function workingCard(processor: Executor, options: AutoOptions, note: Say): Promise<Executor | null> {
  const { hiddenSize, create = createNamedExecutor, now: ask = now } = options;
  const size = sizeClassOf((await hiddenSize) ?? 768);
  const { sizes, failure } = await readRemembered(processor.library);
  const known = sizes[size]?.rates ?? {};
  if (failure && !isWorthTrying(failure, await ask())) {
    if (isCardWorthwhile(known)) note('info', `${saysOf(failure)} Using the processor, ${slowdown(known)}.`);
    return null;
  }
  const fails = async (reason: string) => {
    const { drivers } = await ask();
    await rememberFailure(processor.library, { reason, drivers });
    return null;
  };
  const isMeasured = known.webgpu !== undefined && known.onnxruntime !== undefined;
  const found = isMeasured ? known : await measured(processor.library, size, options, note);
  if ('failure' in found) return fails(found.failure);
  // Not worth opening: its failure is forgotten only if it was measured just now, which shows that it works.
  if (!isCardWorthwhile(found)) {
    if (failure && !isMeasured) await forgetFailure(processor.library);
    return null;
  }
  try {
    const card = await create('webgpu');
    if (failure) {
      await forgetFailure(processor.library);
      note('info', `The graphics card works again; it had failed since ${formatMoment(failure.since)}.`);
    }
    return card;
  } catch (error) {
    const { message } = toErrorData(error);
    note('warning', `${message} Using the processor instead, ${slowdown(found)}. ${AGAIN}`);
    return fails(message);
  }
}

const AGAIN =
  'The card is tried again after a day, when the machine is started again, with another driver, or by luthier backends.';
const saysOf = (failure: CardFailure) =>
  `The graphics card failed when it was last tried, ${formatMoment(failure.tried)} (${failure.reason}), and is not tried before ${formatMoment(triedAgainAt(failure))} unless the machine is restarted, its driver changes, or luthier backends finds that it works.`;

async function measured(
  library: string,
  size: SizeClass,
  { probe = probeBackend }: AutoOptions,
  note: Say,
): Promise<Rates | { failure: string }> {
  const rates: Rates = {};
  // One after the other: beside each other they would slow each other down.
  for (const name of ['webgpu', 'onnxruntime'] as const) {
    const found = await probe(name, widthOf(size));
    if (found.usable) rates[name] = found.gflops!;
    else note('info', `Not using ${name}: ${found.error.message}${name === 'webgpu' ? ` ${AGAIN}` : ''}`);
    // Nothing to compare with.
    if (name === 'webgpu' && !found.usable) return { failure: found.error.message };
  }
  await rememberRates(library, size, rates);
  const { webgpu, onnxruntime } = rates;
  if (webgpu && onnxruntime) {
    const figures = `${formatGflops(onnxruntime)} on the processor, ${formatGflops(webgpu)} on the graphics card`;
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

const slowdown = ({ webgpu, onnxruntime }: Rates) =>
  `which was measured here as ${(webgpu! / onnxruntime!).toFixed(1)} times slower`;

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
