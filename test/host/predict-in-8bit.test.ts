import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EIGHT_BIT_FILE } from '../../src/engine/hub/model-folder.ts';
import { writeSafetensors } from '../../src/engine/hub/safetensors.ts';
import { evaluateModel } from '../../src/engine/infer/evaluate-model.ts';
import { createPredictor, predictorOf } from '../../src/engine/infer/predictor.ts';
import { eightBitOf, keepEightBit, predictionsOf } from '../../src/engine/model-files/eight-bit.ts';
import { readRoundings } from '../../src/engine/model-files/eight-bit-file.ts';
import { openModel } from '../../src/engine/model-files/open-model.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import type { Roundings } from '../../src/engine/runtime/programs.ts';
import { createHostHandlers } from '../../src/engine/service/host/handlers.ts';
import { createOnnxRuntimeExecutor } from '../../src/engine/tensor/executors/onnxruntime.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { formatSignificant } from '../../src/protocol/figures.ts';
import type { RecipeInput } from '../../src/protocol/index.ts';
import { makeTinyBert, tinyRows } from '../faults/tiny.ts';

const TEXTS = ['the parcel was broken and late', 'a lovely screen', 'it is very very kind today', 'the'];
const executor = await createOnnxRuntimeExecutor();
const isFast = await executor.isFastIn8Bit!();
executor.dispose();

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-8bit-'));
  await makeTinyBert(join(place, 'tiny'));
  await writeFile(join(place, 'rows.csv'), tinyRows(80));
  await writeFile(join(place, 'texts.txt'), `${TEXTS.join('\n')}\n`);
});
afterAll(() => rm(place, { recursive: true, force: true }));

/** Trains a few steps, writes the model, and gives what was said meanwhile. */
async function train(out: string, more: Partial<RecipeInput>): Promise<string> {
  const keys = { model: 'tiny', dataset: 'rows.csv', max_steps: 6, max_length: 32, learning_rate: 3e-3 };
  const told: string[] = [];
  const trainer = await createTrainer({
    recipe: parseRecipe({ ...keys, validation_split: 0.25, backend: 'onnxruntime', ...more }),
    base: place,
    note: (level, message) => told.push(`${level}: ${message}`),
  });
  while (trainer.step < trainer.totalSteps) await trainer.trainStep();
  await trainer.saveModel(join(place, out));
  trainer.dispose();
  return told.join('\n');
}

const checkIn = async (model: string) =>
  eightBitOf(JSON.parse(await readFile(join(place, model, 'config.json'), 'utf8')));

