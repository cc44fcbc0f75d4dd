import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CachedModel } from '../../src/engine/infer/cached-model.ts';
import { initializeAll } from '../../src/engine/model-files/load-weights.ts';
import type { Architecture } from '../../src/engine/models/architecture.ts';
import { withLora } from '../../src/engine/models/lora.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { languageLoss } from '../../src/engine/tasks/language/loss.ts';
import { IGNORED } from '../../src/engine/tasks/task.ts';
import { type Executor, sizeOf, type TensorSpec } from '../../src/engine/tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../../src/engine/tensor/executors/onnxruntime.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import { EXECUTORS, holdShaders } from './executors.ts';
import { relativeError } from './values.ts';

const LARGEST = 2 ** 20;
/** Tables of 1.5 MB, for words and for the head where it is not tied: in pieces of 250 rows. */
const CONFIG = {
  ...{ model_type: 'llama', vocab_size: 6_000, hidden_size: 64, num_hidden_layers: 1, num_attention_heads: 4 },
  ...{ num_key_value_heads: 2, intermediate_size: 96, hidden_act: 'silu', max_position_embeddings: 64 },
  ...{ rms_norm_eps: 1e-5, initializer_range: 0.1 },
};
/** Weights of its layers lie `[inputs, outputs]`, two of them 1.5 MB. */
const GPT2 = {
  ...{ model_type: 'gpt2', vocab_size: 200, n_embd: 64, n_layer: 1, n_head: 2, n_inner: 6_000, n_positions: 64 },
  ...{ initializer_range: 0.1, resid_pdrop: 0, embd_pdrop: 0, attn_pdrop: 0 },
};
const LARGE = ['transformer.h.0.mlp.c_fc', 'transformer.h.0.mlp.c_proj'];

const describedBy = (config: Record<string, unknown>): Architecture =>
  architectureOf(config, 'config.json', { name: 'text-generation', reads: 'all' });
/** With adapters that learn lengths of these modules' weights. */
const withDora = (config: Record<string, unknown>, modules: readonly string[]): Architecture =>
  withLora(describedBy(config), {
    ...{ r: 2, lora_alpha: 4, lora_dropout: 0, use_dora: true, fan_in_fan_out: config === GPT2 },
    ...{ target_modules: modules, targets: modules, modulesToSave: [] },
  });

const SETTINGS = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0.01, max_grad_norm: 1 };
const loss = languageLoss({ recipe: parseRecipe({ model: 'm', dataset: 'd' }) });
let letGo: () => void;
beforeAll(async () => {
  letGo = await holdShaders();
});
afterAll(() => letGo());

const textsOf = (vocabulary: number) =>
  [9, 14].map((length, t) => {
    // From the first piece, the last, both sides of a border, and those between.
    const ids = Int32Array.from(
      { length },
      (_, i) => ([0, vocabulary - 1, 249, 250][i - t] ?? t * 7919 + i * 12_347) % vocabulary,
    );
    return { ids, typeIds: null, labels: Int32Array.from(ids, (_, i) => ids[i + 1] ?? IGNORED) };
  });

/** Programs of which nothing that is fed or comes out is larger than a binding. */
function withinBindings(executor: Executor): Executor {
  const check = (specs: Readonly<Record<string, TensorSpec>>) => {
    for (const [name, { shape }] of Object.entries(specs)) {
      if (4 * sizeOf(shape) > LARGEST) throw new Error(`${name} is larger than a binding: [${shape}]`);
    }
  };
  const { compile, compileOnDevice } = executor;
  return {
    ...executor,
    largestBinding: LARGEST,
    async compile(program, inputs, options) {
      const compiled = await compile(program, inputs, options);
      for (const specs of [inputs, compiled.outputs]) check(specs);
      return compiled;
    },
    async compileOnDevice(program, inputs, options) {
      const compiled = await compileOnDevice!(program, inputs, options);
      for (const specs of [inputs, compiled.outputs]) check(specs);
      return compiled;
    },
  };
}

const { title, isThere, create } = EXECUTORS.find(({ title }) => title.startsWith('webgpu'))!;

