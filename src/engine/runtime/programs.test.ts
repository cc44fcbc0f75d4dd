import { expect, it } from 'vitest';
import { Random } from '../data/random.ts';
import { declarationOf } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { languageLoss } from '../tasks/language/loss.ts';
import { sizeOf } from '../tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import { record } from '../tensor/record/recorder.ts';
import { learnedStates } from './learned-states.ts';
import { LEARNED, nextTokenProgram, trainingProgram } from './programs.ts';

const VOCAB = 60;
const architecture = architectureOf(
  {
    ...{ model_type: 'llama', vocab_size: VOCAB, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2 },
    ...{ num_attention_heads: 2, max_position_embeddings: 64, tie_word_embeddings: true },
  },
  'config.json',
  { name: 'text-generation', reads: 'all' },
);

it('computes a vocabulary’s logits in parts, or for what is learnt alone: the same loss and gradients, tied table included', async () => {
  const shape = { rows: 2, length: 11, texts: 2 };
  const trained = [...declarationOf(architecture).parameters.keys()];
  const options = { part: 'all', architecture, outputs: VOCAB, shape, trained } as const;
  const loss = languageLoss({ recipe: { label_smoothing_factor: 0.1 } });
  const programs = [{}, { logitsAtOnce: 7 * VOCAB }, { learned: 18 }, { logitsAtOnce: 7 * VOCAB, learned: 18 }].map(
    (more) => trainingProgram({ ...options, loss, ...more }),
  );
  const random = new Random(9);
  const T = 22;
  const feeds = Object.fromEntries(
    Object.entries(programs[0]!.inputs).map(([name, { shape, dtype }]) => {
      const size = sizeOf(shape);
      if (dtype === 'float32') return [name, Float32Array.from({ length: size }, () => random.float() - 0.5)];
      if (name === 'input_ids') return [name, Int32Array.from({ length: size }, () => random.below(VOCAB))];
      if (name === 'text_ids') return [name, Int32Array.from({ length: size }, (_, i) => 1 + Math.floor(i / 11))];
      if (name === 'labels')
        return [name, Int32Array.from({ length: size }, (_, i) => (i % 4 ? random.below(VOCAB) : -100))];
      return [name, Int32Array.from({ length: size }, (_, i) => i % 11)];
    }),
  );
  feeds.weights = new Float32Array(T).fill(1 / 16);
  const executor = await createOnnxRuntimeExecutor({ numThreads: 1 });
  const results = [];
  const { states, ...learned } = learnedStates(feeds.labels as Int32Array, feeds.weights)!;
  for (const { program, inputs } of programs) {
    const compiled = await executor.compile(program, inputs);
    const fetches = Object.fromEntries(
      Object.entries(compiled.outputs).map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]),
    );
    await compiled.run(LEARNED in inputs ? { ...feeds, ...learned, [LEARNED]: states } : feeds, fetches);
    compiled.dispose();
    results.push(fetches);
  }
  executor.dispose();
  const [whole, ...others] = results as Record<string, Float32Array>[];
  for (const [name, expected] of Object.entries(whole!)) {
    const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    for (const other of others) {
      const apart = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - other[name]![i]!)), 0);
      expect(apart, name).toBeLessThan(1e-5 * largest);
    }
  }
  const sizes = (i: number) =>
    [...record(programs[i]!.program, programs[i]!.inputs).types.values()].map((type) => type.shape);
  expect(sizes(0)).toContainEqual([T, VOCAB]);
  expect(sizes(1)).not.toContainEqual([T, VOCAB]);
  // Four parts, the last one smaller.
  expect(sizes(1)).toContainEqual([6, VOCAB]);
  expect(sizes(1)).toContainEqual([4, VOCAB]);
  expect(sizes(2)).not.toContainEqual([T, VOCAB]);
  expect(sizes(2)).toContainEqual([18, VOCAB]);
  expect(sizes(3)).not.toContainEqual([18, VOCAB]);
});

it('reads a cache of keys and values where it lies', () => {
  const layers = [0, 1].map(() => ({ heads: 2, width: 8 }));
  const { program, inputs } = nextTokenProgram(
    { architecture, outputs: VOCAB },
    { rows: 1, length: 1, capacity: 64 },
    layers,
  );
  const { nodes, types } = record(program, inputs);
  const copied = nodes.filter(
    ({ op, outputs }) => op === 'Concat' && sizeOf(types.get(outputs[0]!)!.shape) >= 2 * 64 * 8,
  );
  expect(copied).toEqual([]);
});
