import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateModel } from '../../src/engine/infer/evaluate-model.ts';
import { createPredictor } from '../../src/engine/infer/predictor.ts';
import { exportFolderAsOnnx } from '../../src/engine/model-files/export-onnx.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { makeTinyBert } from '../faults/tiny.ts';
import { findPython, runPython } from './python.ts';

const TEXTS = ['the parcel was broken and late', 'a lovely screen', 'it is very very kind today', 'the'];
const python = findPython();
const needsPython = 'in Python skipped without the peers’ Python';
const WORDS = { good: 'lovely', late: 'late', rude: 'rude' };

/** Rows of which each holds any of three labels, or none; the same as values: how many. */
const ROWS = Array.from({ length: 64 }, (_, i) => {
  const labels = Object.keys(WORDS).filter((_, k) => (i >> k) & 1) as (keyof typeof WORDS)[];
  const words = labels.map((label) => WORDS[label]);
  return { text: `the shop was ${words.join(' and ')} today ${'very '.repeat(i % 7)}`, labels, n: labels.length };
});

const KINDS = {
  multi_label_classification: {
    data: ROWS.map(({ text, labels }) => JSON.stringify({ text, labels })).join('\n'),
    keys: {},
  },
  regression: { data: ROWS.map(({ text, n }) => JSON.stringify({ text, score: n + 0.25 })).join('\n'), keys: {} },
};

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('%s', (problem_type) => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-problem-'));
    await makeTinyBert(join(place, 'base'));
    await writeFile(join(place, 'rows.jsonl'), `${KINDS[problem_type].data}\n`);
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  const train = async (run: string, strategy: object): Promise<string> => {
    const keys = { model: 'base', dataset: 'rows.jsonl', problem_type, max_steps: 6, learning_rate: 1e-2 };
    const recipe = parseRecipe({ ...keys, max_length: 24, validation_split: 0.25, strategy });
    const trainer = await createTrainer({ recipe, base: place, note: () => {} });
    while (trainer.step < trainer.totalSteps) await trainer.trainStep();
    expect((await trainer.evaluate('validation')).task).toBe(problem_type);
    const folder = join(place, run);
    await mkdir(folder);
    await trainer.saveModel(join(folder, 'model'));
    trainer.dispose();
    const predictor = await createPredictor(join(folder, 'model'));
    const logits = await predictor.logits(TEXTS);
    const answers = (await predictor.predict(TEXTS)) as unknown as { scores?: object; value?: number }[];
    const width = predictor.labels.length;
    predictor.dispose();
    const expected = {
      texts: TEXTS,
      logits: TEXTS.map((_, i) => [...logits.subarray(width * i, width * (i + 1))]),
      scores: answers.map(({ scores, value }) => scores ?? { LABEL_0: value }),
      model: join(folder, 'model'),
    };
    await writeFile(join(folder, 'expected.json'), JSON.stringify(expected));
    return folder;
  };
  const inPython = async (script: string, ...args: string[]) => {
    if (!python) return;
    const { code, stdout, stderr } = await runPython(python, [
      fileURLToPath(new URL(script, import.meta.url)),
      ...args,
    ]);
    expect(stdout, stderr).toContain('"ok": true');
    expect(code).toBe(0);
  };

  it(`a folder that transformers’ pipeline answers alike from (${needsPython}), as ONNX too`, {
    timeout: 300_000,
  }, async () => {
    const folder = await train('full', { type: 'full' });
    const model = join(folder, 'model');
    const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config).toMatchObject({ problem_type, architectures: ['BertForSequenceClassification'] });
    const own = config.luthier as { threshold?: number };
    if (problem_type === 'multi_label_classification') expect(own.threshold).toBeGreaterThan(0);
    expect((await exportFolderAsOnnx(model)).max_difference).toBeLessThan(1e-5);
    await inPython('./from_pretrained.py', model, join(folder, 'expected.json'));
    const report = await evaluateModel({ model, data: 'rows.jsonl', base: place, split: 'test', note: () => {} });
    expect([report.task, report.n]).toEqual([problem_type, ROWS.length]);
    if (report.task === 'multi_label_classification') expect(report.threshold).toBe(own.threshold);
  });

  it(`with adapters, and with the head alone (${needsPython})`, { timeout: 300_000 }, async () => {
    const folder = await train('lora', { type: 'lora', r: 4, target_modules: ['query', 'value'] });
    await inPython('./from_pretrained_peft.py', join(folder, 'adapter'), join(folder, 'expected.json'));
    await train('head', { type: 'head' });
  });
});
