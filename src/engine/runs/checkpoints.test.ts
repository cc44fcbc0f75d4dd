import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INITIAL_STATE, type LoopState } from '../train/loop-state.ts';
import type { TrainerState } from '../train/types.ts';
import { Checkpoints } from './checkpoints.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'luthier-checkpoints-')), 'checkpoints');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

const trainer = (step: number): TrainerState => ({
  step,
  parameters: new Map([
    ['a.weight', { shape: [2, 3], data: Float32Array.from({ length: 6 }, (_, i) => step + i / 7) }],
    ['a.bias', { shape: [2], data: Float32Array.of(step, -step) }],
  ]),
  moments: new Map([['a.bias.exp_avg', { shape: [2], data: Float32Array.of(0.1 * step, 5e-45) }]]),
  phase: 0,
  fingerprint: { executor: 'onnxruntime', num_threads: 2, cpu: 'x', library: 'y' },
});
const loop = (step: number, best: number | null = null): LoopState => ({
  ...INITIAL_STATE,
  step,
  best: best === null ? null : { step: best, metrics: { f1_macro: 0.5 } },
});

describe('Checkpoints', () => {
  it('reads back what it wrote, bit for bit', async () => {
    const store = new Checkpoints(folder, 2, 'hash');
    expect(await store.readLatest()).toBeNull();
    const { bytes } = await store.save(loop(5), trainer(5));
    expect(bytes).toBeGreaterThan(0);
    const read = await store.readLatest();
    expect(read!.loop).toEqual(loop(5));
    expect(read!.fingerprint).toEqual(trainer(5).fingerprint);
    for (const kind of ['parameters', 'moments'] as const) {
      for (const [name, { data }] of trainer(5)[kind]) expect(read![kind].get(name)).toEqual(data);
    }
  });

  it('keeps the newest and the best', async () => {
    const store = new Checkpoints(folder, 2, 'hash');
    await store.save(loop(1, 1), trainer(1));
    for (const step of [2, 3, 4]) await store.save(loop(step, 1), trainer(step));
    expect((await readdir(folder)).sort()).toEqual(['checkpoint-1', 'checkpoint-3', 'checkpoint-4']);
    // The best one's moments are of no use any more.
    expect((await readdir(join(folder, 'checkpoint-1'))).sort()).toEqual([
      'parameters.safetensors',
      'trainer_state.json',
    ]);
    expect(await store.readWeights(1)).toEqual(
      new Map(Array.from(trainer(1).parameters, ([name, { data }]) => [name, data])),
    );
    expect(await store.latest()).toMatchObject({ step: 4 });
  });

  it.each([1, 2, 3])(
    'has never more than the limit of %i, the best besides and the one being written',
    async (limit) => {
      const store = new Checkpoints(folder, limit, 'hash');
      let most = 0;
      let fewestWhole = Infinity;
      const watching = setInterval(() => {
        const names = existsSync(folder) ? readdirSync(folder) : [];
        const all = names.filter((name) => name.startsWith('checkpoint-'));
        most = Math.max(most, all.length);
        const whole = all.filter((name) => existsSync(join(folder, name, 'moments.safetensors')));
        if (all.length > 0) fewestWhole = Math.min(fewestWhole, whole.length);
      });
      for (let step = 1; step <= 12; step++) await store.save(loop(step, 1), trainer(step));
      clearInterval(watching);
      // With a limit of one the old one must stay until the new one is there.
      expect(most).toBeLessThanOrEqual(limit === 1 ? 3 : limit + 1);
      expect(fewestWhole).toBeGreaterThanOrEqual(1);
      expect((await readdir(folder)).length).toBe(limit + 1);
    },
  );

  it('keeps an older one while one of the same step is written again', async () => {
    const store = new Checkpoints(folder, 2, 'hash');
    for (const step of [1, 2, 3, 3]) await store.save(loop(step, 1), trainer(step));
    expect((await readdir(folder)).sort()).toEqual(['checkpoint-1', 'checkpoint-2', 'checkpoint-3']);
    expect(await readdir(join(folder, 'checkpoint-2'))).toContain('moments.safetensors');
  });

  it('keeps the best that a kept checkpoint knows, until a later checkpoint knows a better one', async () => {
    const store = new Checkpoints(folder, 1, 'hash');
    await store.saveWeights(loop(2, 2), trainer(2));
    await store.save(loop(4, 2), trainer(4));
    await store.saveWeights(loop(6, 6), trainer(6));
    // Resumed from 4, the best is still 2.
    expect((await readdir(folder)).sort()).toEqual(['checkpoint-2', 'checkpoint-4', 'checkpoint-6']);
    await store.save(loop(8, 6), trainer(8));
    expect((await readdir(folder)).sort()).toEqual(['checkpoint-6', 'checkpoint-8']);
  });

  it('goes on only from one that has its moments', async () => {
    const store = new Checkpoints(folder, 2, 'hash');
    await store.save(loop(1, 1), trainer(1));
    await store.saveWeights(loop(3, 3), trainer(3));
    expect((await store.readLatest())!.loop.step).toBe(1);
  });

  it('does not see, and takes away, what a kill left half-written', async () => {
    const store = new Checkpoints(folder, 2, 'hash');
    await store.save(loop(1), trainer(1));
    await mkdir(join(folder, '.tmp-2'));
    await writeFile(join(folder, '.tmp-2', 'parameters.safetensors'), 'torn');
    await mkdir(join(folder, 'checkpoint-9'));
    expect((await store.readLatest())!.loop.step).toBe(1);
    expect(await readdir(folder)).not.toContain('.tmp-2');
  });

  it('refuses to go on with other data', async () => {
    await new Checkpoints(folder, 2, 'hash').save(loop(1), trainer(1));
    await expect(new Checkpoints(folder, 2, 'other').readLatest()).rejects.toThrow(/dataset has changed/);
  });

  it('says which file is at fault', async () => {
    const store = new Checkpoints(folder, 2, 'hash');
    const { path } = await store.save(loop(1), trainer(1));
    const file = join(path, 'moments.safetensors');
    await writeFile(file, (await readFile(file)).subarray(0, 40));
    await expect(store.readLatest()).rejects.toThrow(/moments\.safetensors/);
  });

  it('says where it cannot write, and what is kept', async () => {
    await mkdir(join(folder, '..'), { recursive: true });
    await writeFile(folder, 'a file in the way');
    const error = await new Checkpoints(folder, 2, 'hash').save(loop(1), trainer(1)).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'not-writable' });
  });
});
