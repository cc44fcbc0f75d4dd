import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { learningRate } from '../../src/engine/recipes/schedule.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import { architectureFor, isTrainedBy } from '../../src/engine/strategies/apply.ts';
import { type ChatItem, encodeConversations } from '../../src/engine/tasks/conversational/encode.ts';
import { conversational } from '../../src/engine/tasks/conversational/task.ts';
import type { Message } from '../../src/engine/tasks/conversational/turns.ts';
import { languageLoss } from '../../src/engine/tasks/language/loss.ts';
import { languageReport } from '../../src/engine/tasks/language/report.ts';
import { IGNORED } from '../../src/engine/tasks/task.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { Tokenizer } from '../../src/engine/text/tokenizer.ts';
import { adamWStep, gradientNorm } from '../../src/engine/train/optimizer.ts';
import type { Recipe, Strategy } from '../../src/protocol/index.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError, weight } from './values.ts';

interface Trained {
  losses: number[];
  grad_norms: number[];
}

/** What language_figures.py wrote. */
const f = JSON.parse(readFileSync(figures('language.json'), 'utf8')) as {
  config: Record<string, unknown>;
  settings: Recipe;
  lora: Strategy;
  deviation: number;
  batch: number;
  accumulation: number;
  conversations: Message[][];
  rows: { ids: number[]; learnt: number[] }[];
  row_losses: number[];
  perplexity: number;
  full: Trained;
  lora_trained: Trained;
};
const rows = f.conversations.map((messages, i) => ({ file: '/chat.jsonl', line: i + 1, messages }));
const STARTER = join(import.meta.dirname, '../../starters/decoder');

/** What the tokens of some items are learnt by, however many micro-batches they lie in. */
const loss = languageLoss({ recipe: { label_smoothing_factor: 0 } });

describe('conversations', () => {
  test('have the ids and the learnt tokens that transformers’ template and tokenizer give them', async () => {
    const { items } = encodeConversations(rows, await Tokenizer.load(STARTER), 256);
    for (const [i, { ids, labels }] of items.entries()) {
      const learnt = [...labels.entries()].filter(([, label]) => label !== IGNORED).map(([token]) => token + 1);
      expect({ ids: [...ids], learnt }, `row ${i + 1}`).toEqual(f.rows[i]);
    }
  });
});

describe.each(EXECUTORS)('a language model: $title', ({ isThere, create, lossTolerance }) => {
  let executor: Executor;
  let items: ChatItem[];
  beforeAll(async () => {
    ({ items } = encodeConversations(rows, await Tokenizer.load(STARTER), 256));
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  /** The model of the figures, ready to be trained. */
  function modelOf(strategy: Strategy, accumulate: boolean): TaskModel {
    const architecture = architectureFor(strategy, architectureOf(f.config, 'config.json', conversational));
    const model = new TaskModel({
      ...{ executor, architecture, loss, accumulate, padId: 2, seed: 5 },
      numLabels: architecture.outputs!,
      isTrained: (_, name) => isTrainedBy(strategy, architecture)(name),
      maxBatch: { texts: f.batch * f.accumulation, tokens: 256 },
    });
    for (const { name, weight: target } of model.store.parameters.values())
      target.set(weight(name, target.length, f.deviation));
    return model;
  }

  const windowOf = (step: number): ChatItem[] => {
    const size = f.batch * f.accumulation;
    return Array.from({ length: size }, (_, i) => items[(step * size + i) % items.length]!);
  };

  /** Gradients of a step in micro-batches, added up in `accumulated` where there are several. */
  async function gradients(model: TaskModel, window: readonly ChatItem[], batch: number): Promise<number> {
    const { accumulated, gradient } = model.store.trained;
    accumulated?.fill(0);
    let sum = 0;
    for (let i = 0; i < window.length; i += batch) {
      const micro = window.slice(i, i + batch);
      sum += (await model.gradients(micro, { weight: loss.weight(window), microStep: i, slots: batch })).loss;
      if (accumulated) model.store.memory.kernels.addScaled(accumulated, gradient, 1);
    }
    if (accumulated) gradient.set(accumulated);
    return sum;
  }

  test.skipIf(!isThere)('has transformers’ losses and perplexity', { timeout: 240_000 }, async () => {
    const model = modelOf({ type: 'full' }, false);
    const losses = await model.losses(items);
    let at = 0;
    const sums = items.map(({ ids }) => {
      at += ids.length;
      return losses.subarray(at - ids.length, at).reduce((a, b) => a + b, 0);
    });
    expect(relativeError(sums, f.row_losses)).toBeLessThan(1e-5);
    const report = languageReport('conversational', {
      ...{ split: 'validation', labels: [], rows, items, logits: new Float32Array(), losses },
    });
    expect(Math.abs(report.metrics.perplexity / f.perplexity - 1)).toBeLessThan(1e-4);
    expect(Math.exp(report.metrics.loss)).toBeCloseTo(report.metrics.perplexity, 6);
    model.dispose();
  });

  test.skipIf(!isThere)(
    'has the loss and the gradients of one large batch in two micro-batches of different lengths',
    { timeout: 240_000 },
    async () => {
      const [one, two] = [modelOf({ type: 'full' }, false), modelOf({ type: 'full' }, true)];
      if (one.device) return;
      const window = windowOf(0);
      const losses = [await gradients(one, window, window.length), await gradients(two, window, f.batch)];
      expect(Math.abs(losses[1]! / losses[0]! - 1)).toBeLessThan(1e-5);
      const largest = one.store.trained.gradient.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      expect(relativeError(two.store.trained.gradient, one.store.trained.gradient, largest)).toBeLessThan(1e-5);
      for (const model of [one, two]) model.dispose();
    },
  );

  test.skipIf(!isThere).each<[string, Strategy, Trained]>([
    ['all of it', { type: 'full' }, f.full],
    ['by LoRA', f.lora, f.lora_trained],
  ])(`20 steps of AdamW follow PyTorch’s, %s`, { timeout: 240_000 }, async (_, strategy, expected) => {
    const model = modelOf(strategy, true);
    if (model.device) return;
    for (const [step, wanted] of expected.losses.entries()) {
      const value = await gradients(model, windowOf(step), f.batch);
      const norm = gradientNorm(model.store);
      adamWStep(model.store, f.settings, learningRate(f.settings, step, expected.losses.length), step + 1, norm);
      expect(Math.abs(value / wanted - 1), `step ${step + 1}: ${value} against ${wanted}`).toBeLessThan(lossTolerance);
      expect(Math.abs(norm / expected.grad_norms[step]! - 1), `norm of step ${step + 1}`).toBeLessThan(
        10 * lossTolerance,
      );
    }
    model.dispose();
  });
});
