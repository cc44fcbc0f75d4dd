import { describe, expect, it } from 'vitest';
import type { Recipe } from '../../protocol/index.ts';
import { declarationOf } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { trainingProgram } from '../runtime/programs.ts';
import { STRATEGIES } from '../strategies/index.ts';
import { languageLoss } from '../tasks/language/loss.ts';
import { classLoss } from '../tasks/loss.ts';
import { bytesOf, peakBytes } from '../tensor/graph/liveness.ts';
import { optimize } from '../tensor/graph/optimize.ts';
import { record } from '../tensor/record/recorder.ts';
import { activationBytes } from './activations.ts';
import {
  asComputed,
  estimateDisk,
  estimateMemory,
  estimateSeconds,
  requireMemory,
  type Savings,
  sizesOf,
  type Workload,
} from './estimate.ts';

/** MiniLM: 6 layers × 384, 22.7 M parameters. */
const architecture = architectureOf(
  {
    model_type: 'bert',
    vocab_size: 30522,
    hidden_size: 384,
    num_hidden_layers: 6,
    num_attention_heads: 12,
    intermediate_size: 1536,
    max_position_embeddings: 512,
  },
  'config.json',
);
/** As long as examples/tickets.csv's rows: 22 tokens on average, a few above 100. */
const trainLengths = Array.from({ length: 623 }, (_, i) => 6 + (i % 24) + (i % 50 === 0 ? 100 : 0) + 3);
const work: Workload = { architecture, numLabels: 8, trainLengths, validationLengths: trainLengths.slice(0, 68) };
const recipe = (more: Partial<Recipe> = {}) => parseRecipe({ model: 'm', dataset: 'd', ...more });

const lora = { type: 'lora' as const, r: 8, lora_alpha: 8, lora_dropout: 0, target_modules: ['query', 'value'] };

describe('estimateMemory', () => {
  // Measured: peak_rss_bytes of `luthier train --json` on examples/tickets.csv, MiniLM, 2 Intel cores, onnxruntime 1.30.
  it.each<[Partial<Recipe>, number]>([
    [{}, 798e6],
    [{ per_device_train_batch_size: 64 }, 1151e6],
    [{ per_device_train_batch_size: 1, per_device_eval_batch_size: 1 }, 623e6],
    [{ strategy: { type: 'freeze', num_frozen_layers: 4 } }, 484e6],
    [{ strategy: { type: 'head' } }, 454e6],
    // Likewise, on 2 AMD cores.
    [{ strategy: lora }, 509e6],
    [{ strategy: lora, per_device_train_batch_size: 64 }, 824e6],
    [{ strategy: { ...lora, load_in_8bit: true } }, 594e6],
    [{ strategy: { ...lora, load_in_8bit: true }, per_device_train_batch_size: 64 }, 859e6],
    [{ strategy: { type: 'freeze', num_frozen_layers: 4, load_in_8bit: true } }, 534e6],
    [
      { strategy: { type: 'freeze', num_frozen_layers: 4, load_in_8bit: true }, per_device_train_batch_size: 64 },
      599e6,
    ],
  ])('%o is within a fifth of what was measured', (more, measured) => {
    const estimate = estimateMemory(work, recipe(more));
    expect(estimate / measured).toBeGreaterThan(0.8);
    expect(estimate / measured).toBeLessThan(1.2);
  });
});

