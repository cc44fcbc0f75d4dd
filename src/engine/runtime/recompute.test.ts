import { describe, expect, it } from 'vitest';
import { declarationOf, type HeadKind } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { architectureFor, isTrainedBy } from '../strategies/apply.ts';
import { strategySchema } from '../strategies/index.ts';
import { languageLoss } from '../tasks/language/loss.ts';
import { classLoss } from '../tasks/loss.ts';
import { sizeOf, type TensorData } from '../tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import { createWasmExecutor } from '../tensor/executors/wasm.ts';
import { bytesOf } from '../tensor/graph/liveness.ts';
import { optimize } from '../tensor/graph/optimize.ts';
import { record } from '../tensor/record/recorder.ts';
import { GRADIENT, trainingProgram } from './programs.ts';

const BERT = {
  ...{ model_type: 'bert', vocab_size: 50, hidden_size: 32, num_hidden_layers: 8, num_attention_heads: 4 },
  ...{ intermediate_size: 64, max_position_embeddings: 64 },
};
const LLAMA = { ...BERT, model_type: 'llama', num_key_value_heads: 2 };
const GPT2 = { model_type: 'gpt2', vocab_size: 50, n_embd: 32, n_layer: 8, n_head: 4, n_positions: 64 };
const WRITES: HeadKind = { name: 'text-generation', reads: 'all' };

const CASES: [string, object, HeadKind | undefined, object][] = [
  ['BERT with dropout', BERT, undefined, { type: 'full' }],
  ['BERT, half frozen', BERT, undefined, { type: 'freeze', num_frozen_layers: 4 }],
  ['Llama with DoRA in 8 bits', LLAMA, WRITES, { type: 'lora', use_dora: true, load_in_8bit: true }],
  ['GPT-2 with a prefix', GPT2, WRITES, { type: 'prefix-tuning', num_virtual_tokens: 3 }],
];

function stepOf([, config, head, keys]: (typeof CASES)[number], recompute: boolean) {
  const strategy = strategySchema.parse(keys);
  const architecture = architectureFor(strategy, architectureOf(config as never, 'config.json', head));
  const shape = { rows: 4, length: 32, texts: 4 };
  const outputs = architecture.outputs ?? 3;
  const isTrained = isTrainedBy(strategy, architecture);
  const { parameters } = declarationOf(architecture, { outputs, shape });
  const trained = [...parameters.keys()].filter((name) => isTrained(name));
  const loss = head ? languageLoss({ recipe: { label_smoothing_factor: 0 } }) : classLoss();
  const held =
    'load_in_8bit' in keys ? ({ bits: 8, has: (name: string) => /_proj\.weight$/.test(name) } as const) : undefined;
  return trainingProgram({ part: 'all', architecture, outputs, shape, trained, loss, recompute, held });
}

/** The same numbers each time, far from 0 and 1. */
function feedsOf(inputs: ReturnType<typeof stepOf>['inputs']): Record<string, TensorData> {
  const feeds: Record<string, TensorData> = {};
  for (const [name, { shape, dtype }] of Object.entries(inputs)) {
    const at = (i: number) => (((i + name.length * 7) * 2654435761) % 1000) / 1000;
    const size = sizeOf(shape);
    const length = 32;
    if (name === 'text_ids') feeds[name] = Int32Array.from({ length: size }, (_, i) => Math.floor(i / length) + 1);
    else if (name === 'position_ids') feeds[name] = Int32Array.from({ length: size }, (_, i) => i % length);
    else if (name === 'token_type_ids') feeds[name] = new Int32Array(size);
    else if (name === 'read_token') feeds[name] = Int32Array.from({ length: size }, (_, i) => i * length);
    else if (dtype === 'int32') feeds[name] = Int32Array.from({ length: size }, (_, i) => Math.floor(3 * at(i)));
    else if (dtype === 'bool') feeds[name] = Uint8Array.from({ length: size }, (_, i) => (at(i) < 0.9 ? 1 : 0));
    else if (name === 'weights') feeds[name] = new Float32Array(size).fill(1 / size);
    else feeds[name] = Float32Array.from({ length: size }, (_, i) => (shape.length > 1 ? 0.4 * (at(i) - 0.5) : 1));
  }
  return feeds;
}

async function run(executor: Awaited<ReturnType<typeof createOnnxRuntimeExecutor>>, step: ReturnType<typeof stepOf>) {
  const compiled = await executor.compile(step.program, step.inputs);
  const fetches = Object.fromEntries(
    Object.entries(compiled.outputs).map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]),
  );
  await compiled.run(feedsOf(step.inputs), fetches);
  compiled.dispose();
  return fetches;
}

describe('a step whose layers are computed again', () => {
  it.each(CASES)('%s: the same loss and gradients', async (...given) => {
    const executor = await createOnnxRuntimeExecutor({ numThreads: 1 });
    const plain = await run(executor, stepOf(given, false));
    const again = await run(executor, stepOf(given, true));
    expect(Object.keys(again)).toEqual(Object.keys(plain));
    expect(Object.keys(plain).filter((name) => name.startsWith(GRADIENT)).length).toBeGreaterThan(0);
    for (const [name, values] of Object.entries(plain)) {
      const largest = values.reduce((max, x) => Math.max(max, Math.abs(x)), 1e-6);
      const off = values.reduce((max, x, i) => Math.max(max, Math.abs(x - again[name]![i]!)), 0);
      expect(off / largest, name).toBeLessThan(1e-5);
    }
    executor.dispose();
  });

  it.each(CASES)('%s: needs less memory', (...given) => {
    const bytes = (recompute: boolean) => {
      const { program, inputs } = stepOf(given, recompute);
      return bytesOf(optimize(record(program, inputs)).graph).passing;
    };
    expect(bytes(true) / bytes(false)).toBeLessThan(0.65);
  });

  it('where programs run op by op, nothing is computed again', async () => {
    const executor = await createWasmExecutor();
    const few: (typeof CASES)[number] = ['', { ...BERT, num_hidden_layers: 2 }, undefined, { type: 'full' }];
    expect(await run(executor, stepOf(few, true))).toEqual(await run(executor, stepOf(few, false)));
    expect(executor.recomputes).toBeUndefined();
    executor.dispose();
  });
});
