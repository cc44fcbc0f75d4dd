import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openModel } from '../../src/engine/model-files/open-model.ts';
import { sentenceTransformerFolderOf } from '../../src/engine/model-files/save-sentence-transformer.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { makeTinyBert, tinyRows } from '../faults/tiny.ts';
import { findPython, runPython } from './python.ts';

const TEXTS = ['the parcel was broken and late', 'a lovely screen', 'it is very very very kind today', 'the'];
const python = findPython();

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-sentence-'));
  await makeTinyBert(join(place, 'tiny'));
  await writeFile(join(place, 'rows.csv'), tinyRows(20));
});
afterAll(() => rm(place, { recursive: true, force: true }));

it.skipIf(!python).each(['mean', 'cls'])(
  'few-shot’s encoder embeds alike in Python’s sentence-transformers, pooling %s (skipped without the peers’ Python)',
  async (pooling) => {
    const strategy = { type: 'few-shot', num_iterations: 1, batch_size: 8, body_learning_rate: 3e-3 };
    const recipe = parseRecipe({ model: 'tiny', dataset: 'rows.csv', strategy, pooling, max_length: 32 });
    const trainer = await createTrainer({ recipe, base: place, note: () => {} });
    while (trainer.step < trainer.totalSteps) await trainer.trainStep();
    const folder = join(place, pooling, 'model');
    await trainer.saveModel(folder);
    trainer.dispose();
    const opened = await openModel(folder, 'onnxruntime');
    const { encodings } = opened.tokenizer.encodeAll(TEXTS, 32);
    const flat = await opened.model.embeddings(encodings);
    const width = opened.model.architecture.hiddenSize;
    opened.dispose();
    const embeddings = TEXTS.map((_, i) => [...flat.subarray(i * width, (i + 1) * width)]);
    const expected = join(place, `${pooling}.json`);
    await writeFile(expected, JSON.stringify({ texts: TEXTS, embeddings }));
    const script = fileURLToPath(new URL('./sentence_transformer.py', import.meta.url));
    const { code, stdout, stderr } = await runPython(python!, [script, sentenceTransformerFolderOf(folder), expected]);
    if (code === 3) return console.warn('sentence-transformers is not installed beside the peers: nothing compared');
    expect(stdout, stderr).toContain('"ok": true');
    expect(code).toBe(0);
  },
  300_000,
);