describe('estimateMemory of decoders', () => {
  const decoder = (config: object): Workload['architecture'] =>
    architectureOf({ model_type: 'llama', tie_word_embeddings: true, ...config }, 'config.json', {
      ...{ name: 'conversational', reads: 'all' },
    });
  /** Qwen2.5-0.5B. */
  const qwen = decoder({
    ...{ model_type: 'qwen2', vocab_size: 151_936, hidden_size: 896, intermediate_size: 4864, num_hidden_layers: 24 },
    ...{ num_attention_heads: 14, num_key_value_heads: 2, max_position_embeddings: 32_768 },
  });
  const adapters = {
    type: 'lora' as const,
    r: 8,
    lora_alpha: 16,
    lora_dropout: 0,
    target_modules: ['q_proj', 'v_proj'],
  };
  const rowsOf = (architecture: Workload['architecture'], length: number): Workload => {
    const lengths = Array<number>(60).fill(length);
    return { architecture, numLabels: architecture.outputs!, trainLengths: lengths, validationLengths: lengths };
  };

  it('is within a fifth of what was measured, and fits where that does', () => {
    // `npx luthier bench decoder-memory`, 2 AMD EPYC cores.
    const one = { per_device_train_batch_size: 1, per_device_eval_batch_size: 1, max_length: 512 };
    const estimate = estimateMemory(rowsOf(qwen, 512), recipe({ task: 'conversational', strategy: adapters, ...one }));
    expect(estimate / 5116e6).toBeGreaterThan(0.8);
    expect(estimate / 5116e6).toBeLessThan(1.2);
    expect(estimate).toBeLessThan(6e9);
  });

  it('counts the text by which forgetting is measured, whose rows may be longer than all of the data’s', () => {
    const few = { task: 'conversational', strategy: adapters, per_device_train_batch_size: 1 } as const;
    const of = (batch: number, generalLengths?: number[]) =>
      estimateMemory(
        { ...rowsOf(qwen, 8), ...(generalLengths && { generalLengths }) },
        recipe({ ...few, per_device_eval_batch_size: batch, max_length: 512 }),
      );
    const windows = [256, 256, 170];
    // Three arrays as large as the logits, of which so many are there at once.
    expect(of(8, windows) - of(8)).toBeGreaterThan(0.7 * 3 * 4 * 2 ** 25);
    expect(of(1, windows)).toBeLessThan(of(8, windows));
    // Long rows of the data take more.
    const long = { ...rowsOf(qwen, 512) };
    const batch = recipe({ ...few, per_device_eval_batch_size: 8, max_length: 512 });
    expect(estimateMemory({ ...long, generalLengths: windows }, batch)).toBe(estimateMemory(long, batch));
  });

  it('refuses rows that are too long, naming a length that fits; scores of attention grow with its square', () => {
    const long = recipe({
      task: 'conversational',
      strategy: adapters,
      max_length: 8192,
      per_device_train_batch_size: 1,
    });
    const hint = (recomputes: boolean) => {
      try {
        requireMemory(
          rowsOf(qwen, 8192),
          { ...long, per_device_eval_batch_size: 1 },
          { free: 12e9, ...(recomputes && { recomputes }) },
        );
      } catch (error) {
        return (error as { hint: string }).hint;
      }
      return null;
    };
    expect(hint(false)).toBe('It would fit with max_length 2048.');
    expect(hint(true)).toBe('It would fit with max_length 4096, gradient_checkpointing true.');
    const of = (length: number) => estimateMemory(rowsOf(qwen, length), { ...long, per_device_eval_batch_size: 1 });
    expect(of(8192) - of(4096)).toBeGreaterThan(2.2 * (of(4096) - of(2048)));
  });
});

describe('attention with dropout in a decoder', () => {
  it('keeps each layer’s probabilities, as its training step does', () => {
    const length = 256;
    const of = (attn_pdrop: number): Workload['architecture'] =>
      architectureOf(
        {
          ...{ model_type: 'gpt2', vocab_size: 100, n_embd: 64, n_layer: 6, n_head: 4, n_positions: length },
          ...{ attn_pdrop, resid_pdrop: 0, embd_pdrop: 0 },
        },
        'config.json',
        { name: 'text-generation', reads: 'all' },
      );
    const stepBytes = (architecture: Workload['architecture']) => {
      const { program, inputs } = trainingProgram({
        ...{ part: 'all', architecture, outputs: 100, shape: { rows: 2, length, texts: 2 } },
        trained: [...declarationOf(architecture).parameters.keys()],
        loss: languageLoss({ recipe: { label_smoothing_factor: 0 } }),
      });
      return peakBytes(record(program, inputs));
    };
    const batches = { tokens: 2 * length, evalTokens: length, rowLength: length };
    const estimated = (architecture: Workload['architecture']) => {
      const trainLengths = Array<number>(8).fill(length);
      const work = { architecture, numLabels: 100, trainLengths, validationLengths: trainLengths };
      return activationBytes(architecture, sizesOf(work, { type: 'full' }), batches);
    };
    const more = (bytes: typeof stepBytes) => bytes(of(0.1)) - bytes(of(0));
    expect(more(stepBytes)).toBeGreaterThan(2e7);
    expect(more(estimated) / more(stepBytes)).toBeGreaterThan(0.9);
    expect(more(estimated) / more(stepBytes)).toBeLessThan(1.1);
  });
});

