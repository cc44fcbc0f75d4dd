import { describe, expect, it } from 'vitest';
import type { Recipe } from '../../protocol/index.ts';
import { declarationOf } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import type { ParameterInfo } from '../models/scope.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { flatBlocks } from '../runtime/flat-blocks.ts';
import { matricesInBlocks, matricesOf } from '../runtime/matrices.ts';
import { packTexts, rowLength } from '../runtime/packing.ts';
import { blockFormsOf, type ReadyProgram, trainingProgram } from '../runtime/programs.ts';
import { updateProgram } from '../runtime/update-program.ts';
import { architectureFor, heldBy, isTrainedIn } from '../strategies/apply.ts';
import { classLoss } from '../tasks/loss.ts';
import { sizeOf } from '../tensor/executors/executor.ts';
import { bytesOf } from '../tensor/graph/liveness.ts';
import { optimize } from '../tensor/graph/optimize.ts';
import { record } from '../tensor/record/recorder.ts';
import { estimateCardMemory, whatFits } from './card-memory.ts';

const bert = (hidden: number, layers: number, heads: number) => ({
  ...{ model_type: 'bert', vocab_size: 30_522, hidden_size: hidden, num_hidden_layers: layers },
  ...{ num_attention_heads: heads, intermediate_size: 4 * hidden, max_position_embeddings: 512 },
  ...{ hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1 },
});
type Config = Record<string, unknown>;
const MINILM = bert(384, 6, 12);
const BASE = bert(768, 12, 12);
const lora = { type: 'lora' as const, r: 8, lora_alpha: 16, lora_dropout: 0.1, target_modules: ['query', 'value'] };

const adapted = { ...lora, target_modules: ['q_proj', 'v_proj'] };
/** SmolLM2-135M's shape, of a third of its layers. */
const DECODER = {
  ...{ model_type: 'llama', vocab_size: 49_152, hidden_size: 576, num_hidden_layers: 10, num_attention_heads: 9 },
  ...{ num_key_value_heads: 3, intermediate_size: 1536, max_position_embeddings: 512, hidden_act: 'silu' },
  ...{ rms_norm_eps: 1e-5, tie_word_embeddings: true },
};

/** What passes in a program on a card, as the executor counts it (tensor/executors/webgpu.ts), without running it. */
const passing = ({ program, inputs, options }: ReadyProgram): number =>
  bytesOf(
    optimize(record(program, inputs), {
      ...{ provider: 'webgpu', isKept: () => true, float16: options?.float16 ? 'computed' : undefined },
      transposedOf: (input) => inputs[input]?.transposed,
      blocksOf: (input) => inputs[input]?.inBlocks,
    }).graph,
  ).passing;

