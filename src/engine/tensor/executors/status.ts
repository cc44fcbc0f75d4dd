import { append, type BackendChoice, type BackendStatus, type RememberedBackend } from '../../../protocol/index.ts';
import { chosenByAuto } from './auto.ts';
import { type CardFailure, driversHere, triedAgainAt } from './card-failure.ts';
import { createExecutor } from './create.ts';
import type { Executor } from './executor.ts';
import { measureRate } from './measure.ts';
import { type Probe, probeBackend } from './probe.ts';
import {
  forgetFailure,
  type Rates,
  type Remembered,
  readRates,
  readRemembered,
  rememberFailure,
  rememberRates,
  type SizeClass,
  widthOf,
} from './rates.ts';

const LIMITS = { limits: true };
const NAMES: readonly Executor['name'][] = ['onnxruntime', 'webgpu', 'tensorflow', 'wasm'];

/**
 * What can compute on this machine, what it is, and why another cannot. What is measured, at BERT-base's width, is what
 * `auto` remembers; what was measured before is told, too. That a graphics card failed is forgotten where it works now.
 * @param probe for tests
 */
export async function backendStatus(
  measure: boolean,
  probe: typeof probeBackend = probeBackend,
): Promise<BackendStatus[]> {
  const width = measure ? widthOf('base') : null;
  const probes: Probe[] = [];
  // Side by side when they are only started; one after the other when each needs the whole machine.
  if (width === null) append(probes, await Promise.all(NAMES.map((name) => probe(name, null, LIMITS))));
  else for (const name of NAMES) probes.push(await probe(name, width, LIMITS));
  const processor = probes[NAMES.indexOf('onnxruntime')]!;
  const card = probes[NAMES.indexOf('webgpu')]!;
  const measured: Rates = Object.fromEntries(
    probes.flatMap((probe, i) => (probe.usable && probe.gflops !== null ? [[NAMES[i], probe.gflops]] : [])),
  );
  const known = processor.usable ? await readRemembered(processor.library) : { sizes: {} };
  if (processor.usable) {
    const { library } = processor;
    if (width !== null) await rememberRates(library, 'base', measured);
    // The card was tried just now: `auto` goes by that.
    if (known.failure && card.usable) await forgetFailure(library);
    else if (known.failure && !card.usable)
      await rememberFailure(library, { reason: card.error.message, drivers: await driversHere() });
  }
  const after = processor.usable ? await readRemembered(processor.library) : known;
  const rates = width === null ? (after.sizes.base?.rates ?? {}) : measured;
  const auto = chosenByAuto((name) => probes[NAMES.indexOf(name)]!.usable, rates);
  return NAMES.map((name, i) => {
    const remembered = rememberedOf(name, after, after.failure ?? known.failure);
    return { name, ...statusOf(name, probes[i]!, rates), auto: name === auto, ...(remembered && { remembered }) };
  });
}

const SIZES: readonly { size: SizeClass; models: string }[] = [
  { size: 'small', models: 'hidden_size up to 512' },
  { size: 'base', models: 'hidden_size up to 896' },
  { size: 'large', models: 'hidden_size above 896' },
];

function rememberedOf(
  name: Executor['name'],
  { sizes }: Remembered,
  failure: CardFailure | undefined,
): RememberedBackend | undefined {
  const measured = SIZES.flatMap(({ size, models }) => {
    const gflops = sizes[size]?.rates[name];
    return gflops === undefined ? [] : [{ models, gflops, at: sizes[size]!.measured }];
  });
  if (name !== 'webgpu' || !failure) return measured.length === 0 ? undefined : { measured };
  const { since, tried, reason } = failure;
  return { measured, failure: { since, tried, reason, again: triedAgainAt(failure) } };
}

function statusOf(
  name: Executor['name'],
  probe: Probe,
  rates: Rates,
): Omit<BackendStatus, 'name' | 'auto' | 'remembered'> {
  if (!probe.usable) {
    const { message, hint } = probe.error;
    return { usable: false, detail: hint === undefined ? message : `${message} ${hint}`, gflops: null };
  }
  const { library, num_threads, limits } = probe;
  const threads = name === 'webgpu' ? '' : `, ${num_threads} ${num_threads === 1 ? 'thread' : 'threads'}`;
  return { usable: true, detail: `${library}${threads}`, gflops: rates[name] ?? null, ...(limits && { limits }) };
}

/** What a backend of this machine brings to a run: the rate of its matrix products in Gflop/s, and what it can save. */
export interface Machine extends Pick<Executor, 'recomputes' | 'computesIn8Bit'> {
  backend: Executor['name'];
  gflops: number;
}

/**
 * The backend that a recipe names, or that `auto` takes here, at its best rate. Each process that asks measures it: a rate
 * found while the machine was busy would else make every later estimate too long.
 * @throws LuthierError `backend-unavailable` with the reason
 */
export async function measureMachine(choice: BackendChoice): Promise<Machine> {
  const executor = await createExecutor(choice);
  const { name: backend, library, recomputes = false, computesIn8Bit = false } = executor;
  try {
    const known = (await readRates(library, 'base'))[backend] ?? 0;
    const gflops = await measureRate(executor, widthOf('base'));
    if (gflops <= known) return { backend, gflops: known, recomputes, computesIn8Bit };
    await rememberRates(library, 'base', { [backend]: gflops });
    return { backend, gflops, recomputes, computesIn8Bit };
  } finally {
    executor.dispose();
  }
}

/** As `measureMachine`, each backend measured once. */
export function machineOnce(): typeof measureMachine {
  const known = new Map<BackendChoice, Promise<Machine>>();
  return (choice) => {
    const measured = known.get(choice) ?? measureMachine(choice);
    known.set(choice, measured);
    // A backend that failed to load may be whole at the next try.
    measured.catch(() => known.delete(choice));
    return measured;
  };
}
