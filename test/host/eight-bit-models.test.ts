import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareIn8Bit } from '../../src/engine/model-files/compare-in-8-bit.ts';
import { eightBitOf } from '../../src/engine/model-files/eight-bit.ts';
import { type OpenModel, openModel } from '../../src/engine/model-files/open-model.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { requireTask } from '../../src/engine/tasks/registry.ts';
import { createOnnxRuntimeExecutor } from '../../src/engine/tensor/executors/onnxruntime.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const executor = await createOnnxRuntimeExecutor();
const isFast = await executor.isFastIn8Bit!();
executor.dispose();

const rows = Array.from(
  readFileSync(join(root, 'examples/tickets.csv'), 'utf8').matchAll(/^\d+,("(?:[^"]|"")*"|[^"\n]*),(\w+)$/gm),
  ([, text = '', label = '']) => ({ text: text.replace(/^"|"$/g, '').replaceAll('""', '"'), label }),
);
const [seen, compared] = [rows.filter((_, i) => i % 4 < 2), rows.filter((_, i) => i % 4 === 2)];

/** The starter, trained on tickets of the examples. */
describe.skipIf(!isFast)('a real model, on a processor that has fast products in 8 bits', () => {
  let place: string;
  let open: OpenModel;
  const told: string[] = [];
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-8bit-model-'));
    for (const [name, part] of Object.entries({ seen, compared }))
      writeFileSync(join(place, `${name}.jsonl`), part.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const trainer = await createTrainer({
      recipe: parseRecipe({
        model: join(root, 'starters/bert'),
        dataset: { train: 'seen.jsonl', validation: 'compared.jsonl' },
        ...{ learning_rate: 2e-4, num_train_epochs: 2, per_device_train_batch_size: 16, max_length: 64 },
        ...{ predict_in_8bit: true, backend: 'onnxruntime' },
      }),
      base: place,
      note: (level, message) => told.push(`${level}: ${message}`),
    });
    while (trainer.step < trainer.totalSteps) await trainer.trainStep();
    await trainer.saveModel(join(place, 'model'));
    trainer.dispose();
    open = await openModel(join(place, 'model'), 'onnxruntime');
  }, 300_000);
  afterAll(async () => {
    open?.dispose();
    await rm(place, { recursive: true, force: true });
  });
  const compare = async () => {
    const task = requireTask(open.task, open.path);
    const itemsOf = (part: typeof rows) =>
      task
        .prepare(
          part.map(({ text }) => text),
          open.tokenizer,
          64,
        )
        .map((item, i) => ({ ...item, labels: Int32Array.of(open.labels.indexOf(part[i]!.label)) }));
    const options = { labels: open.labels, settings: {}, compared: itemsOf(compared), seen: itemsOf(seen) };
    return compareIn8Bit(open.model, task.compare!, options);
  };

  it('answers in 8 bits as in float, within the bounds', async () => {
    expect(compared.length).toBe(173);
    expect(told.join('\n')).toMatch(
      /info: Predictions are computed with (weights|\d+ of 36 linear layers) in 8 bits: on 173 /,
    );
    const check = eightBitOf(open.config)!;
    expect(check).toMatchObject({ used: true, rows: 173, of_layers: 36 });
    expect(check.rows_changed).toBeLessThanOrEqual(1);
    expect(check.largest_difference).toBeLessThanOrEqual(0.05);
    expect(check.layers).toBeGreaterThanOrEqual(18);
  });

  it('does not if each output has one weight that is far larger than its others, and then stays in float', {
    timeout: 300_000,
  }, async () => {
    for (const name of open.model.inputGroups().flat()) {
      const { data, inputs, outputs } = open.model.linearWeight(name);
      for (let n = 0; n < outputs; n++) data[n * inputs + ((31 * n) % inputs)]! *= 60;
    }
    const { check } = await compare();
    expect(check.used).toBe(false);
    expect(check.largest_difference).toBeGreaterThan(0.05);
  });
});
