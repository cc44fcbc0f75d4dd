import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRecipe, resolveRecipe } from '../../src/engine/recipes/recipe.ts';
import { Checkpoints } from '../../src/engine/runs/checkpoints.ts';
import { hashDataset } from '../../src/engine/runs/data-hash.ts';
import { readsOutside } from '../../src/engine/runs/outside.ts';
import { Control } from '../../src/engine/train/control.ts';
import { estimateRun } from '../../src/engine/train/estimate-run.ts';
import { findRate } from '../../src/engine/train/find-rate.ts';
import { type Outcome, runTraining } from '../../src/engine/train/loop.ts';
import { INITIAL_STATE } from '../../src/engine/train/loop-state.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { Trainer } from '../../src/engine/train/types.ts';
import type { RecipeInput, RunEvent, Strategy } from '../../src/protocol/index.ts';
import { makeTinyBert, tinyRows } from './tiny.ts';

/** Texts of more.csv, of which HELD are held out: two items of each of the others, 8 in a step. */
const TEXTS = 40;
const HELD = 4;
const FIRST = (2 * (TEXTS - HELD)) / 8;
/** 24 training rows of 8 a step, twice. */
const ROWS = 6;
const STRATEGY = {
  ...{ type: 'prompt-tuning', num_virtual_tokens: 6, prompt_tuning_init: 'PRETRAINED' },
  pretraining_dataset: 'more.csv',
};

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-pretraining-'));
  await makeTinyBert(join(place, 'tiny'));
  await writeFile(join(place, 'few.csv'), tinyRows(24));
  const held = tinyRows(HELD, 2).trim().split('\n').slice(1);
  await writeFile(join(place, 'held.csv'), tinyRows(HELD, 2));
  const others = tinyRows(TEXTS - HELD, 3)
    .trim()
    .split('\n')
    .slice(1);
  // Of a held-out text the case is another one; a text stands twice, and a word alone.
  const held_out = held.map((line) => line.split(',')[0]!.toUpperCase());
  const texts = [...others.map((line) => line.split(',')[0]!), ...held_out, others[0]!.split(',')[0]!, 'lovely'];
  await writeFile(join(place, 'more.csv'), `text\n${texts.join('\n')}\n`);
});
afterAll(() => rm(place, { recursive: true, force: true }));

/** @param strategy keys in place of STRATEGY's; one that is undefined is left out */
const recipe = (strategy: object = {}, more: object = {}) =>
  parseRecipe({
    ...{ model: 'tiny', dataset: { train: 'few.csv', validation: 'held.csv' }, max_length: 26, learning_rate: 3e-2 },
    ...{ per_device_train_batch_size: 8, num_train_epochs: 2, ...more },
    strategy: Object.fromEntries(
      Object.entries({ ...STRATEGY, ...strategy }).filter(([, value]) => value !== undefined),
    ),
  } as RecipeInput);

/** Files are named from the folder, as they are when a recipe is loaded. */
const absolute = (given: ReturnType<typeof recipe>) => {
  const { pretraining_dataset: file } = given.strategy;
  const strategy = { ...given.strategy, ...(typeof file === 'string' && { pretraining_dataset: join(place, file) }) };
  return { ...given, strategy: strategy as Strategy };
};

async function start(strategy: object = {}, more: object = {}): Promise<{ trainer: Trainer; told: string[] }> {
  const told: string[] = [];
  const given = absolute(recipe(strategy, more));
  const trainer = await createTrainer({ recipe: given, base: place, note: (_, message) => told.push(message) });
  return { trainer, told };
}

const weightsOf = (one: Trainer) =>
  new Map([...one.state().parameters].map(([name, { data }]) => [name, Float32Array.from(data)]));
const figures = async (one: Trainer) => {
  const { loss, grad_norm, learning_rate, epoch } = await one.trainStep();
  return [loss, grad_norm, learning_rate, epoch];
};