describe.skipIf(!isFast)('predictions in 8 bits, on a processor that has fast products of them', () => {
  let told: string;
  beforeAll(async () => {
    told = await train('narrow', { predict_in_8bit: true });
  });

  it('are compared with float ones on the validation rows when the model is written, which says what was found', async () => {
    const check = (await checkIn('narrow'))!;
    expect(check).toMatchObject({ used: true, rows: 20, layers: 12, of_layers: 12 });
    expect(check.largest_difference).toBeGreaterThan(0);
    expect(told).toContain(`info: Predictions are computed with weights in 8 bits: on 20 validation rows, `);
    expect(told).toContain(`differ by at most ${formatSignificant(100 * check.largest_difference)} percentage points.`);
  });

  it('are near float ones and not the same, each text’s whatever else is asked with it', async () => {
    const open = await openModel(join(place, 'narrow'), 'onnxruntime');
    const { eightBit, said } = await predictionsOf(open);
    expect(said).toMatch(/^Computed with weights in 8 bits: on 20 validation rows, /);
    const [narrow, float] = [predictorOf(open, { eightBit }), predictorOf(open)];
    const [inOne, exact] = [await narrow.logits(TEXTS), await float.logits(TEXTS)];
    const furthest = Math.max(...inOne.map((x, i) => Math.abs(x - exact[i]!)));
    expect(furthest).toBeGreaterThan(1e-6);
    expect(furthest).toBeLessThan(0.05);
    for (const [i, text] of TEXTS.entries()) {
      const alone = await narrow.logits([text]);
      for (const [k, x] of alone.entries()) expect(x).toBeCloseTo(inOne[2 * i + k]!, 5);
    }
    open.dispose();
  });

  it('are never those of an evaluation, of Try Model or of a folder that does not say so', async () => {
    await cp(join(place, 'narrow'), join(place, 'silent'), { recursive: true });
    const path = join(place, 'silent', 'config.json');
    const config = JSON.parse(await readFile(path, 'utf8')) as { luthier: Record<string, unknown> };
    const { predict_in_8bit: _, ...luthier } = config.luthier;
    await writeFile(path, JSON.stringify({ ...config, luthier }));
    const measure = (model: string) =>
      evaluateModel({ ...{ model: join(place, model), data: 'rows.csv', base: place }, split: 'test', note: () => {} });
    expect((await measure('narrow')).metrics).toEqual((await measure('silent')).metrics);
    const float = await createPredictor(join(place, 'silent'));
    const expected = await float.predict(TEXTS);
    float.dispose();
    const signal = new AbortController().signal;
    const ask = createHostHandlers(join(place, 'narrow'), () => undefined);
    expect(await ask.predict({ model: 'narrow', texts: TEXTS }, signal)).toEqual(expected);
    const open = await openModel(join(place, 'silent'), 'onnxruntime');
    expect(await predictionsOf(open)).toEqual({});
    open.dispose();
  });

  it('are those of a file, unless float is asked for; what was done is said', async () => {
    const ask = createHostHandlers(join(place, 'narrow'), () => undefined);
    const predicted = async (more: object) => {
      const out = join(place, 'out.jsonl');
      const params = { model: 'narrow', file: join(place, 'texts.txt'), out, as: 'classes', settings: {} } as const;
      const { computed } = await ask['predict/file']({ ...params, ...more }, new AbortController().signal);
      return { computed, written: await readFile(out, 'utf8') };
    };
    const [narrow, float] = [await predicted({}), await predicted({ float: true })];
    expect(narrow.computed).toContain('Computed with weights in 8 bits');
    expect(float.computed).toBeUndefined();
    expect(narrow.written.split('\n')).toHaveLength(TEXTS.length + 1);
  });

  it('are given up where the answers are too far away, which is said when it is written and when it is asked', async () => {
    await cp(join(place, 'narrow'), join(place, 'far'), { recursive: true });
    const check = { rows: 20, rows_changed: 3, largest_difference: 0.2, layers: 12, of_layers: 12 };
    await keepEightBit(join(place, 'far'), { used: false, ...check });
    const open = await openModel(join(place, 'far'), 'onnxruntime');
    expect(await predictionsOf(open)).toEqual({
      said: 'Computed in float: with weights in 8 bits, on 20 validation rows, 3 have another label than in float, and probabilities differ by at most 20.0 percentage points.',
    });
    open.dispose();
  });

  it('are of some layers alone, if the others stay in float, which is said', async () => {
    await cp(join(place, 'narrow'), join(place, 'some'), { recursive: true });
    const open = await openModel(join(place, 'some'), 'onnxruntime');
    const all = (await readRoundings(open.path, open.model))!;
    expect([...all.keys()].sort()).toEqual(open.model.inputGroups().flat().sort());
    const some = new Map([...all].filter(([name]) => !name.includes('intermediate')));
    await keepEightBit(open.path, { ...(await checkIn('some'))!, layers: some.size }, some);
    const config = JSON.parse(await readFile(join(open.path, 'config.json'), 'utf8'));
    const computed = await predictionsOf({ ...open, config });
    expect(computed.said).toMatch(/^Computed with 10 of 12 linear layers in 8 bits: on 20 validation rows, /);
    expect(computed.eightBit).toEqual(some);
    // As a version wrote it that knew one range for each layer.
    const earlier = { ...config, luthier: { ...config.luthier, predict_in_8bit: { used: true, ranges: {} } } };
    expect(await predictionsOf({ ...open, config: earlier })).toEqual({
      said: expect.stringMatching(/^Computed in float: what config\.json says .* is not as this version writes it/),
    });
    const logitsOf = (eightBit?: Roundings) => predictorOf(open, { eightBit }).logits(TEXTS);
    const [few, every, float] = [await logitsOf(some), await logitsOf(all), await logitsOf()];
    expect(few).not.toEqual(every);
    expect(few).not.toEqual(float);
    open.dispose();
  });

  it('stay in float, and say why, where the file that says how to round is missing, damaged or another model’s', async () => {
    const said = async (change: (file: string) => Promise<void>) => {
      await cp(join(place, 'narrow'), join(place, 'other'), { recursive: true });
      await change(join(place, 'other', EIGHT_BIT_FILE));
      const open = await openModel(join(place, 'other'), 'onnxruntime');
      const computed = await predictionsOf(open);
      open.dispose();
      expect(computed.eightBit).toBeUndefined();
      return computed.said;
    };
    expect(await said((file) => rm(file))).toMatch(/^Computed in float: .*predict_in_8bit.safetensors cannot be read/);
    expect(await said((file) => writeFile(file, 'x'))).toMatch(/^Computed in float: .*predict_in_8bit.safetensors/);
    const wrong = async (tensors: Record<string, number[]>) =>
      said((file) =>
        writeSafetensors(
          file,
          Object.entries(tensors).map(([name, data]) => ({
            ...({ name, shape: [data.length], dtype: 'F32' } as const),
            data: Float32Array.from(data),
          })),
        ),
      );
    const about = 'Computed in float: what predict_in_8bit.safetensors says is about other layers than config.json’s.';
    const layer = 'bert.encoder.layer.0.attention.self.query.weight';
    expect(await wrong({ 'classifier.weight.range': [-1, 1] })).toBe(about);
    expect(await wrong({ [`${layer}.range`]: [-1, 1] })).toBe(about);
    expect(await wrong({ [`${layer}.range`]: [1, 2] })).toBe(about);
    expect(await wrong({ [`${layer}.range`]: [-1, 1], [`${layer}.columns`]: Array(32).fill(0) })).toBe(about);
    expect(await wrong({ [`${layer}.range`]: [-1, 1], [`${layer}.shift`]: Array(31).fill(0) })).toMatch(/31 numbers/);
  });

  it('are not carried over to a model that is trained on from one, nor left in the folder of one written in its place', async () => {
    await train('next', { model: 'narrow' });
    expect(await checkIn('next')).toBeUndefined();
    expect(await readdir(join(place, 'narrow'))).toContain(EIGHT_BIT_FILE);
    await cp(join(place, 'narrow'), join(place, 'over'), { recursive: true });
    await train('over', {});
    expect(await checkIn('over')).toBeUndefined();
    expect(await readdir(join(place, 'over'))).not.toContain(EIGHT_BIT_FILE);
  });
});

