import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Texts } from '../../protocol/index.ts';
import { appendRows } from '../data/append.ts';
import { makeBertFolder } from '../hub/testing/bert-folder.ts';
import { evaluateModel } from '../infer/evaluate-model.ts';
import { createPredictor } from '../infer/predictor.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { createHostHandlers } from '../service/host/handlers.ts';
import { createTrainer } from './trainer.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier pairs-'));
  await makeBertFolder(join(place, 'base'), { classes: 0 });
  const pairs = ['refund,the invoice,same', 'parcel,is late,other', 'good,very good,same', 'bad,a parcel,other'];
  await writeFile(join(place, 'pairs.csv'), `premise,hypothesis,label\n${pairs.join('\n')}\n`);
  await writeFile(join(place, 'texts.csv'), 'text,label\nrefund,same\nparcel,other\ngood,same\nbad,other\n');
  await train('base', 'pairs.csv', 'pairs');
});
afterAll(() => rm(place, { recursive: true, force: true }));

/** Trains one step, writes the model, and gives what its config says of its inputs. */
async function train(model: string, dataset: string, out: string): Promise<unknown> {
  const trainer = await createTrainer({
    recipe: parseRecipe({ model, dataset, validation_split: 0, per_device_train_batch_size: 2, max_steps: 1 }),
    base: place,
    note: () => undefined,
  });
  await trainer.trainStep();
  await trainer.saveModel(join(place, out));
  trainer.dispose();
  return JSON.parse(await readFile(join(place, out, 'config.json'), 'utf8')).luthier;
}

describe('a model of pairs', () => {
  it('says in its folder what it was trained on, and one trained on from it says its own', async () => {
    const config = JSON.parse(await readFile(join(place, 'pairs', 'config.json'), 'utf8'));
    expect(config.luthier).toEqual({ inputs: ['premise', 'hypothesis'] });
    expect(await train('pairs', 'texts.csv', 'texts')).toEqual({ inputs: ['text'] });
  });

  it('answers pairs, and never half of one', async () => {
    const predictor = await createPredictor(join(place, 'pairs'));
    const [answer] = await predictor.predict([{ text: 'refund', text_pair: 'the invoice' }]);
    expect(answer).toMatchObject({ text: 'refund', text_pair: 'the invoice' });
    await expect(predictor.predict(['refund'])).rejects.toMatchObject({
      code: 'usage',
      message: 'This model was trained on pairs of texts (“premise” and “hypothesis”), and only one was given.',
      hint: expect.stringContaining('--text A --text-pair B'),
    });
    await expect(predictor.predict([{ text: 'a', text_pair: 'b' }, { text: 'refund' }])).rejects.toThrow(
      'text 2 of 2 has no second',
    );
    predictor.dispose();
    const single = await createPredictor(join(place, 'texts'));
    await expect(single.predict([{ text: 'a', text_pair: 'b' }])).rejects.toThrow('trained on single texts');
    expect(await single.predict(['a'])).toHaveLength(1);
    single.dispose();
  });

  it('answers pairs for the editor, and refuses halves', async () => {
    const ask = async (model: string, texts: (string | Texts)[]) =>
      createHostHandlers(join(place, model), () => undefined).predict({ model, texts }, new AbortController().signal);
    const pair = { text: 'refund', text_pair: 'the invoice' };
    expect(await ask('pairs', [pair])).toMatchObject([pair]);
    await expect(ask('pairs', ['refund'])).rejects.toThrow('trained on pairs of texts');
    await expect(ask('texts', [pair])).rejects.toThrow('trained on single texts');
  });

  it('is measured on both columns', async () => {
    const measure = (data: string, columns = {}) =>
      evaluateModel({ model: join(place, 'pairs'), data, base: place, columns, split: 'test', note: () => undefined });
    expect((await measure('pairs.csv')).n).toBe(4);
    await expect(measure('texts.csv')).rejects.toThrow('texts.csv has no column for the second');
    await writeFile(join(place, 'odd.csv'), 'a,b,label\nrefund,the invoice,same\n');
    await expect(measure('odd.csv')).rejects.toMatchObject({ hint: expect.stringContaining('--text-pair-column') });
    expect((await measure('odd.csv', { text: 'a', text_pair: 'b' })).n).toBe(1);
  });

  it('gets corrected rows with both texts', async () => {
    const data = join(place, 'added.csv');
    await writeFile(data, 'premise,hypothesis,label\nrefund,the invoice,same\nparcel,is late,other\n');
    const columns = {};
    await appendRows({ data, columns, rows: [{ text: 'good', text_pair: 'very good', label: 'same' }] });
    expect((await readFile(data, 'utf8')).split('\n').at(-2)).toBe('good,very good,same');
    await expect(appendRows({ data, columns, rows: [{ text: 'good', label: 'same' }] })).rejects.toMatchObject({
      message: 'Rows of added.csv have two texts (“premise” and “hypothesis”), but the new row has only one.',
    });
    const single = join(place, 'single.csv');
    await writeFile(single, 'text,label\nrefund,same\nparcel,other\n');
    const pair = { text: 'good', text_pair: 'very good', label: 'same' };
    await expect(appendRows({ data: single, columns, rows: [pair] })).rejects.toThrow(
      'Rows of single.csv have one text, but the new row has two.',
    );
  });
});
