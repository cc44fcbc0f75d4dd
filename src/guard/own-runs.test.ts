import { mkdir, mkdtemp, rename, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { dataFolder, forgetRun, isOwnRun, rememberRun } from './own-runs.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier own ü-'));
  vi.stubEnv('LUTHIER_DATA', join(base, 'data'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(base, { recursive: true });
});

const identity = {
  id: 'r',
  created_at: '2026-01-01T00:00:00.000Z',
  recipe_path: null,
  recipe: { model: 'm', dataset: '/d.csv' },
};

it('a run is known as what it was when it was made, where it was made', async () => {
  const folder = join(base, 'project', '.luthier', 'runs', 'r');
  await mkdir(folder, { recursive: true });
  expect(await isOwnRun(folder, identity)).toBe(false);
  await rememberRun(folder, identity);
  await rememberRun(folder, identity);
  expect(await isOwnRun(folder, { ...identity })).toBe(true);
  // Name, state and steps are not part of it; the recipe is.
  expect(await isOwnRun(folder, { ...identity, recipe: { model: 'm', dataset: '/etc/passwd' } })).toBe(false);
  expect(await isOwnRun(folder, { ...identity, recipe_path: '/elsewhere/x.recipe.json' })).toBe(false);
  const copy = join(base, 'cloned', '.luthier', 'runs', 'r');
  await mkdir(copy, { recursive: true });
  expect(await isOwnRun(copy, identity)).toBe(false);
  // By another name of the same folder it is the same run.
  await symlink(join(base, 'project'), join(base, 'shortcut'), 'junction');
  expect(await isOwnRun(join(base, 'shortcut', '.luthier', 'runs', 'r'), identity)).toBe(true);
  await rename(join(base, 'project'), join(base, 'moved'));
  expect(await isOwnRun(join(base, 'moved', '.luthier', 'runs', 'r'), identity)).toBe(false);
});

it('one that is forgotten is no longer known, and a folder that is gone never was', async () => {
  const folder = join(base, 'x', '.luthier', 'runs', 'r');
  await mkdir(folder, { recursive: true });
  await rememberRun(folder, identity);
  await forgetRun(folder);
  expect(await isOwnRun(folder, identity)).toBe(false);
  expect(await isOwnRun(join(base, 'none'), identity)).toBe(false);
});

it.skipIf(process.platform === 'win32')('the list is this user’s alone', async () => {
  await mkdir(join(base, 'y'));
  await rememberRun(join(base, 'y'), identity);
  expect((await stat(dataFolder('runs'))).mode & 0o077).toBe(0);
});
