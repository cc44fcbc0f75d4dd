import { expect, it } from 'vitest';
import { Random } from '../data/random.ts';
import { declarationOf } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { classLoss } from '../tasks/loss.ts';
import { sizeOf } from '../tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import { optimize } from '../tensor/graph/optimize.ts';
import { countOf, trafficOf } from '../tensor/graph/traffic.ts';
import { record } from '../tensor/record/recorder.ts';
import { forwardProgram, type ReadyProgram, trainingProgram } from './programs.ts';

const [VOCAB, OUTPUTS, LAYERS] = [40, 3, 3];
const rates = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 0.1]));
const bert = {
  ...{ model_type: 'bert', vocab_size: VOCAB, hidden_size: 16, num_attention_heads: 4, num_hidden_layers: LAYERS },
  ...{ intermediate_size: 24, max_position_embeddings: 32, type_vocab_size: 2 },
  ...rates('hidden_dropout_prob', 'attention_probs_dropout_prob'),
};
const llama = {
  ...{ model_type: 'llama', vocab_size: VOCAB, hidden_size: 16, num_attention_heads: 4, num_hidden_layers: LAYERS },
  ...{ num_key_value_heads: 2, intermediate_size: 24, max_position_embeddings: 32 },
};
const gpt2 = {
  ...{ model_type: 'gpt2', vocab_size: VOCAB, n_embd: 16, n_head: 4, n_layer: LAYERS, n_positions: 32 },
  ...rates('attn_pdrop', 'embd_pdrop', 'resid_pdrop'),
};

const shape = { rows: 3, length: 8, texts: 5 };
/** What says that products had better read things as they lie. */
const turned = { hasTransposed: () => false };

it.each([
  ['with fewer heads of keys than of queries, and scores computed again', llama],
  ['with dropout', bert],
  ['of a causal model with dropout', gpt2],
])('%s: a step has the same loss and gradients by the products that a graphics card is given', async (_, config) => {
  const architecture = architectureOf(config, 'config.json');
  const trained = [...declarationOf(architecture, { outputs: OUTPUTS }).parameters.keys()];
  const program = (more: Partial<typeof turned>) =>
    trainingProgram({ part: 'all', architecture, outputs: OUTPUTS, trained, loss: classLoss(), shape, ...more });
  const random = new Random(3);
  const texts = [1, 1, 1, 2, 2, 2, 2, 0, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5, 5, 5, 0, 0];
  const given = {
    text_ids: Int32Array.from(texts),
    position_ids: Int32Array.from(texts, (text, i) => i - texts.indexOf(text)),
    read_token: Int32Array.from([1, 2, 3, 4, 5], (text) => texts.lastIndexOf(text)),
    labels: Int32Array.from([0, 1, 2, 1, 0]),
    weights: new Float32Array(5).fill(0.2),
  };
  const feeds = Object.fromEntries(
    Object.entries(program({}).inputs).map(([name, { shape, dtype }]) => {
      if (name in given) return [name, given[name as keyof typeof given]];
      const length = sizeOf(shape);
      if (dtype === 'bool') return [name, Uint8Array.from({ length }, () => Number(random.float() > 0.1))];
      if (dtype === 'int32')
        return [name, Int32Array.from({ length }, () => random.below(name === 'input_ids' ? VOCAB : 2))];
      return [name, Float32Array.from({ length }, () => random.float() - 0.5)];
    }),
  );
  const executor = await createOnnxRuntimeExecutor({ numThreads: 1 });
  const run = async ({ program, inputs }: ReadyProgram) => {
    const compiled = await executor.compile(program, inputs);
    const fetches = Object.fromEntries(
      Object.entries(compiled.outputs).map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]),
    );
    await compiled.run(feeds, fetches);
    compiled.dispose();
    return fetches;
  };
  const [straight, other] = [await run(program({})), await run(program(turned))];
  executor.dispose();
  expect(Object.keys(straight)).toHaveLength(1 + trained.length);
  expect(record(program(turned).program, program(turned).inputs).nodes).not.toEqual(
    record(program({}).program, program({}).inputs).nodes,
  );
  for (const [name, expected] of Object.entries(straight)) {
    const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const apart = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - other[name]![i]!)), 0);
    expect(apart, name).toBeLessThan(2e-5 * Math.max(largest, 1e-3));
  }
});

it('transposes each of queries, keys, values and what comes of them once in a layer, and scales no scores', () => {
  const architecture = architectureOf(bert, 'config.json');
  const graphOf = ({ program, inputs }: ReadyProgram) =>
    optimize(record(program, inputs), { provider: 'webgpu' }).graph;
  const options = { architecture, outputs: OUTPUTS, shape };
  const [straight, other] = [{}, turned].map((more) => graphOf(forwardProgram('all', { ...options, ...more })));
  expect(countOf(other!, 'Transpose')).toBe(4 * LAYERS);
  expect(trafficOf(straight!).nodes - trafficOf(other!).nodes).toBe(LAYERS);
});
