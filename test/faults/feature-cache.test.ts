import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { makeTinyBert, tinyRows } from './tiny.ts';

const root = mkdtempSync(path.join(tmpdir(), 'luthier-features-'));
vi.stubEnv('LUTHIER_CACHE', path.join(root, 'cache'));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const model = path.join(root, 'tiny');
const [train, validation] = ['train.csv', 'validation.csv'].map((name) => path.join(root, name)) as [string, string];

async function trainHead(seed = 1) {
  const notes: string[] = [];
  const recipe = parseRecipe({ model, dataset: { train, validation }, strategy: { type: 'head' }, seed });
  const trainer = await createTrainer({ recipe, base: root, note: (_, message) => notes.push(message) });
  const losses: number[] = [];
  for (let i = 0; i < 5; i++) losses.push((await trainer.trainStep()).loss);
  const { metrics } = await trainer.evaluate('validation');
  trainer.dispose();
  const count = (pattern: RegExp) => notes.filter((note) => pattern.test(note)).length;
  return { losses, metrics, taken: count(/Using the cached outputs/), said: count(/only once, without dropout/) };
}

it('a head trained from the cache has the very losses of one whose features were computed', async () => {
  await makeTinyBert(model);
  writeFileSync(train, tinyRows(40));
  writeFileSync(validation, tinyRows(20, 99));
  const first = await trainHead();
  expect(first).toMatchObject({ taken: 0, said: 1 });
  expect(await trainHead()).toEqual({ ...first, taken: 2 });
  // Another seed draws another order, another head and other masks, all from the same features.
  const other = await trainHead(2);
  expect(other.taken).toBe(2);
  expect(other.losses).not.toEqual(first.losses);
  // Other rows are computed; the validation part is as it was.
  writeFileSync(train, tinyRows(40, 3));
  expect((await trainHead()).taken).toBe(1);
});

it('features are not computed for a run that is asked to end meanwhile', async () => {
  writeFileSync(train, tinyRows(200, 5));
  const recipe = parseRecipe({ model, dataset: { train, validation }, strategy: { type: 'head' } });
  const trainer = await createTrainer({ recipe, base: root, note: () => {} });
  const ended = new Error('asked to end');
  let turns = 0;
  const between = async () => {
    if (++turns === 2) throw ended;
  };
  await expect(trainer.trainStep(between)).rejects.toBe(ended);
  expect(trainer.step).toBe(0);
  expect((await trainer.trainStep()).step).toBe(1);
  trainer.dispose();
});
