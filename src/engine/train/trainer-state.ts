import { cpus } from 'node:os';
import { LuthierError } from '../../protocol/index.ts';
import type { TaskModel } from '../runtime/model.ts';
import type { Executor } from '../tensor/executors/executor.ts';
import type { Trainer, TrainerState } from './types.ts';

/** All that a run goes on from, as live views of the model's memory. */
export function stateOf(model: TaskModel, executor: Executor, step: number): TrainerState {
  const parameters: TrainerState['parameters'] = new Map();
  const moments: TrainerState['moments'] = new Map();
  for (const { name, shape, weight, trained } of model.store.parameters.values()) {
    if (!trained) continue;
    parameters.set(name, { shape, data: weight });
    moments.set(`${name}.exp_avg`, { shape, data: trained.expAvg });
    moments.set(`${name}.exp_avg_sq`, { shape, data: trained.expAvgSq });
  }
  return {
    step,
    parameters,
    moments,
    phase: model.store.phases.at(step),
    fingerprint: {
      executor: executor.name,
      num_threads: executor.numThreads,
      cpu: cpus()[0]?.model ?? 'unknown',
      library: executor.library,
    },
  };
}

type Kept = Parameters<Trainer['restore']>[0];

/** @throws LuthierError `run-invalid` where this recipe is in another phase at the checkpoint's step */
export function requirePhase({ step, phase }: Kept, model: TaskModel): void {
  const expected = model.store.phases.at(step);
  if (phase === undefined || phase === expected) return;
  throw new LuthierError(
    'run-invalid',
    `The checkpoint of step ${step} is in phase ${phase + 1} of the strategy, where this recipe is in phase ${expected + 1}.`,
    'It belongs to another recipe. Start a new run.',
  );
}

/** @throws LuthierError `run-invalid` where one is missing or of another size */
export function putMoments(moments: Kept['moments'], { store, device }: TaskModel): void {
  for (const name of store.trainedNames()) {
    const { expAvg, expAvgSq } = store.get(name).trained!;
    expAvg.set(found(moments, `${name}.exp_avg`, expAvg.length));
    expAvgSq.set(found(moments, `${name}.exp_avg_sq`, expAvgSq.length));
  }
  store.retouch();
  device?.replaced('all');
}

/** @throws LuthierError `run-invalid` where one is missing or of another size */
export function putParameters(parameters: Kept['parameters'], { store, device }: TaskModel): void {
  for (const name of store.trainedNames()) {
    const { weight } = store.get(name);
    weight.set(found(parameters, name, weight.length));
  }
  device?.replaced('weights');
}

/** Of what is trained, the weights whose names are wanted, as they are now. */
export const copyWeights = ({ store }: TaskModel, isWanted: (name: string) => boolean): Map<string, Float32Array> =>
  new Map(
    store
      .trainedNames()
      .filter(isWanted)
      .map((name) => [name, store.get(name).weight.slice()]),
  );

/** Gives these parameters their weights, and all the moments of an optimiser before its first step. */
export async function startOver(weights: ReadonlyMap<string, Float32Array>, model: TaskModel): Promise<void> {
  const { store, device } = model;
  await device?.collect();
  for (const [name, weight] of weights) store.get(name).weight.set(weight);
  for (const name of store.trainedNames()) {
    const { expAvg, expAvgSq } = store.get(name).trained!;
    expAvg.fill(0);
    expAvgSq.fill(0);
  }
  store.retouch();
  device?.replaced('all');
}

function found(values: Map<string, Float32Array>, name: string, length: number): Float32Array {
  const value = values.get(name);
  if (value?.length === length) return value;
  throw new LuthierError(
    'run-invalid',
    `The checkpoint lacks ${name} with ${length} values.`,
    'It belongs to another recipe or model. Start a new run.',
  );
}