it('without validation rows nothing is compared, and a backend without fast products says so', async () => {
  expect(await train('no-rows', { predict_in_8bit: true, validation_split: 0 })).toContain(
    'info: predict_in_8bit: there are no validation rows',
  );
  expect(await checkIn('no-rows')).toBeUndefined();
  expect(await train('slow', { predict_in_8bit: true, backend: 'wasm' })).toContain(
    'info: predict_in_8bit: this processor or backend has no fast products in 8 bits',
  );
  expect(await checkIn('slow')).toBeUndefined();
});

it('a damaged entry of a folder is none', () => {
  const entry = { used: true, rows: 20, rows_changed: 0, largest_difference: 0.01, layers: 10, of_layers: 12 };
  expect(eightBitOf({ luthier: { predict_in_8bit: entry } })).toEqual(entry);
  for (const wrong of [
    { used: 'yes' },
    { rows: -1 },
    { rows_changed: 0.5 },
    { largest_difference: Number.NaN },
    { layers: 13 },
    { of_layers: undefined },
  ])
    expect(eightBitOf({ luthier: { predict_in_8bit: { ...entry, ...wrong } } })).toBeUndefined();
  for (const config of [{}, { luthier: null }, { luthier: { predict_in_8bit: null } }])
    expect(eightBitOf(config)).toBeUndefined();
});
