import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Executor, TensorSpec } from '../tensor/executors/executor.ts';
import { sizeOf } from '../tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import { valueAndGrads } from '../tensor/ops/index.ts';
import type { Adapters, Architecture } from './architecture.ts';
import { mergeLora, withLora } from './lora.ts';
import { declare, type ParameterInfo, rootScope, type Scope, type Source } from './scope.ts';

const X = { shape: [5, 3], dtype: 'float32' } as const;
const IDS = { shape: [5], dtype: 'int32' } as const;
const ids = Int32Array.of(0, 2, 2, 6, 1);

const declarationOf = (forward: (scope: Scope, inputs: Record<string, tf.Tensor>) => void) =>
  declare((source, inputs) => forward(rootScope(source, 0.5), inputs), { x: X, ids: IDS, places: IDS });
const told = (parameters: ReadonlyMap<string, ParameterInfo>) =>
  [...parameters.values()].map(({ name, shape, place, init, decay, rowsOf }) =>
    [name, `[${shape}]`, place, JSON.stringify(init), decay ? 'decays' : '', rowsOf ?? ''].join(' ').trim(),
  );

describe('declare', () => {
  it('tells of each parameter what it is where it is used, in the order of use', () => {
    const { parameters, sites } = declarationOf((root, { x, ids }) => {
      const scope = root.at('model', -1);
      const rows = scope.embedding('words', ids as tf.Tensor1D, 7, 3);
      const layer = scope.at('h.0', 0);
      const narrow = layer.linear('c_attn', tf.add(rows, x!), 2, { layout: 'in,out', init: { normal: 0.1 } });
      layer.norm('ln', layer.drop('attn', narrow, 0.2), 'layer', 1e-5);
      root.linear('score', root.drop('never', narrow, 0), 4, { bias: false });
    });
    expect(told(parameters)).toEqual([
      'model.words.weight [7,3] -1 {"normal":0.5} decays ids',
      'model.h.0.c_attn.weight [3,2] 0 {"normal":0.1} decays',
      'model.h.0.c_attn.bias [2] 0 "zeros"',
      'model.h.0.ln.weight [2] 0 "ones"',
      'model.h.0.ln.bias [2] 0 "zeros"',
      'score.weight [4,2] head {"normal":0.5} decays',
    ]);
    expect([...sites.values()]).toEqual([{ name: 'model.h.0.attn', shape: [5, 2], rate: 0.2, isAdapter: false }]);
  });

  it('says of no table that few of its rows are read when something else reads it, too', () => {
    const words = (scope: Scope, from: tf.Tensor | undefined) => scope.embedding('words', from as tf.Tensor1D, 7, 3);
    const rowsOf = (forward: Parameters<typeof declarationOf>[0]) =>
      declarationOf(forward).parameters.get('words.weight')!.rowsOf;
    expect(rowsOf((scope, { ids }) => void [words(scope, ids), words(scope, ids)])).toBe('ids');
    expect(rowsOf((scope, { ids, places }) => void [words(scope, ids), words(scope, places)])).toBeUndefined();
    expect(rowsOf((scope, { ids }) => void scope.unembed('words', words(scope, ids), 7))).toBeUndefined();
    expect(rowsOf((scope, { ids }) => void words(scope, tf.add(ids!, tf.scalar(1, 'int32'))))).toBeUndefined();
  });

  it('refuses a name that is used with two shapes', () => {
    const twice = (root: Scope) => void ['zeros', 'ones'].map((_, i) => root.parameter('w', [i + 1], 'zeros'));
    expect(() => declarationOf(twice)).toThrow('w is used with the shapes [1] and [2]');
  });
});