/** The most of what is sent and of a step's three parts: what is held and what the part's program has beside. */
function counted(config: Config, recipe: Recipe, length: number): number {
  const architecture = architectureFor(recipe.strategy, architectureOf(config, 'config.json'));
  const declared = declarationOf(architecture, { outputs: 2 }).parameters;
  const all = [...declared.values()];
  const isTrained = isTrainedIn(recipe.strategy, architecture);
  const trained = all.filter(({ name }) => isTrained(0, name));
  const group = { start: 0, end: 0, decay: true, rate: 1, phases: [0] };
  const blocks = flatBlocks(
    trained.map(({ name, shape }) => ({ name, shape, group })),
    128 * 2 ** 20,
  );
  const matrices = matricesOf(declared);
  const held = heldBy(recipe.strategy, architecture);
  const bits = held?.bits ?? 8;
  const inBlocks = held ? matricesInBlocks(declared, architecture, held) : new Set<string>();
  const texts = recipe.per_device_train_batch_size;
  const program = trainingProgram({
    ...{ part: 'all', architecture, outputs: 2, trained: trained.map(({ name }) => name), loss: classLoss(), blocks },
    shape: packTexts(Array<number>(texts).fill(length), rowLength(length), texts).shape,
    hasTransposed: (name) => matrices.has(name) && !inBlocks.has(name),
    formsOf: (name) => (inBlocks.has(name) ? blockFormsOf(declared.get(name)!, bits) : undefined),
    recompute: recipe.gradient_checkpointing,
    float16: recipe.fp16,
  });
  const bytes = (some: readonly ParameterInfo[]) => 4 * some.reduce((n, { shape }) => n + sizeOf(shape), 0);
  const isFloat = ({ name }: ParameterInfo) => !inBlocks.has(name);
  // A number has its bits and a thirty-second of a scale, for products forward and backward.
  const narrow = (some: readonly ParameterInfo[]) =>
    (bytes(some.filter((info) => !isFloat(info))) / 4) * 2 * (bits / 8 + 4 / 32);
  const float = (some: readonly ParameterInfo[]) => some.filter(isFloat);
  const both = (some: readonly ParameterInfo[]) =>
    bytes(float(some)) + bytes(float(some).filter(({ name }) => matrices.has(name))) + narrow(some);
  const [t, sums] = [bytes(trained), recipe.gradient_accumulation_steps > 1];
  const frozen = all.filter(({ name }) => !isTrained(0, name));
  return Math.max(
    bytes(float(frozen)) + both(frozen),
    3 * t + both(all) + (sums ? 2 : 1) * t + passing(program),
    sums ? 3 * t + both(all) + 3 * t : 0,
    7 * t + both(frozen) + passing(updateProgram(blocks, { ...recipe, weight_decay: 0.01 }, recipe.fp16)),
  );
}

describe('estimateCardMemory', () => {
  it.each<[string, Config, number, Partial<Recipe>]>([
    ['MiniLM', MINILM, 64, { per_device_train_batch_size: 16 }],
    ['MiniLM, summed', MINILM, 64, { per_device_train_batch_size: 2, gradient_accumulation_steps: 4 }],
    ['MiniLM, LoRA', MINILM, 64, { per_device_train_batch_size: 8, strategy: lora }],
    ['BERT-base', BASE, 128, { per_device_train_batch_size: 8 }],
    ['BERT-base, more rows', BASE, 128, { per_device_train_batch_size: 16 }],
    ['BERT-base, row by row', BASE, 128, { per_device_train_batch_size: 1, gradient_accumulation_steps: 4 }],
    ['BERT-base, LoRA', BASE, 128, { per_device_train_batch_size: 8, strategy: lora }],
    ['a decoder, LoRA', DECODER, 128, { per_device_train_batch_size: 8, strategy: adapted }],
    [
      'a decoder, LoRA in 8 bits',
      DECODER,
      128,
      { per_device_train_batch_size: 8, strategy: { ...adapted, load_in_8bit: true } },
    ],
    [
      'a decoder, LoRA in 4 bits',
      DECODER,
      128,
      { per_device_train_batch_size: 8, strategy: { ...adapted, load_in_4bit: true } },
    ],
    [
      'BERT-base, LoRA with 8 bits asked for',
      BASE,
      128,
      { per_device_train_batch_size: 8, strategy: { ...lora, load_in_8bit: true } },
    ],
    [
      'BERT-base, frozen layers',
      BASE,
      128,
      { per_device_train_batch_size: 8, strategy: { type: 'freeze', num_frozen_layers: 4 } },
    ],
    ['MiniLM, float16', MINILM, 64, { per_device_train_batch_size: 16, fp16: true }],
    ['BERT-base, float16', BASE, 128, { per_device_train_batch_size: 8, fp16: true }],
    ['BERT-base, float16, more rows', BASE, 128, { per_device_train_batch_size: 16, fp16: true }],
    ['BERT-base, float16, LoRA', BASE, 128, { per_device_train_batch_size: 8, strategy: lora, fp16: true }],
    [
      'BERT-base, float16, computed again',
      BASE,
      128,
      { per_device_train_batch_size: 16, gradient_checkpointing: true, fp16: true },
    ],
    ['BERT-base, computed again', BASE, 128, { per_device_train_batch_size: 16, gradient_checkpointing: true }],
  ])('is within a sixth of what a step has: %s', (_, config, length, more) => {
    const recipe = parseRecipe({ model: 'm', dataset: 'd', per_device_eval_batch_size: 1, ...more });
    const lengths = Array<number>(64).fill(length);
    const architecture = architectureOf(config, 'config.json');
    const work = { architecture, numLabels: 2, trainLengths: lengths, validationLengths: lengths };
    const share = estimateCardMemory(work, recipe) / counted(config, recipe, length);
    expect(share).toBeGreaterThan(5 / 6);
    expect(share).toBeLessThan(7 / 6);
  });
});

