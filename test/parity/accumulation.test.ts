import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { Recipe } from '../../src/protocol/index.ts';
import { makeTinyBert, tinyRows } from '../faults/tiny.ts';

const root = mkdtempSync(path.join(tmpdir(), 'luthier-accumulation-'));
afterAll(() => rmSync(root, { recursive: true }));
const model = path.join(root, 'tiny');
const dataset = path.join(root, 'rows.csv');

beforeAll(async () => {
  await makeTinyBert(model);
  // Each micro-batch has masks of its own, so with dropout they would not be comparable.
  const file = path.join(model, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...config, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 }));
  // Of 2 to 9 words each, and 37 of them: the last step of an epoch is a short one.
  writeFileSync(dataset, tinyRows(37));
});

async function train(recipe: Partial<Recipe>) {
  const trainer = await createTrainer({
    recipe: parseRecipe({ model, dataset, validation_split: 0, learning_rate: 1e-3, seed: 5, ...recipe }),
    base: root,
    note: () => {},
  });
  const losses: number[] = [];
  const norms: number[] = [];
  for (let i = 0; i < 7; i++) {
    const { loss, grad_norm } = await trainer.trainStep();
    losses.push(loss);
    norms.push(grad_norm);
  }
  await trainer.collect();
  const weights = [...trainer.state().parameters.values()].flatMap(({ data }) => [...data]);
  trainer.dispose();
  return { losses, norms, weights };
}

const largest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
const apart = (a: readonly number[], b: readonly number[]) => largest(a.map((x, i) => x - b[i]!)) / largest(a);

describe('gradient accumulation', () => {
  it.each([
    [4, 4],
    [1, 16],
    [5, 3],
  ])(
    '%i rows × %i is the larger batch, also with uneven numbers of tokens and a short last batch',
    async (batch, times) => {
      const whole = await train({ per_device_train_batch_size: batch * times });
      const parts = await train({ per_device_train_batch_size: batch, gradient_accumulation_steps: times });
      expect(apart(whole.losses, parts.losses)).toBeLessThan(1e-5);
      expect(apart(whole.norms, parts.norms)).toBeLessThan(1e-5);
      // AdamW divides by the root of squares: where a gradient is all but 0, rounding moves a weight by a share of the rate.
      expect(apart(whole.weights, parts.weights)).toBeLessThan(1e-4);
    },
  );
});