describe('layers that are computed again', () => {
  const of = (model_type: string): Workload['architecture'] =>
    architectureOf(
      {
        ...{ model_type, vocab_size: 100, hidden_size: 64, num_hidden_layers: 12, num_attention_heads: 4 },
        ...{ intermediate_size: 256, max_position_embeddings: 128, hidden_dropout_prob: 0 },
        attention_probs_dropout_prob: 0,
      },
      'config.json',
    );

  it('save about as much as a training step says', () => {
    const architecture = of('llama');
    const length = 64;
    const stepBytes = (recompute: boolean) => {
      const { program, inputs } = trainingProgram({
        ...{ part: 'all', architecture, outputs: 2, shape: { rows: 8, length, texts: 8 }, recompute },
        trained: [...declarationOf(architecture, { outputs: 2 }).parameters.keys()],
        loss: classLoss(),
      });
      return bytesOf(optimize(record(program, inputs)).graph).passing;
    };
    const sizes = sizesOf({ architecture, numLabels: 2 }, { type: 'full' });
    const estimated = (recompute: boolean) =>
      activationBytes(architecture, sizes, { tokens: 8 * length, evalTokens: 0, rowLength: length, recompute });
    const saved = (bytes: typeof stepBytes) => bytes(false) - bytes(true);
    expect(saved(estimated) / saved(stepBytes)).toBeGreaterThan(0.75);
    expect(saved(estimated) / saved(stepBytes)).toBeLessThan(1.25);
  });

  // `node bench/step-costs.mjs MINILM --batch 8 --length 256 --steps 4` (bench/step-costs.jsonl, peak_rss_bytes without less
  // that with): a step without dropout, simulated, keeps less than one that is trained.
  it.each<[Recipe['strategy'], number]>([
    [{ type: 'full' }, 1294.9e6 - 907.5e6],
    [{ ...lora, lora_alpha: 16 }, 1078e6 - 772.3e6],
  ])('save of an encoder what was measured with %o, at most a fifth less than promised', (strategy, measured) => {
    const of = (recompute: boolean) =>
      activationBytes(architecture, sizesOf(work, strategy), {
        ...{ tokens: 8 * 256, evalTokens: 0, rowLength: 256, recompute },
      });
    const promised = of(false) - of(true);
    expect(measured / promised).toBeGreaterThan(0.8);
    expect(measured / promised).toBeLessThan(1.5);
  });

  it('take a forward pass more, of all but the last', () => {
    const seconds = (more: Partial<Recipe>) => estimateSeconds(work, recipe(more), 200);
    const checkpointed = { gradient_checkpointing: true } as const;
    expect(seconds(checkpointed)).toBeGreaterThan(1.15 * seconds({}));
    expect(seconds(checkpointed)).toBeLessThan(1.34 * seconds({}));
    const head = { strategy: { type: 'head' } } as const;
    expect(seconds({ ...head, ...checkpointed })).toBe(seconds(head));
    expect(estimateMemory(work, recipe(checkpointed))).toBeLessThan(estimateMemory(work, recipe()));
  });
});