describe('whatFits', () => {
  const lengths = Array<number>(64).fill(128);
  const architecture = architectureOf(DECODER, 'config.json');
  const work = { architecture, numLabels: 2, trainLengths: lengths, validationLengths: lengths };
  const recipe = parseRecipe({ model: 'm', dataset: 'd', per_device_train_batch_size: 8, strategy: adapted });
  const narrow = { ...recipe, strategy: { ...adapted, load_in_8bit: true } } as Recipe;
  const single = { per_device_train_batch_size: 1, gradient_accumulation_steps: 2, per_device_eval_batch_size: 1 };

  it('names 8 bits where they are enough, in as small pieces as a full card is asked for', () => {
    const enough = estimateCardMemory(work, { ...narrow, ...single });
    expect(enough).toBeLessThan(estimateCardMemory(work, { ...recipe, ...single }));
    expect(whatFits(work, recipe, true, enough)).toMatch(
      /^It would fit with "load_in_8bit": true in strategy\. Or use/,
    );
    expect(whatFits(work, recipe, true, 0.99 * enough)).not.toMatch(/^It would fit with "load_in_8bit"/);
  });

  it('names 4 bits where 8 are not enough, and where they are asked for already', () => {
    const narrowest = { ...recipe, strategy: { ...adapted, load_in_4bit: true } } as Recipe;
    const enough = estimateCardMemory(work, { ...narrowest, ...single });
    expect(enough).toBeLessThan(estimateCardMemory(work, { ...narrow, ...single }));
    expect(whatFits(work, recipe, true, enough)).toMatch(
      /^It would fit with "load_in_4bit": true in strategy, which costs more accuracy than 8 bits\. Or use/,
    );
    expect(whatFits(work, narrow, true, enough)).toMatch(
      /^It would fit with "load_in_4bit": true in strategy instead of "load_in_8bit", which costs more accuracy than 8 bits\. Or use/,
    );
    expect(whatFits(work, narrowest, true, 0.99 * enough)).not.toMatch(/^It would fit with "load_in/);
    expect(whatFits(work, { ...recipe, fp16: true }, true, enough)).not.toMatch(/load_in/);
  });

  it('keeps the strategy, in 8 bits and with shorter texts, before it suggests another', () => {
    const strategy = { ...adapted, r: 5, load_in_8bit: true };
    const long = { ...recipe, strategy: { ...adapted, r: 5 }, max_length: 1024 } as Recipe;
    const texts = Array<number>(64).fill(1024);
    const longWork = { ...work, trainLengths: texts, validationLengths: texts };
    const enough = estimateCardMemory(longWork, { ...long, ...single, strategy, max_length: 512 } as Recipe);
    expect(whatFits(longWork, long, true, enough)).toMatch(
      /^It would fit with strategy {"type":"lora","r":5,.*"load_in_8bit":true}, max_length 512/,
    );
  });

  it('suggests another strategy in 8 bits as well', () => {
    const full = { ...recipe, strategy: { type: 'full' } } as Recipe;
    const enough = estimateCardMemory(work, { ...narrow, ...single });
    expect(whatFits(work, full, true, enough)).toMatch(
      /^It would fit with strategy {"type":"lora",.*"load_in_8bit":true}/,
    );
  });
});