const ALL: [string, (name: string) => boolean] = ['all of it', () => true];
const LAYERS: [string, (name: string) => boolean] = ['the layers alone', (name) => name.includes('layers')];
const ADAPTERS: [string, (name: string) => boolean] = ['adapters', (name) => name.includes('lora_')];

describe.each([
  ['a head that is tied', describedBy({ ...CONFIG, tie_word_embeddings: true }), [24], [ALL, LAYERS]],
  ['a head that is not tied', describedBy({ ...CONFIG, tie_word_embeddings: false }), [24, 24], [ALL, LAYERS]],
  ['weights the other way round', describedBy(GPT2), [2, 24], [ALL]],
  ['these with DoRA', withDora(GPT2, LARGE), [2, 24], [ADAPTERS]],
  ['a head with DoRA', withDora({ ...CONFIG, tie_word_embeddings: false }, ['lm_head']), [24, 24], [ADAPTERS]],
] as const)(
  `matrices larger than a binding of 1 MiB, %s: ${title}`,
  {
    timeout: 300_000,
  },
  (_, architecture, pieces, trainings) => {
    const texts = textsOf(architecture.outputs!);
    let executor: Executor;
    let processor: Executor;
    beforeAll(async () => {
      if (!isThere) return;
      executor = withinBindings(await create());
      processor = await createOnnxRuntimeExecutor({ numThreads: 2 });
    });
    afterAll(() => {
      executor?.dispose();
      processor?.dispose();
    });

    function make(executor: Executor, isTrained: (name: string) => boolean): TaskModel {
      const model = new TaskModel({
        ...{ executor, architecture, loss, numLabels: architecture.outputs!, padId: 0, accumulate: false },
        ...{ isTrained: (_, name) => isTrained(name), maxBatch: { texts: 2, tokens: 16 }, seed: 1 },
      });
      initializeAll(architecture, model.store, 1);
      return model;
    }

    it.skipIf(!isThere)('losses and the next token’s logits are the processor’s', async () => {
      const models = [make(executor, () => false), make(processor, () => false)] as const;
      expect([...models[0].device!.tables.values()].map((each) => each.length)).toEqual(pieces);
      const answers = models.map(async (model) => {
        const cached = new CachedModel(model, { lengths: [4, 8], capacity: 16 });
        const prompt = [...texts[0]!.ids];
        const begun = Float32Array.from(await cached.begin(prompt.slice(0, 7)));
        const next = Float32Array.from((await cached.next([prompt[7]!], [0]))[0]!);
        return { losses: await model.losses(texts), begun, next };
      });
      const [there, here] = [await answers[0]!, await answers[1]!];
      for (const name of ['losses', 'begun', 'next'] as const)
        expect(relativeError(there[name], here[name]), name).toBeLessThan(1e-4);
      expect(here.losses.length).toBe(23);
      for (const model of models) model.dispose();
    });

    it.skipIf(!isThere).each([...trainings])('steps that train %s are the processor’s', async (_, isTrained) => {
      const [there, here] = [make(executor, isTrained), make(processor, isTrained)];
      for (let i = 0; i < 3; i++) {
        const results = [there, here].map(async (model) => {
          const { loss: value } = await model.gradients(texts, { weight: loss.weight(texts), microStep: i, slots: 2 });
          if (model.device) return [value, await model.device.step(SETTINGS, 1e-3, i + 1, () => {})];
          const norm = gradientNorm(model.store);
          adamWStep(model.store, SETTINGS, 1e-3, i + 1, norm);
          return [value, norm];
        });
        const [a, b] = [await results[0]!, await results[1]!];
        for (const [k, value] of a.entries()) expect(Math.abs(value / b[k]! - 1)).toBeLessThan(1e-4);
      }
      await there.device!.collect();
      // The gradients' moments, table by table: what is in the wrong row or piece would show.
      for (const name of here.store.trainedNow()) {
        const [ours, theirs] = [there, here].map(({ store }) => store.get(name).trained!.expAvg);
        expect(relativeError(ours!, theirs!), name).toBeLessThan(1e-3);
      }
      for (const model of [there, here]) model.dispose();
    });
  },
);
