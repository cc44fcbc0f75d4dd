import { describe, expect, it } from 'vitest';
import { type Architecture, declarationOf } from '../models/architecture.ts';
import { withLora } from '../models/lora.ts';
import { architectureOf } from '../models/registry.ts';
import { classLoss } from '../tasks/loss.ts';
import { sizeOf } from '../tensor/executors/executor.ts';
import { optimize } from '../tensor/graph/optimize.ts';
import { record } from '../tensor/record/recorder.ts';
import { flatBlocks } from './flat-blocks.ts';
import { matricesOf } from './matrices.ts';
import { lossesProgram, nextTokenProgram, type ReadyProgram, trainingProgram } from './programs.ts';
import { piecesOf } from './table-pieces.ts';
import { spreadProgram } from './update-program.ts';

const MIB = 2 ** 20;
const decoder = (vocab_size: number, hidden_size: number, tie_word_embeddings: boolean) =>
  architectureOf(
    {
      ...{ model_type: 'llama', vocab_size, hidden_size, num_hidden_layers: 1, num_attention_heads: 2 },
      ...{ num_key_value_heads: 1, intermediate_size: 96, hidden_act: 'silu', max_position_embeddings: 64 },
      ...{ rms_norm_eps: 1e-5, tie_word_embeddings },
    },
    'config.json',
    { name: 'text-generation', reads: 'all' },
  );
/** Its layers' weights lie the other way round, `[inputs, outputs]`; those of two are larger than 1 MiB. */
const gpt2 = architectureOf(
  {
    ...{ model_type: 'gpt2', vocab_size: 200, n_embd: 64, n_layer: 1, n_head: 2, n_inner: 6_000, n_positions: 64 },
    ...{ resid_pdrop: 0, embd_pdrop: 0, attn_pdrop: 0 },
  },
  'config.json',
  { name: 'text-generation', reads: 'all' },
);
const dora = (architecture: Architecture, modules: readonly string[]): Architecture =>
  withLora(architecture, {
    ...{ r: 2, lora_alpha: 4, lora_dropout: 0.1, use_dora: true, fan_in_fan_out: true },
    ...{ target_modules: modules, targets: modules, modulesToSave: [] },
  });
const declared = (architecture: Architecture) =>
  declarationOf(architecture, { outputs: architecture.outputs! }).parameters;

describe('piecesOf', () => {
  it('leaves what fits whole', () => {
    expect(piecesOf(declared(decoder(30_522, 768, true)), 128 * MIB).size).toBe(0);
    expect(piecesOf(declared(decoder(151_936, 896, false))).size).toBe(0);
  });

  it.each([
    [151_936, 896, 128, 5],
    [151_936, 896, 16, 38],
    [6_000, 64, 1, 24],
    // Not even a row of so many tokens' ones and zeros fits.
    [20, 64, 2 ** -10, 20],
  ])('cuts a table of %d × %d where %d MiB are bound', (rows, width, mib, count) => {
    const all = piecesOf(declared(decoder(rows, width, false)), mib * MIB);
    expect([...all.keys()].filter((name) => !name.includes('layers')).sort()).toEqual([
      'lm_head.weight',
      'model.embed_tokens.weight',
    ]);
    for (const [name, pieces] of all) {
      if (name.includes('layers')) continue;
      expect(pieces).toHaveLength(count);
      expect(new Set(pieces.map((piece) => piece.name)).size).toBe(count);
      let end = 0;
      for (const { from, shape } of pieces) {
        expect(from).toBe(end);
        expect(shape[1]).toBe(width);
        expect(4 * sizeOf(shape)).toBeLessThanOrEqual(mib * MIB);
        end += sizeOf(shape);
      }
      expect(end).toBe(rows * width);
    }
  });
});

const GPT2_LARGE = ['transformer.h.0.mlp.c_fc', 'transformer.h.0.mlp.c_proj'];
describe.each([
  ['a head that is tied', decoder(6_000, 64, true), []],
  // Products read the transposes of its pieces.
  ['a head that is not tied', decoder(6_000, 64, false), ['lm_head.weight#23']],
  ['weights that lie the other way round', gpt2, GPT2_LARGE.map((name) => `${name}.weight#1`)],
  ['these with DoRA', dora(gpt2, GPT2_LARGE), GPT2_LARGE.map((name) => `${name}.weight#1`)],
  ['a head with DoRA', dora(decoder(6_000, 64, false), ['lm_head']), ['lm_head.weight#23']],
])('programs of a model with matrices that are larger than a binding: %s', (_, architecture, transposed) => {
  const parameters = declared(architecture);
  const tables = piecesOf(parameters, MIB);
  const matrices = matricesOf(parameters);
  const group = { start: 0, end: 0, decay: true, rate: 1, phases: [0] };
  const blocks = flatBlocks(
    [...parameters.values()].map(({ name, shape }) => ({ name, shape, group })),
    MIB,
  );
  const shape = { rows: 1, length: 16, texts: 1 };
  const fed = {
    architecture,
    outputs: architecture.outputs!,
    tables,
    hasTransposed: (name: string) => matrices.has(name),
  };
  const swapped = new Map([...matrices].map((name) => [name, parameters.get(name)!.shape]));

  it.each<[string, ReadyProgram]>([
    ['losses', lossesProgram({ ...fed, shape })],
    ['the next token', nextTokenProgram(fed, { rows: 1, length: 8, capacity: 0 }, [])],
    [
      'a step',
      trainingProgram({ ...fed, shape, part: 'all', trained: [...parameters.keys()], loss: classLoss(), blocks }),
    ],
    ['parameters by themselves', spreadProgram(blocks, swapped, tables)],
  ])('have no tensor that is: %s', (name, { program, inputs }) => {
    const { graph } = optimize(record(program, inputs), {
      ...{ provider: 'webgpu', isKept: () => true },
      transposedOf: (input) => inputs[input]?.transposed,
    });
    const large = [...graph.types].filter(([, { shape }]) => 4 * sizeOf(shape) > MIB);
    expect(large.map(([name, { shape }]) => `${name} [${shape}]`)).toEqual([]);
    const names = [...graph.inputs, ...graph.outputs.keys()];
    if (name !== 'losses' && name !== 'the next token')
      for (const piece of transposed) expect(names).toContain(`transposed:${piece}`);
  });
});
