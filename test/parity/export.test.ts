import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPredictor, type Predictor } from '../../src/engine/infer/predictor.ts';
import { exportFolderAsOnnx } from '../../src/engine/model-files/export-onnx.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { makeTinyBert, tinyRows } from '../faults/tiny.ts';
import { findPython, runPython } from './python.ts';

const TEXTS = ['the parcel was broken and late', 'a lovely screen', 'it is very very very kind today', 'the'];
const python = findPython();
// Installed by `npm test` alone (test/package.json).
const transformers = fileURLToPath(new URL('../node_modules/@huggingface/transformers/package.json', import.meta.url));
const labels = (predictor: Predictor) => Object.fromEntries(predictor.labels.map((label, i) => [String(i), label]));

describe('a trained model, as others load it', () => {
  let place: string;
  let model: string;
  let predictor: Predictor;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-export-'));
    model = join(place, 'model');
    await makeTinyBert(join(place, 'tiny'));
    await writeFile(join(place, 'rows.csv'), tinyRows(80));
    const recipe = parseRecipe({
      model: 'tiny',
      dataset: 'rows.csv',
      learning_rate: 1e-2,
      max_steps: 8,
      max_length: 32,
    });
    const trainer = await createTrainer({ recipe, base: place, note: () => {} });
    while (trainer.step < trainer.totalSteps) await trainer.trainStep();
    await trainer.saveModel(model);
    trainer.dispose();
    predictor = await createPredictor(model);
  });
  afterAll(async () => {
    predictor.dispose();
    await rm(place, { recursive: true, force: true });
  });

  it.skipIf(!python)(
    'answers alike in Python’s AutoModelForSequenceClassification (skipped without the peers’ Python)',
    async () => {
      const logits = await predictor.logits(TEXTS);
      const rows = TEXTS.map((_, i) => [
        ...logits.subarray(i * predictor.labels.length, (i + 1) * predictor.labels.length),
      ]);
      const expected = join(place, 'expected.json');
      await writeFile(expected, JSON.stringify({ texts: TEXTS, logits: rows, id2label: labels(predictor) }));
      const script = fileURLToPath(new URL('./from_pretrained.py', import.meta.url));
      const { code, stdout, stderr } = await runPython(python!, [script, model, expected]);
      expect(stdout, stderr).toContain('"ok": true');
      expect(code).toBe(0);
    },
    300_000,
  );

  it.skipIf(!existsSync(transformers))(
    'answers alike as ONNX in transformers.js’s pipeline (skipped where test/node_modules is not installed)',
    async () => {
      const { max_difference, bytes } = await exportFolderAsOnnx(model);
      expect(max_difference).toBeLessThan(1e-5);
      expect((await readFile(join(model, 'onnx', 'model.onnx'))).byteLength).toBe(bytes);
      const entry = createRequire(transformers).resolve('@huggingface/transformers');
      const { pipeline, env } = (await import(pathToFileURL(entry).href)) as {
        pipeline: (
          task: string,
          model: string,
          options: object,
        ) => Promise<(texts: string[], options: object) => Promise<unknown>>;
        env: Record<string, unknown>;
      };
      Object.assign(env, { allowRemoteModels: false, localModelPath: place });
      const classify = await pipeline('text-classification', 'model', { dtype: 'fp32', device: 'cpu' });
      // Padded together and one by one: neither may change an answer.
      const answers = (await classify(TEXTS, { top_k: null })) as { label: string; score: number }[][];
      for (const [i, { scores }] of (await predictor.predict(TEXTS)).entries()) {
        expect(answers[i]!.length).toBe(predictor.labels.length);
        for (const { label, score } of answers[i]!) expect(score).toBeCloseTo(scores[label]!, 5);
      }
    },
    120_000,
  );
});