describe('requireMemory', () => {
  const refusal = (more: Partial<Recipe>, free: number, machine: Savings = { recomputes: true }, of = work) => {
    try {
      requireMemory(of, recipe(more), { free, ...machine });
    } catch (error) {
      return error as { code: string; message: string; hint: string };
    }
    return null;
  };

  it('lets pass what fits', () => {
    expect(refusal({}, 2e9)).toBeNull();
  });

  it('names the smaller batches with which it fits, the result being the same', () => {
    const large = { per_device_train_batch_size: 256 };
    expect(refusal(large, 1e9)).toMatchObject({
      code: 'not-enough-memory',
      message: expect.stringMatching(/would need about \d/),
      hint: expect.stringMatching(/It would fit with per_device_train_batch_size \d+, gradient_accumulation_steps \d+/),
    });
    const [, batch, steps] = /size (\d+), gradient_accumulation_steps (\d+)/.exec(refusal(large, 1e9)!.hint)!;
    expect(Number(batch) * Number(steps)).toBe(256);
    expect(
      refusal({ per_device_train_batch_size: Number(batch), gradient_accumulation_steps: Number(steps) }, 1e9),
    ).toBeNull();
  });

  it('names the batch of pairs as the strategy has it', () => {
    // As the trainer asks: a batch's items are the texts that are compared.
    const pairs = { strategy: { type: 'few-shot' }, per_device_train_batch_size: 32 } as Partial<Recipe>;
    const long = { ...work, trainLengths: Array<number>(64).fill(128) };
    const half = recipe({ ...pairs, per_device_train_batch_size: 16, gradient_accumulation_steps: 2 });
    const free = estimateMemory(long, { ...half, per_device_eval_batch_size: 32 });
    expect(refusal(pairs, free, { recomputes: false }, long)!.hint).toBe(
      'It would fit with strategy.batch_size 16, per_device_eval_batch_size 32.',
    );
  });

  it('names layers that are computed again before it cuts texts or trains less, where the backend can', () => {
    const long = { ...work, trainLengths: Array<number>(64).fill(400) };
    const one = { per_device_train_batch_size: 1, per_device_eval_batch_size: 1, max_length: 400 };
    const [without, with_] = [{}, { gradient_checkpointing: true }].map((more) =>
      estimateMemory(long, recipe({ ...one, ...more })),
    ) as [number, number];
    const free = without - (without - with_) / 4;
    const hint = (more: Partial<Recipe>, machine?: Savings) => refusal({ ...one, ...more }, free, machine, long)?.hint;
    expect(hint({})).toBe('It would fit with gradient_checkpointing true.');
    expect(hint({ gradient_checkpointing: true })).toBeUndefined();
    // It keeps everything, so that the recipe's own key changes nothing, and naming it would help nobody.
    for (const more of [{}, { gradient_checkpointing: true }])
      expect(hint(more, { recomputes: false })).toMatch(/^It would fit with max_length 256\.$/);
    // The same result in the same time comes first.
    const enough = estimateMemory(long, recipe({ ...one, gradient_accumulation_steps: 4 }));
    expect(refusal({ ...one, per_device_train_batch_size: 4 }, enough, undefined, long)!.hint).toMatch(
      /^It would fit with per_device_train_batch_size 1, gradient_accumulation_steps 4, per_device_eval_batch_size 1\.$/,
    );
  });

  it('names a strategy when batches do not help, and another way when nothing does', () => {
    expect(refusal({}, 550e6)!.hint).toMatch(/strategy \{"type":"freeze"/);
    expect(refusal({}, 100e6)!.hint).toMatch(/smaller base model/);
  });

  it('looks for it without running the model for each of a thousand settings', () => {
    let runs = 0;
    const scope: Workload['architecture']['scope'] = (source) => {
      runs++;
      return architecture.scope(source);
    };
    const watched = { ...work, architecture: { ...architecture, scope } };
    for (const strategy of [{ type: 'full' }, lora] as const)
      expect(refusal({ strategy }, 100e6, {}, watched)!.hint).toMatch(/smaller base model/);
    // A few for each strategy: its parameters, and which of them answer.
    expect(runs).toBeLessThan(10 * Object.keys(STRATEGIES).length);
  });
});

describe('asComputed', () => {
  const both = { gradient_checkpointing: true, strategy: { ...lora, load_in_8bit: true } } as const;
  const figures = (written: Recipe) => [estimateMemory(work, written), estimateSeconds(work, written, 200)];

  it('leaves a recipe as it is where its backend can do what it asks for', () => {
    expect(asComputed(recipe(both), { recomputes: true, computesIn8Bit: true })).toEqual(recipe(both));
    expect(asComputed(recipe(), {})).toEqual(recipe());
  });

  it('takes what a backend cannot do for not asked', () => {
    const plain = figures(recipe({ strategy: lora }));
    expect(figures(asComputed(recipe(both), {}))).toEqual(plain);
    const recomputed = recipe({ ...both, strategy: lora });
    expect(figures(asComputed(recipe(both), { recomputes: true }))).toEqual(figures(recomputed));
    const inInt8 = recipe({ ...both, gradient_checkpointing: false });
    expect(figures(asComputed(recipe(both), { computesIn8Bit: true }))).toEqual(figures(inInt8));
    for (const other of [recomputed, inInt8]) expect(figures(other)).not.toEqual(plain);
  });

  it('a run is refused by what its backend needs', () => {
    const heavy = recipe({ strategy: { ...lora, load_in_8bit: true } });
    const [int8, float] = [heavy, recipe({ strategy: lora })].map((of) => estimateMemory(work, of)) as [number, number];
    expect(int8).toBeGreaterThan(float);
    const free = (int8 + float) / 2;
    expect(() => requireMemory(work, heavy, { free })).not.toThrow();
    expect(() => requireMemory(work, heavy, { free, computesIn8Bit: true })).toThrow(/memory/);
  });
});

describe('estimateSeconds', () => {
  it('grows with epochs, shrinks with frozen layers and speed', () => {
    const base = estimateSeconds(work, recipe(), 200);
    expect(estimateSeconds(work, recipe({ num_train_epochs: 6 }), 200)).toBeGreaterThan(1.5 * base);
    expect(estimateSeconds(work, recipe(), 100)).toBeGreaterThan(base);
    const frozen = estimateSeconds(work, recipe({ strategy: { type: 'freeze', num_frozen_layers: 4 } }), 200);
    const head = estimateSeconds(work, recipe({ strategy: { type: 'head' } }), 200);
    expect(frozen).toBeLessThan(base);
    expect(head).toBeLessThan(frozen);
  });

  it('knows what adapters and 8 bits save', () => {
    const seconds = (strategy: Recipe['strategy']) => estimateSeconds(work, recipe({ strategy }), 200);
    expect(seconds(lora)).toBeLessThan(seconds({ type: 'full' }));
    expect(seconds({ ...lora, load_in_8bit: true })).toBeLessThan(seconds(lora));
    const freeze = { type: 'freeze', num_frozen_layers: 4 } as const;
    expect(seconds({ ...freeze, load_in_8bit: true })).toBeLessThan(seconds(freeze));
  });
});

describe('what DoRA takes beside LoRA', () => {
  it('is counted: time to take the lengths of weights, a second product behind dropout, what is kept', () => {
    const long = { ...work, trainLengths: Array<number>(64).fill(100) };
    const of = (strategy: Recipe['strategy']) => {
      const given = recipe({ strategy });
      return { seconds: estimateSeconds(long, given, 200), bytes: estimateMemory(long, given) };
    };
    const dora = { ...lora, use_dora: true };
    const [plain, measured, dropped] = [of(lora), of(dora), of({ ...dora, lora_dropout: 0.1 })];
    expect(measured.seconds).toBeGreaterThan(plain.seconds);
    expect(dropped.seconds).toBeGreaterThan(measured.seconds);
    expect(measured.bytes - plain.bytes).toBeGreaterThan(4 * 16 * 100 * 12 * 384);
  });

  it('and so are the keys of a prefix, of which attention has scores', () => {
    const decoder = architectureOf(
      {
        ...{ model_type: 'llama', vocab_size: 100, hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4 },
        ...{ intermediate_size: 100, max_position_embeddings: 512 },
      },
      'config.json',
      { name: 'text-generation', reads: 'all' },
    );
    const of = (num_virtual_tokens: number) => {
      const work = { architecture: decoder, numLabels: 100 };
      const sizes = sizesOf(work, { type: 'prefix-tuning', num_virtual_tokens });
      expect([sizes.prefixTokens, sizes.virtualTokens]).toEqual([num_virtual_tokens, 0]);
      return activationBytes(decoder, sizes, { tokens: 1000, evalTokens: 0, rowLength: 50 });
    };
    expect(of(100) - of(50)).toBe(4 * 1000 * 3 * 4 * 50);
  });
});

describe('estimateDisk', () => {
  it('counts the checkpoints that are kept, one in the making, the best and the model', () => {
    const sizes = { parameters: 100, trained: 10 };
    expect(estimateDisk(sizes, recipe({ save_total_limit: 2 }))).toBe(12 * 10 * 3 + 4 * 10 + 4 * 100);
  });
});
