import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SafetensorsFile } from '../../src/engine/hub/safetensors.ts';
import { createPredictor } from '../../src/engine/infer/predictor.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { Checkpoints } from '../../src/engine/runs/checkpoints.ts';
import { Control } from '../../src/engine/train/control.ts';
import { runTraining } from '../../src/engine/train/loop.ts';
import { INITIAL_STATE } from '../../src/engine/train/loop-state.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { Trainer } from '../../src/engine/train/types.ts';
import type { RunEvent } from '../../src/protocol/index.ts';
import { makeTinyBert, tinyRows } from './tiny.ts';

/** 20 rows for training, 8 in a step, each of them 4 times: 10 steps. */
const STRATEGY = { type: 'few-shot', num_iterations: 4, batch_size: 8, body_learning_rate: 3e-3 };
const STEPS = 10;
const notes: string[] = [];

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-few-shot-'));
  await makeTinyBert(join(place, 'tiny'));
  await writeFile(join(place, 'few.csv'), tinyRows(20));
  await writeFile(join(place, 'more.csv'), tinyRows(60, 2));
});
afterAll(() => rm(place, { recursive: true, force: true }));

const recipe = (more: Record<string, unknown> = {}) =>
  parseRecipe({
    ...{ model: 'tiny', dataset: { train: 'few.csv', validation: 'more.csv' }, max_length: 32, seed: 3 },
    ...{ strategy: STRATEGY, ...more },
  });

const start = (more: Record<string, unknown> = {}): Promise<Trainer> =>
  createTrainer({ recipe: recipe(more), base: place, note: (_, message) => notes.push(message) });

async function finish(
  one: Trainer,
): Promise<{ losses: number[]; accuracy: number | undefined; loss: number | undefined }> {
  const losses: number[] = [];
  while (one.step < one.totalSteps) losses.push((await one.trainStep()).loss);
  const { metrics } = await one.evaluate('validation');
  const { accuracy, loss } = metrics as { accuracy?: number; loss?: number };
  return { losses, accuracy, loss };
}

it.each([
  [
    'rows',
    {},
    STEPS,
    '20 training rows, 8 in each of 10 steps; every two of a step are compared (120 pairs of the same class and 160 pairs of different ones in all)',
  ],
  [
    'rows and the labels’ names',
    { label_templates: ['a {}', '{}'] },
    STEPS + 2,
    '20 training rows and 4 rows of the labels’ names, 8 in each of 12 steps; every two of a step are compared (144 pairs of the same class and 192 pairs of different ones in all)',
  ],
])(
  'learns from pairs of %s, says so, and resumed has the losses and the classifier that it would have had',
  async (_, keys, steps, said) => {
    notes.length = 0;
    const more = { strategy: { ...STRATEGY, ...keys } };
    const whole = await start(more);
    expect(whole.totalSteps).toBe(steps);
    expect(whole.lossOf).toBe('pairs');
    expect(notes.find((note) => note.startsWith('few-shot:'))).toContain(said);
    // The person's rows alone.
    expect([whole.numTrainRows, whole.labelCounts]).toEqual([20, [10, 10]]);
    const expected = await finish(whole);
    whole.dispose();
    // Two classes that a few words tell apart; their names are unknown to the tiny model, and both read alike.
    if (!('label_templates' in keys)) expect(expected.losses.at(-1)!).toBeLessThan(expected.losses[0]!);
    expect(expected.accuracy).toBeGreaterThan(0.8);

    const store = new Checkpoints(await mkdtemp(join(place, 'checkpoints-')), 1, 'hash');
    const first = await start(more);
    const losses: number[] = [];
    while (first.step < 4) losses.push((await first.trainStep()).loss);
    // What an evaluation in between solves changes nothing of what follows.
    await first.evaluate('validation');
    await store.save({ ...INITIAL_STATE, step: 4 }, first.state());
    first.dispose();
    const second = await start(more);
    const checkpoint = (await store.readLatest())!;
    second.restore({ ...checkpoint, step: 4 });
    const rest = await finish(second);
    second.dispose();
    expect([...losses, ...rest.losses]).toEqual(expected.losses);
    expect({ ...rest, losses: [] }).toEqual({ ...expected, losses: [] });
  },
);

it('stopped among its pairs, it solves the classifier, and writes an ordinary model and the encoder by itself', async () => {
  const one = await start();
  const control = new Control();
  const events: RunEvent[] = [];
  const folder = join(place, 'run', 'model');
  const outcome = await runTraining({
    ...{ trainer: one, recipe: recipe(), control, checkpoints: new Checkpoints(join(place, 'run'), 1, 'hash') },
    emit: (event) => {
      events.push(event);
      if (event.event === 'step' && event.step === 3) void control.ask('stop');
    },
    ...{ record: async () => {}, report: async () => {}, modelFolder: folder },
  });
  expect(outcome).toMatchObject({ end: 'stopped', saved: true });
  const evaluation = events.find(({ event }) => event === 'eval');
  expect(evaluation).toMatchObject({ step: 3, best: true });

  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  expect(config).toMatchObject({ architectures: ['BertForSequenceClassification'], num_hidden_layers: 3 });
  const predictor = await createPredictor(folder);
  const [good, bad] = await predictor.predict(['the room was lovely and great', 'a broken, dirty parcel']);
  expect([good, bad]).toMatchObject([{ label: expect.any(String) }, { label: expect.any(String) }]);
  predictor.dispose();

  const encoder = join(place, 'run', 'sentence-transformer');
  const read = async (file: string) => JSON.parse(await readFile(join(encoder, file), 'utf8')) as unknown;
  expect(await read('config.json')).toMatchObject({ architectures: ['BertModel'], num_hidden_layers: 2 });
  expect(await read('config.json')).not.toHaveProperty('luthier');
  expect(await read('modules.json')).toMatchObject([{ path: '' }, { path: '1_Pooling' }]);
  expect(await read('1_Pooling/config.json')).toMatchObject({
    ...{ word_embedding_dimension: 32, pooling_mode_mean_tokens: true, pooling_mode_cls_token: false },
  });
  expect(await read('sentence_bert_config.json')).toMatchObject({ max_seq_length: 32 });
  const weights = await SafetensorsFile.open(join(encoder, 'model.safetensors'));
  const names = [...weights.tensors.keys()];
  await weights.close();
  expect(names.some((name) => name.startsWith('encoder.layer.1.'))).toBe(true);
  expect(names.filter((name) => /^bert\.|layer\.2\.|classifier/.test(name))).toEqual([]);
  one.dispose();
});

it('refuses what cannot be compared, before the first step', async () => {
  await writeFile(join(place, 'lone.csv'), 'text,label\nfine,good\nawful,bad\nit is,neither\n');
  await expect(start({ dataset: { train: 'lone.csv' }, validation_split: 0 })).rejects.toThrow(
    /no class has two training rows/,
  );
  await expect(start({ pooling: 'pooler' })).rejects.toThrow(/teaches the encoder’s embeddings/);
});
