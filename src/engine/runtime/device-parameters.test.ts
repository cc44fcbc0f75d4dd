import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initializeAll } from '../model-files/load-weights.ts';
import { architectureOf } from '../models/registry.ts';
import { Phases } from '../strategies/phases.ts';
import { classLoss } from '../tasks/loss.ts';
import type { LabelledItem } from '../tasks/task.ts';
import type {
  Compiled,
  DeviceCompiled,
  DeviceTensor,
  Executor,
  Feed,
  TensorData,
} from '../tensor/executors/executor.ts';
import { isOnDevice, sizeOf } from '../tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import { adamWStep, gradientNorm } from '../train/optimizer.ts';
import { ROW } from './flat-blocks.ts';
import { TaskModel, type TaskModelOptions } from './model.ts';

/** Tensors of the pretended device that are not disposed of yet. */
const live = new Set<DeviceTensor>();
const data = new WeakMap<DeviceTensor, Float32Array>();

/**
 * onnxruntime on the processor with a memory of its own, so that what is kept there is tested wherever tests run. (The
 * real thing runs in test/parity/training.test.ts.)
 */
function withDevice(executor: Executor, largestBinding = Number.POSITIVE_INFINITY): Executor {
  const arrays = (feeds: Record<string, Feed>): Record<string, TensorData> =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, feed]) => {
        if (!isOnDevice(feed)) return [name, feed];
        if (!live.has(feed)) throw new Error(`${name} was disposed of`);
        return [name, data.get(feed)!];
      }),
    );
  const compile = async (...args: Parameters<Executor['compile']>): Promise<Compiled> => {
    const compiled = await executor.compile(...args);
    return { ...compiled, run: (feeds, fetches) => compiled.run(arrays(feeds), fetches) };
  };
  return {
    ...executor,
    name: 'webgpu',
    compile,
    largestBinding,
    async compileOnDevice(program, inputs): Promise<DeviceCompiled> {
      const compiled = await executor.compile(program, inputs);
      return {
        ...compiled,
        async run(feeds) {
          const made = Object.fromEntries(
            Object.entries(compiled.outputs).map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]),
          );
          await compiled.run(arrays(feeds), made);
          return Object.fromEntries(
            Object.entries(made).map(([name, values]) => {
              const tensor: DeviceTensor = {
                ...compiled.outputs[name]!,
                isOnDevice: true,
                dispose: () => live.delete(tensor),
              };
              live.add(tensor);
              data.set(tensor, values);
              return [name, tensor];
            }),
          );
        },
      };
    },
  };
}

const CONFIG = {
  ...{ model_type: 'bert', vocab_size: 50, hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 3 },
  ...{ intermediate_size: 40, max_position_embeddings: 64, initializer_range: 0.2 },
  ...{ hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1 },
};
/** The masks made on a device are not those made in the engine's memory. */
const WITHOUT_DROPOUT = { ...CONFIG, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };
const SETTINGS = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 };
const LR = 0.01;

const text = (first: number, length: number): LabelledItem => ({
  ids: Int32Array.from({ length }, (_, i) => (first * 7 + i * 3) % 50),
  typeIds: null,
  labels: Int32Array.of(first % 3),
});
const texts = [text(1, 5), text(2, 9), text(3, 3), text(4, 7)];

