import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parseRecipe } from '../recipes/recipe.ts';
import type { TaskModel } from '../runtime/model.ts';
import { createTrainer } from '../train/trainer.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier save '));
  const rows = Array.from({ length: 8 }, (_, i) => JSON.stringify({ text: `ticket ${i}`, label: i % 2 ? 'a' : 'b' }));
  await writeFile(join(place, 'rows.jsonl'), `${rows.join('\n')}\n`);
});
afterAll(() => rm(place, { recursive: true, force: true }));

it('a model that answers otherwise than it was trained to is no model', { timeout: 120_000 }, async () => {
  const strategy = { type: 'lora', r: 2, lora_alpha: 4 };
  const recipe = parseRecipe({ model: 'starters/bert', dataset: 'rows.jsonl', validation_split: 0.25, strategy });
  const trainer = await createTrainer({ recipe, base: place, note: () => {} });
  try {
    await trainer.trainStep();
    await trainer.saveModel(join(place, 'as trained'));
    const { model } = trainer as unknown as { model: TaskModel };
    const logits = model.logits.bind(model);
    for (const off of [0.01, Number.NaN]) {
      // The first of the answers; those that follow are right.
      vi.spyOn(model, 'logits').mockImplementationOnce(async (items) => {
        const all = await logits(items);
        all[0]! += off;
        return all;
      });
      await expect(trainer.saveModel(join(place, 'otherwise'))).rejects.toMatchObject({
        code: 'export-mismatch',
        message: expect.stringMatching(/the saved model's logits differ by (1\.00e-2|NaN) from the trained model's/),
      });
    }
  } finally {
    trainer.dispose();
  }
});