describe('a prompt that is pre-trained on texts without labels', () => {
  it('leaves out what is held out, and tells both parts', async () => {
    const { trainer, told } = await start();
    expect(trainer.totalSteps).toBe(FIRST + ROWS);
    expect(trainer.pretraining).toEqual({ steps: FIRST, rows: TEXTS - HELD, held_out: HELD });
    expect(told.find((note) => note.startsWith('Pre-training:'))).toBe(
      `Pre-training: the prompt first learns from 36 texts of more.csv without labels (left out: 4 held out for validation or test, 1 repeat of others and 1 of a single word) whether the second half of a text goes on from its first: of each text once its own, once another’s, for ${FIRST} steps; the classifier that it learns with is thrown away.`,
    );
    expect(trainer.phaseStarts).toEqual([
      { step: 0, message: 'the prompt is pre-trained on 36 texts without labels.' },
      { step: FIRST, message: 'the pre-trained prompt and a new classifier learn from the training rows.' },
    ]);
    trainer.dispose();
  });

  it('keeps of the first part the prompt alone, and gives the rows an optimiser of their own', async () => {
    const { trainer } = await start();
    const beginning = weightsOf(trainer);
    while (trainer.step < FIRST) await trainer.trainStep();
    const learnt = weightsOf(trainer);
    expect(learnt.get('classifier.weight')).not.toEqual(beginning.get('classifier.weight'));
    // The first step of a warmup has a rate of 0: what it leaves is what the rows begin with.
    const { learning_rate, epoch } = await trainer.trainStep();
    expect([learning_rate, epoch]).toEqual([0, 1 / 3]);
    const rows = weightsOf(trainer);
    expect(rows.get('prompt_embeddings')).toEqual(learnt.get('prompt_embeddings'));
    expect(rows.get('prompt_embeddings')).not.toEqual(beginning.get('prompt_embeddings'));
    expect(rows.get('classifier.weight')).toEqual(beginning.get('classifier.weight'));
    const { moments } = trainer.state();
    const { data: first } = moments.get('prompt_embeddings.exp_avg')!;
    // 0.1 of one gradient, whose norm is clipped to 1: nothing is left of those before.
    expect(Math.hypot(...first)).toBeLessThanOrEqual(0.1 + 1e-6);
    trainer.dispose();
  });

  it.each([
    ['first part', 4],
    ['end of the first part', FIRST],
    ['second part', FIRST + 3],
  ])('resumed in the %s, it has the losses that it would have had, bit for bit', async (_, at) => {
    const { trainer: whole } = await start();
    const expected: number[][] = [];
    while (whole.step < whole.totalSteps) expected.push(await figures(whole));
    const weights = weightsOf(whole);
    const { metrics } = await whole.evaluate('validation');
    whole.dispose();
    const store = new Checkpoints(join(place, `checkpoints-${at}`), 1, 'hash');
    const { trainer: before } = await start();
    while (before.step < at) await before.trainStep();
    await store.save({ ...INITIAL_STATE, step: at }, before.state());
    before.dispose();
    const { trainer: resumed } = await start();
    resumed.restore({ ...(await store.readLatest())!, step: at });
    const rest: number[][] = [];
    while (resumed.step < resumed.totalSteps) rest.push(await figures(resumed));
    expect(rest).toEqual(expected.slice(at));
    expect(weightsOf(resumed)).toEqual(weights);
    expect((await resumed.evaluate('validation')).metrics).toEqual(metrics);
    resumed.dispose();
  });

  /** Runs the loop, and asks something of it at a step. */
  async function looped(name: string, wish: 'stop' | 'cancel' | 'interrupt' | null, at = 0) {
    const { trainer } = await start();
    const control = new Control();
    const events: RunEvent[] = [];
    const folder = join(place, name);
    const outcome: Outcome = await runTraining({
      ...{ trainer, recipe: recipe(), control, checkpoints: new Checkpoints(folder, 1, 'hash') },
      emit: (event) => {
        events.push(event);
        if (wish && event.event === 'step' && event.step === at) void control.ask(wish);
      },
      ...{ record: async () => {}, report: async () => {}, modelFolder: join(folder, 'model') },
    });
    trainer.dispose();
    const steps = (kind: string) => events.flatMap((e) => (e.event === kind && 'step' in e ? [e.step] : []));
    return { outcome, events, steps, isSaved: existsSync(join(folder, 'model')) };
  }

  it('evaluates and chooses weights among the rows’ steps alone, and keeps a checkpoint where they begin', async () => {
    const { outcome, events, steps, isSaved } = await looped('whole', null);
    expect(outcome).toMatchObject({ end: 'done', saved: true });
    expect(isSaved).toBe(true);
    expect(steps('eval')).toEqual([FIRST + 3, FIRST + 6]);
    expect(steps('checkpoint')).toEqual([FIRST, FIRST + 3]);
    const notes = events.flatMap((e) => (e.event === 'note' ? [e.message] : []));
    expect(notes[0]).toBe('From step 1 on, the prompt is pre-trained on 36 texts without labels.');
    const epochs = events.flatMap((e) => (e.event === 'step' ? [e.epoch] : []));
    expect(epochs.slice(0, FIRST)).toEqual(Array(FIRST).fill(0));
    expect(epochs.at(-1)).toBe(2);
  });

  it('stopped in the first part, it writes no model and says so; in the second, one that was evaluated', async () => {
    const early = await looped('early', 'stop', 3);
    expect(early.outcome).toMatchObject({ end: 'stopped', saved: false });
    expect(early.isSaved).toBe(false);
    expect(early.steps('eval')).toEqual([]);
    expect(early.events.flatMap((e) => (e.event === 'note' ? [e.message] : [])).at(-1)).toBe(
      'The run was stopped while the prompt was pre-trained: no row was learnt yet, and there is no model.',
    );
    const late = await looped('late', 'stop', FIRST + 1);
    expect(late.outcome).toMatchObject({ end: 'stopped', saved: true });
    expect(late.steps('eval')).toEqual([FIRST + 1]);
  });

  it('is cancelled, and interrupted with a checkpoint', async () => {
    expect((await looped('cancelled', 'cancel', 3)).outcome.end).toBe('cancelled');
    const interrupted = await looped('interrupted', 'interrupt', 3);
    expect(interrupted.outcome.end).toBe('interrupted');
    expect(interrupted.steps('checkpoint')).toEqual([3]);
  });

  it('is estimated with both parts', async () => {
    const estimated = (strategy: object) =>
      estimateRun({
        recipe: absolute(recipe(strategy)),
        base: place,
        machine: { backend: 'onnxruntime', gflops: 0.01 },
      });
    const both = await estimated({});
    const twice = await estimated({ pretraining_epochs: 2 });
    const { pretraining_dataset: __, ...plain } = { ...STRATEGY, prompt_tuning_init: 'RANDOM' };
    const rows = await estimateRun({
      recipe: { ...recipe(), strategy: plain },
      base: place,
      machine: { backend: 'onnxruntime', gflops: 0.01 },
    });
    expect([rows, both, twice].map(({ total_steps }) => total_steps)).toEqual([ROWS, FIRST + ROWS, 2 * FIRST + ROWS]);
    const added = [both.seconds - rows.seconds, twice.seconds - both.seconds];
    expect(added[0]).toBeGreaterThan(0);
    expect(added[1]).toBeCloseTo(added[0]!, 3);
    expect(both.problems.find(({ code }) => code === 'pretraining')?.message).toMatch(
      /^Pre-training: .* for 9 steps; .* That takes about \d+ (s|min) of the time, and trains 258 of .* parameters, as learning the rows does\.$/,
    );
  });

  it('is left out where a learning rate is looked for', async () => {
    const signal = new AbortController().signal;
    const { points } = await findRate({ recipe: absolute(recipe()), base: place, signal, note: () => {} });
    // The loss of two classes, not the one of pairs, of a classifier of small weights: both begin at log 2.
    expect(points[0]!.step).toBe(1);
    const { trainer } = await start({ prompt_tuning_init: 'RANDOM', pretraining_dataset: undefined });
    expect(points[0]!.loss).toBe((await trainer.trainStep()).loss);
    trainer.dispose();
  });

  it('counts the texts among what a run was made of, and among what it reads outside', async () => {
    const file = join(place, 'hashed.csv');
    await writeFile(file, await readFile(join(place, 'more.csv')));
    const before = await hashDataset(join(place, 'few.csv'), file);
    expect(before).not.toBe(await hashDataset(join(place, 'few.csv')));
    await writeFile(file, 'text\nanother one\n');
    expect(await hashDataset(join(place, 'few.csv'), file)).not.toBe(before);
    const inside = join(place, 'inside');
    const loaded = await resolveRecipe({ ...recipe(), model: 'starters/bert' }, place);
    expect(loaded.recipe.strategy.pretraining_dataset).toBe(join(place, 'more.csv'));
    const outside = await readsOutside(loaded, [inside]);
    expect(outside.map(({ path }) => path.split(/[\\/]/).at(-1))).toContain('more.csv');
  });

  it.each<[string, object, object, object]>([
    ['no file', { pretraining_dataset: undefined }, {}, { key: 'pretraining_dataset', code: 'recipe-invalid' }],
    [
      ...['a file for nothing', { prompt_tuning_init: 'RANDOM' }, {}],
      { key: 'prompt_tuning_init', instead: 'PRETRAINED' },
    ] as [string, object, object, object],
    [
      ...[
        'passes for nothing',
        { prompt_tuning_init: 'RANDOM', pretraining_dataset: undefined, pretraining_epochs: 2 },
      ],
      ...[{}, { key: 'prompt_tuning_init', instead: 'PRETRAINED' }],
    ] as [string, object, object, object],
    [
      ...['a text beside it', { prompt_tuning_init_text: 'Say' }, {}],
      { key: 'prompt_tuning_init', instead: 'TEXT' },
    ] as [string, object, object, object],
    ['a file that is not there', { pretraining_dataset: 'none.csv' }, {}, { code: 'data-unreadable' }],
    [
      ...['texts that are all held out', { pretraining_dataset: 'held.csv' }, {}],
      {
        code: 'data-invalid',
        message: expect.stringContaining('held.csv has no text for pre-training: all 4 rows are held out'),
      },
    ] as [string, object, object, object],
  ])('refuses %s', async (_, strategy, more, error) => {
    await expect(start(strategy, more)).rejects.toMatchObject(error);
  });

  it('refuses too few texts, and a column that is not there', async () => {
    await writeFile(join(place, 'three.csv'), 'text\nthe shop was late\nmy parcel is broken\nit was lovely today\n');
    await expect(start({ pretraining_dataset: 'three.csv' })).rejects.toMatchObject({
      message:
        'three.csv has 3 texts for pre-training, which are too few: a step takes 8 items (per_device_train_batch_size), and there are 6.',
      hint: 'Add texts, set per_device_train_batch_size to 6 or less, or set strategy.prompt_tuning_init to "RANDOM".',
    });
    // Of one text there would be pairs that go on alone, however small the batch.
    await writeFile(join(place, 'one.csv'), 'text\nthe shop was late\nlovely\n');
    await expect(start({ pretraining_dataset: 'one.csv' }, { per_device_train_batch_size: 1 })).rejects.toMatchObject({
      message:
        'one.csv has 1 text for pre-training (left out: 1 of a single word), which is too few: what does not go on from a text is taken from another.',
      hint: 'Add texts, or set strategy.prompt_tuning_init to "RANDOM".',
    });
    await expect(start({}, { columns: { text: 'body', label: 'label' } })).rejects.toThrow(/body/);
    await writeFile(join(place, 'few-body.csv'), tinyRows(24).replace('text,', 'body,'));
    const dataset = { train: 'few-body.csv' };
    await expect(start({}, { dataset, columns: { text: 'body', label: 'label' } })).rejects.toThrow(
      /^Texts for pre-training: .*“?body/,
    );
    await writeFile(join(place, 'empty.csv'), 'text\n""\n');
    await expect(start({ pretraining_dataset: 'empty.csv' })).rejects.toMatchObject({ code: 'data-invalid' });
  });

  it.each([
    [{ task: 'conversational' }, /learns from dialogues/],
    [{ template: 'ask.prompty' }, /has a template/],
  ])('refuses what learns from no plain texts: %o', (more, message) => {
    expect(() => recipe({}, more)).toThrow(message);
  });
});
