import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDataset } from '../data/dataset.ts';
import type { Example } from '../data/types.ts';
import { createPredictor } from '../infer/predictor.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { taskNamed } from '../tasks/registry.ts';
import { estimateRun } from './estimate-run.ts';
import { createTrainer } from './trainer.ts';

const TICKETS = fileURLToPath(new URL('../../../examples/tickets.csv', import.meta.url));
const OF_EACH = 4;
const CLASSES = [
  'account_access',
  'billing',
  'bug_report',
  'cancellation',
  'feature_request',
  'how_to',
  'refund',
  'shipping',
];
const head = { type: 'head', solver: 'lbfgs' };
const label_templates = ['This sentence is {}', '{}'];

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier names '));
  const { train, labels } = await loadDataset(taskNamed('text-classification'), TICKETS, {
    ...{ base: place, columns: {}, validation_split: 0, seed: 1 },
  });
  const rows = train as Example[];
  const few = labels.flatMap((_, k) => rows.filter(({ label }) => label === k).slice(0, OF_EACH));
  const lines = few.map(({ text, label }) => JSON.stringify({ text, label: labels[label] }));
  await writeFile(join(place, 'few.jsonl'), `${lines.join('\n')}\n`);
});
afterAll(() => rm(place, { recursive: true, force: true }));

const recipe = (strategy: object, more: object = {}) =>
  parseRecipe({ model: 'starters/bert', dataset: 'few.jsonl', validation_split: 0, strategy, ...more });

const machine = { backend: 'onnxruntime', gflops: 10 } as const;

describe('rows of the labels’ names', () => {
  it('are learnt beside the tickets’ own, and counted nowhere', { timeout: 120_000 }, async () => {
    const namesRight = async (strategy: object) => {
      const notes: string[] = [];
      const note = (_: string, message: string) => notes.push(message);
      const trainer = await createTrainer({ recipe: recipe(strategy), base: place, note });
      await trainer.trainStep();
      expect(trainer.numTrainRows).toBe(32);
      expect(trainer.labelCounts).toEqual(CLASSES.map(() => OF_EACH));
      expect(trainer.solved).toMatchObject({ rows: 32, validated_rows: 32, folds: 5 });
      expect(trainer.solved!.label_rows).toBe('label_templates' in strategy ? 16 : undefined);
      expect(notes.join('\n')).toContain('cross-validation on 32 training rows');
      const folder = join(place, `model-${Object.keys(strategy).length}`);
      await trainer.saveModel(folder);
      trainer.dispose();
      const predictor = await createPredictor(folder);
      const answers = await predictor.predict(CLASSES.map((name) => `This sentence is ${name.replace('_', ' ')}`));
      predictor.dispose();
      const right = answers.filter((answer, k) => 'label' in answer && answer.label === CLASSES[k]).length;
      return { right, said: notes.filter((message) => message.startsWith('label_templates')) };
    };
    const without = await namesRight(head);
    expect(without.said).toEqual([]);
    expect(without.right).toBeLessThan(8);
    const names = await namesRight({ ...head, label_templates });
    expect(names.right).toBe(8);
    expect(names.said).toEqual([
      'label_templates: 16 rows made of the labels’ names are learnt beside the 32 training rows: “This sentence is account access”, “account access”, “This sentence is billing”, “billing”, …. They count as rows nowhere else: not in validation, nor in what is shown of the data.',
    ]);
  });

  it('stand in the summary before a run, and pairs are drawn of them', { timeout: 60_000 }, async () => {
    const told = async (strategy: object) => estimateRun({ recipe: recipe(strategy), base: place, machine });
    const pairs = { type: 'few-shot', num_iterations: 2 };
    const [plain, named] = [await told(pairs), await told({ ...pairs, label_templates })];
    // Each of 32 and of 48 rows twice, 16 in a step.
    expect([plain.total_steps, named.total_steps]).toEqual([4, 6]);
    expect([plain.rows, named.rows]).toEqual([32, 32]);
    expect(named.classes).toEqual(plain.classes);
    expect(plain.problems.find(({ code }) => code === 'label-templates')).toBeUndefined();
    expect(named.problems.find(({ code }) => code === 'label-templates')).toMatchObject({
      severity: 'info',
      message: expect.stringContaining('16 rows made of the labels’ names'),
    });
    expect(named.problems.find(({ code }) => code === 'pairs')!.message).toContain(
      '32 training rows and 16 rows of the labels’ names, 16 in each of 6 steps',
    );
  });

  it('are made of labels that say something; what is left out is said', { timeout: 60_000 }, async () => {
    const told = async (labels: string[]) => {
      const rows = labels.flatMap((label) =>
        ['one', 'another'].map((text) => JSON.stringify({ text: `${text} of ${label}`, label })),
      );
      await writeFile(join(place, 'odd.jsonl'), `${rows.join('\n')}\n`);
      const { problems } = await estimateRun({
        recipe: recipe({ ...head, label_templates }, { dataset: 'odd.jsonl' }),
        ...{ base: place, machine },
      });
      return problems.find(({ code }) => code === 'label-templates');
    };
    expect(await told(['spam', 'LABEL_2', '0'])).toMatchObject({
      severity: 'warning',
      message: expect.stringMatching(
        /^label_templates: 2 rows made .* The labels “0” and “LABEL_2” say nothing: no rows are made of them\.$/,
      ),
    });
    expect(await told(['0', '1'])).toMatchObject({
      severity: 'warning',
      message: 'label_templates: the labels “0” and “1” say nothing, so that no rows are made of their names.',
    });
  });

  it('are not made for pairs of texts', async () => {
    const rows = ['same', 'other'].flatMap((label) => [`a,b,${label}`, `c,d,${label}`]);
    await writeFile(join(place, 'pairs.csv'), `premise,hypothesis,label\n${rows.join('\n')}\n`);
    const made = createTrainer({
      recipe: recipe({ ...head, label_templates }, { dataset: 'pairs.csv' }),
      ...{ base: place, note: () => undefined },
    });
    await expect(made).rejects.toMatchObject({
      code: 'recipe-invalid',
      message: expect.stringContaining('rows here are pairs of texts (“premise” and “hypothesis”)'),
    });
  });

  it('of several labels are one label each', { timeout: 60_000 }, async () => {
    const rows = ['late|billing', 'late', 'billing', 'late|refund', 'refund', 'billing|refund'];
    await writeFile(
      join(place, 'several.csv'),
      `text,label\n${rows.map((label, i) => `text ${i},${label}`).join('\n')}\n`,
    );
    const several = { problem_type: 'multi_label_classification', label_separator: '|', dataset: 'several.csv' };
    const trainer = await createTrainer({
      recipe: recipe({ ...head, label_templates: ['{}'] }, several),
      ...{ base: place, note: () => undefined },
    });
    await trainer.trainStep();
    expect(trainer.solved).toMatchObject({ rows: 6, validated_rows: 6 });
    const folder = join(place, 'several');
    await trainer.saveModel(folder);
    trainer.dispose();
    const predictor = await createPredictor(folder);
    const answers = await predictor.predict(['billing', 'late', 'refund']);
    predictor.dispose();
    expect(
      answers.map((answer) => 'scores' in answer && Object.entries(answer.scores!).sort((a, b) => b[1] - a[1])[0]![0]),
    ).toEqual(['billing', 'late', 'refund']);
  });
});