describe('parameters kept with the executor', () => {
  let host: Executor;
  beforeAll(async () => {
    host = await createOnnxRuntimeExecutor({ numThreads: 1 });
  });
  afterAll(() => host.dispose());

  function make(
    executor: Executor,
    isTrained: TaskModelOptions['isTrained'] = () => true,
    phases = new Phases(),
    config: typeof CONFIG = CONFIG,
  ): TaskModel {
    const architecture = architectureOf(config, 'config.json');
    const classifier = new TaskModel({
      ...{
        executor,
        architecture,
        numLabels: 3,
        padId: 0,
        isTrained,
        phases,
        accumulate: false,
        loss: classLoss(),
      },
      seed: 11,
      maxBatch: { texts: 4, tokens: 16 },
    });
    initializeAll(architecture, classifier.store, 3);
    return classifier;
  }

  async function step(c: TaskModel, number: number): Promise<number[]> {
    const { loss } = await c.gradients(texts, { weight: 1 / 4, microStep: number, slots: 4 });
    if (c.device) return [loss, await c.device.step(SETTINGS, LR, number + 1, () => {})];
    const norm = gradientNorm(c.store);
    adamWStep(c.store, SETTINGS, LR, number + 1, norm);
    return [loss, norm];
  }

  function expectClose(a: Float32Array, b: Float32Array, tolerance = 2e-5) {
    const scale = b.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
    expect(Math.max(...a.map((x, i) => Math.abs(x - b[i]!)))).toBeLessThan(tolerance * scale);
  }
  const isHead = (name: string) => !name.includes('embeddings') && !name.includes('layer.0');

  const few = 4 * ROW;
  it.each([
    ['all', () => true, undefined],
    ['all in blocks of two rows', () => true, 2 * few],
    ['some', (_: number, name: string) => isHead(name), undefined],
    ['some in blocks of a row', (_: number, name: string) => isHead(name), few],
  ])('trained there as in the store, %s of them', async (_, isTrained, largest) => {
    const [there, here] = [withDevice(host, largest), host].map((executor) =>
      make(executor, isTrained, new Phases(), WITHOUT_DROPOUT),
    ) as [TaskModel, TaskModel];
    if (largest !== undefined) {
      const blocks = there.device!.trainedNow;
      expect(blocks.length).toBeGreaterThan(2);
      for (const { rows } of blocks) expect(rows * few).toBeLessThanOrEqual(largest);
    }
    for (let i = 0; i < 5; i++) {
      const [a, b] = [await step(there, i), await step(here, i)];
      for (const [k, value] of a.entries()) expect(Math.abs(value / b[k]! - 1)).toBeLessThan(1e-4);
    }
    expectClose(await there.logits(texts), await here.logits(texts), 1e-3);
    // Until they are asked for, they are not in the store.
    const untouched = make(host, isTrained, new Phases(), WITHOUT_DROPOUT);
    expect(there.store.trained.weight).toEqual(untouched.store.trained.weight);
    await there.device!.collect();
    expectClose(there.store.trained.expAvg, here.store.trained.expAvg, 1e-3);
    expectClose(there.store.trained.expAvgSq, here.store.trained.expAvgSq, 1e-3);
    for (const c of [there, here, untouched]) c.dispose();
    expect(live.size).toBe(0);
  });

  it('trains there as in the store what each phase of the run trains', async () => {
    const isTrained = (phase: number, name: string) => phase === 1 || isHead(name);
    const phases = new Phases([0, 2]);
    const [there, here] = [withDevice(host), host].map((executor) =>
      make(executor, isTrained, phases, WITHOUT_DROPOUT),
    ) as [TaskModel, TaskModel];
    for (let i = 0; i < 4; i++) {
      for (const c of [there, here]) c.enter(phases.at(i));
      const [a, b] = [await step(there, i), await step(here, i)];
      for (const [k, value] of a.entries()) expect(Math.abs(value / b[k]! - 1)).toBeLessThan(1e-4);
    }
    await there.device!.collect();
    expectClose(there.store.trained.expAvg, here.store.trained.expAvg, 1e-3);
    for (const c of [there, here]) c.dispose();
    expect(live.size).toBe(0);
  });

  it('adds the gradients of micro-batches up to those of the whole batch', async () => {
    const made = [1, 2].map(() => {
      const architecture = architectureOf(WITHOUT_DROPOUT, 'config.json');
      const c = new TaskModel({
        ...{
          executor: withDevice(host),
          architecture,
          numLabels: 3,
          padId: 0,
          isTrained: () => true,
          accumulate: false,
        },
        ...{
          loss: classLoss(),
          seed: 1,
          maxBatch: { texts: 4, tokens: 16 },
        },
      });
      initializeAll(architecture, c.store, 3);
      return c;
    });
    const [whole, parts] = made as [TaskModel, TaskModel];
    await whole.gradients(texts, { weight: 1 / 4, microStep: 0, slots: 4 });
    for (const [i, part] of [texts.slice(0, 1), texts.slice(1, 3), texts.slice(3)].entries()) {
      await parts.gradients(part, { weight: 1 / 4, microStep: i, slots: 2 });
    }
    const norms = [];
    for (const c of made) norms.push(await c.device!.step(SETTINGS, LR, 1, () => {}));
    expect(Math.abs(norms[0]! / norms[1]! - 1)).toBeLessThan(1e-5);
    for (const c of made) await c.device!.collect();
    expectClose(parts.store.trained.expAvg, whole.store.trained.expAvg, 1e-5);
    for (const c of made) c.dispose();
    expect(live.size).toBe(0);
  });

  it('drops otherwise in each step, and the same in the same one', async () => {
    const [c, without] = [make(withDevice(host)), make(withDevice(host), () => true, new Phases(), WITHOUT_DROPOUT)];
    const lossOf = async (model: TaskModel, microStep: number) =>
      (await model.gradients(texts, { weight: 1 / 4, microStep, slots: 4 })).loss;
    const losses = [];
    for (const microStep of [0, 1, 2, 0]) losses.push(await lossOf(c, microStep));
    expect(losses[3]).toBe(losses[0]);
    expect(new Set([...losses, await lossOf(without, 0)]).size).toBe(4);
    for (const model of [c, without]) model.dispose();
    expect(live.size).toBe(0);
  });

  it('gives everything back when it is told to, and goes on as if it had not', async () => {
    const [kept, moved] = [make(withDevice(host)), make(withDevice(host))];
    for (let i = 0; i < 2; i++) for (const c of [kept, moved]) await step(c, i);
    // Of a step that did not fit.
    await moved.gradients(texts, { weight: 1 / 4, microStep: 9, slots: 4 });
    const before = live.size;
    await moved.vacate();
    expect(moved.device!.isThere).toBe(false);
    await kept.device!.collect();
    expect(moved.store.trained.weight).toEqual(kept.store.trained.weight);
    expect(moved.store.trained.expAvgSq).toEqual(kept.store.trained.expAvgSq);
    kept.dispose();
    expect(live.size).toBe(0);
    expect(before).toBeGreaterThan(0);
    const again = make(withDevice(host));
    for (let i = 0; i < 2; i++) await step(again, i);
    expect(await step(moved, 2)).toEqual(await step(again, 2));
    expect(moved.device!.isThere).toBe(true);
    for (const c of [moved, again]) c.dispose();
    expect(live.size).toBe(0);
  });

  it('changes nothing when the step is refused', async () => {
    const c = make(withDevice(host));
    await step(c, 0);
    const before = await c.logits(texts);
    const held = live.size;
    await c.gradients(texts, { weight: 1 / 4, microStep: 1, slots: 4 });
    const refuse = (norm: number) => {
      throw new Error(`norm ${norm > 0}`);
    };
    await expect(c.device!.step(SETTINGS, LR, 2, refuse)).rejects.toThrow('norm true');
    expect(await c.logits(texts)).toEqual(before);
    expect(live.size).toBe(held);
    c.dispose();
  });

  it('goes on from weights, or from weights and moments, that were put into the store', async () => {
    const first = make(withDevice(host));
    for (let i = 0; i < 2; i++) await step(first, i);
    await first.device!.collect();
    const saved = [first.store.trained.weight, first.store.trained.expAvg, first.store.trained.expAvgSq].map((x) =>
      x.slice(),
    );
    const expected = await step(first, 2);

    const resumed = make(withDevice(host));
    await step(resumed, 0);
    const { weight, expAvg, expAvgSq } = resumed.store.trained;
    for (const [i, target] of [weight, expAvg, expAvgSq].entries()) target.set(saved[i]!);
    resumed.device!.replaced('all');
    expect(await step(resumed, 2)).toEqual(expected);

    // Weights alone: the moments there stay, and are what is collected.
    const ahead = resumed.store.trained.weight.slice().fill(0.01);
    resumed.store.trained.weight.set(ahead);
    resumed.device!.replaced('weights');
    await resumed.device!.collect();
    await first.device!.collect();
    expect(resumed.store.trained.weight).toEqual(ahead);
    expect(resumed.store.trained.expAvg).toEqual(first.store.trained.expAvg);
    for (const c of [first, resumed]) c.dispose();
    expect(live.size).toBe(0);
  });
});
