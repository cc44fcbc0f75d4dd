import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startersFolder } from '../hub/resolve.ts';
import { listModels } from './models.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const starter = join(startersFolder(), 'bert');
let cache: string;

/** The starter as huggingface_hub would have cached it: a snapshot of links to its files. */
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'luthier-models-'));
  const model = join(cache, 'models--org--bert');
  const snapshot = join(model, 'snapshots', COMMIT);
  await mkdir(join(model, 'refs'), { recursive: true });
  await mkdir(snapshot, { recursive: true });
  await writeFile(join(model, 'refs', 'main'), COMMIT);
  for (const name of await readdir(starter)) await symlink(join(starter, name), join(snapshot, name));
});
afterAll(() => rm(cache, { recursive: true }));

it.skipIf(process.platform === 'win32')(
  'a cached model has the size of the files that its links name (skipped where links need rights)',
  async () => {
    const models = await listModels([], cache);
    const cached = models.find(({ source }) => source === 'cache');
    const own = models.find(({ name }) => name === 'starters/bert');
    const sizes = await Promise.all(
      (await readdir(starter)).map(async (name) => (await stat(join(starter, name))).size),
    );
    expect(cached).toMatchObject({ name: 'org/bert', bytes: sizes.reduce((a, b) => a + b) });
    expect(cached!.bytes).toBe(own!.bytes);
  },
);
