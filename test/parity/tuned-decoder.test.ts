import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDataset } from '../../src/engine/data/dataset.ts';
import { openWriter } from '../../src/engine/infer/writer.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { taskFor } from '../../src/engine/tasks/registry.ts';
import { Tokenizer } from '../../src/engine/text/tokenizer.ts';
import { encodePart } from '../../src/engine/train/encode.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { findPython, runPython } from './python.ts';

const inProject = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const python = findPython();
/** A folder of SmolLM2-135M-Instruct may be named too. */
const models = [inProject('starters/decoder'), process.env.LUTHIER_SMOLLM2].filter((it) => it !== undefined);
const NEW_TOKENS = 24;
const PROMPTS = 3;

describe.skipIf(!python)('a tuned decoder in PyTorch (skipped without the peers’ Python)', () => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-tuned-'));
    const lines = (await readFile(inProject('examples/support.jsonl'), 'utf8')).trim().split('\n');
    await writeFile(join(place, 'train.jsonl'), lines.slice(0, 40).join('\n'));
    await writeFile(join(place, 'validation.jsonl'), lines.slice(40, 60).join('\n'));
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  it.each(models)('%s: the same perplexity and the same greedy answers', { timeout: 600_000 }, async (model) => {
    const recipe = parseRecipe({
      ...{ task: 'conversational', model, dataset: { train: 'train.jsonl', validation: 'validation.jsonl' } },
      ...{ strategy: { type: 'lora', r: 8, lora_alpha: 16, target_modules: ['q_proj', 'v_proj'] } },
      ...{ max_steps: 4, per_device_train_batch_size: 4, max_length: 256, learning_rate: 2e-3, warmup_steps: 0 },
    });
    const trainer = await createTrainer({ recipe, base: place, note: () => {} });
    while (trainer.step < trainer.totalSteps) await trainer.trainStep();
    const { metrics } = await trainer.evaluate('validation');
    const { perplexity } = metrics as { perplexity?: number };
    const folder = join(place, 'run/model');
    await trainer.saveModel(folder);
    trainer.dispose();

    const task = taskFor(recipe);
    const dataset = await loadDataset(task, recipe.dataset, { base: place, ...recipe });
    const tokenizer = await Tokenizer.load(folder);
    const { items } = encodePart(task, dataset, 'validation', tokenizer, recipe.max_length);
    const writer = await openWriter(folder);
    const prompts = items.slice(0, PROMPTS).map(({ ids, labels }) => {
      // Up to the first answer.
      const first = labels.findIndex((label) => label >= 0);
      return ids.slice(0, first + 1);
    });
    const written: number[][] = [];
    for (const prompt of prompts)
      written.push((await writer.write(prompt, { settings: { max_new_tokens: NEW_TOKENS } })).token_ids);
    writer.dispose();

    const given = {
      items: items.map(({ ids, labels }) => ({ ids: [...ids], labels: [...labels] })),
      prompts: prompts.map((ids) => [...ids]),
      new_tokens: NEW_TOKENS,
    };
    await writeFile(join(place, 'given.json'), JSON.stringify(given));
    const script = inProject('test/parity/tuned_decoder.py');
    const { code, stdout, stderr } = await runPython(python!, [script, folder, join(place, 'given.json')]);
    expect(code, stderr).toBe(0);
    const theirs = JSON.parse(stdout.trim().split('\n').at(-1)!) as { loss: number; written: number[][] };
    expect(Math.abs(perplexity! / Math.exp(theirs.loss) - 1)).toBeLessThan(0.002);
    expect(written).toEqual(theirs.written);
  });
});