describe('a scope computes', () => {
  let executor: Executor;
  beforeAll(async () => {
    executor = await createOnnxRuntimeExecutor({ numThreads: 1 });
  });
  afterAll(() => executor.dispose());

  const numbers = (n: number, seed: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(7 * seed + 1.3 * i));
  const x = numbers(15, 0);

  /** Values of the outputs of a forward function on numbers that follow from the parameters' order. */
  async function run(
    forward: (source: Source, inputs: Record<string, tf.Tensor>) => tf.Tensor,
    given?: ReadonlyMap<string, { weight: Float32Array }>,
  ) {
    const { parameters } = declare(forward, { x: X, ids: IDS });
    const weights = new Map(
      [...parameters.values()].map(({ name, shape }, i) => [
        name,
        { shape, weight: given?.get(name)?.weight ?? numbers(sizeOf(shape), i + 1) },
      ]),
    );
    const specs: Record<string, TensorSpec> = { x: X, ids: IDS };
    for (const [name, { shape }] of weights) specs[name] = { shape, dtype: 'float32' };
    const compiled = await executor.compile((inputs) => {
      const all = Object.fromEntries([...weights.keys()].map((name) => [name, inputs[name]!]));
      const { grads, kept } = valueAndGrads((own, keep) => {
        const y = forward({ parameter: ({ name }) => own[name]!, mask: () => undefined }, inputs);
        keep('y', y);
        return tf.sum(tf.square(y)) as tf.Scalar;
      }, all);
      return { y: kept.y!, ...Object.fromEntries(Object.entries(grads).map(([name, g]) => [`grad:${name}`, g])) };
    }, specs);
    const out = Object.fromEntries(
      Object.entries(compiled.outputs).map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]),
    );
    await compiled.run({ x, ids, ...Object.fromEntries([...weights].map(([name, it]) => [name, it.weight])) }, out);
    compiled.dispose();
    return { weights, parameters, out };
  }

  const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
    expect(actual.length).toBe(expected.length);
    for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i]!, 4);
  };

  it.each([
    ['out,in', true],
    ['out,in', false],
    ['in,out', true],
    ['in,out', false],
  ] as const)('a linear layer laid out %s, bias %s, and its gradients', async (layout, bias) => {
    const { weights, out } = await run((source, inputs) =>
      rootScope(source, 1).linear('l', inputs.x as tf.Tensor2D, 2, { layout, bias }),
    );
    const w = weights.get('l.weight')!.weight;
    const at = (o: number, i: number) => (layout === 'out,in' ? o * 3 + i : i * 2 + o);
    const y = Array.from({ length: 10 }, (_, k) => {
      const [row, o] = [Math.floor(k / 2), k % 2];
      return [0, 1, 2].reduce((sum, i) => sum + x[row * 3 + i]! * w[at(o, i)]!, weights.get('l.bias')?.weight[o] ?? 0);
    });
    near(out.y!, y);
    const gradient = new Float32Array(6);
    for (let k = 0; k < 10; k++)
      for (let i = 0; i < 3; i++) gradient[at(k % 2, i)]! += 2 * y[k]! * x[Math.floor(k / 2) * 3 + i]!;
    near(out['grad:l.weight']!, gradient);
  });

  it('a tied head, whose table gets the gradients of both uses', async () => {
    const tied = (source: Source, inputs: Record<string, tf.Tensor>) => {
      const scope = rootScope(source, 1);
      return scope.unembed('words', scope.embedding('words', inputs.ids as tf.Tensor1D, 7, 3), 7);
    };
    const { weights, out } = await run(tied);
    const table = weights.get('words.weight')!.weight;
    const dot = (a: number, b: number) => [0, 1, 2].reduce((s, i) => s + table[a * 3 + i]! * table[b * 3 + i]!, 0);
    near(
      out.y!,
      [...ids].flatMap((id) => [0, 1, 2, 3, 4, 5, 6].map((row) => dot(id, row))),
    );
    const gradient = new Float32Array(21);
    for (const id of ids) {
      for (let row = 0; row < 7; row++) {
        for (let i = 0; i < 3; i++) {
          gradient[row * 3 + i]! += 2 * dot(id, row) * table[id * 3 + i]!;
          gradient[id * 3 + i]! += 2 * dot(id, row) * table[row * 3 + i]!;
        }
      }
    }
    near(out['grad:words.weight']!, gradient);
  });

  it.each(['out,in', 'in,out'] as const)(
    'adapters beside weights laid out %s, which merge into them',
    async (layout) => {
      const settings = { r: 2, lora_alpha: 6, lora_dropout: 0, target_modules: ['c'] };
      const adapters: Adapters = { ...settings, targets: ['a.c'], modulesToSave: [], fan_in_fan_out: false };
      const deep = (scope: Scope, x: tf.Tensor) =>
        scope.at('a').linear('c', x as tf.Tensor2D, 4, { layout, bias: false });
      const architecture = {
        scope: (source: Source) => rootScope(source, 1),
        states: (scope: Scope) => [deep(scope, tf.zeros([1, 3]))],
        head: (_: Scope, first: tf.Tensor2D) => first,
      } as unknown as Architecture;
      const adapted = withLora(architecture, adapters);
      const { weights, parameters, out } = await run((source, inputs) => deep(adapted.scope(source), inputs.x!));
      expect([...weights.keys()]).toEqual(['a.c.weight', 'a.c.lora_A.weight', 'a.c.lora_B.weight']);
      const merged = mergeLora(adapters, weights, parameters);
      expect([...merged.keys()]).toEqual(['a.c.weight']);
      near((await run((source, inputs) => deep(architecture.scope(source), inputs.x!), merged)).out.y!, out.y!);
    },
  );
});
