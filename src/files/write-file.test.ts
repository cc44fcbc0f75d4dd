import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder, sweepAside, writeFileAtomically } from './write-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-write-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A number that was a process a moment ago. */
const deadPid = () => Number(execFileSync(process.execPath, ['-p', 'process.pid']).toString());

it('makeFolder makes a folder with its parents, and takes no link for one', async () => {
  const deep = join(folder, 'a', 'b');
  await makeFolder(deep);
  await makeFolder(deep);
  expect(await readdir(deep)).toEqual([]);
  await symlink(deep, join(folder, 'link'), 'junction');
  await expect(makeFolder(join(folder, 'link'))).rejects.toMatchObject({
    code: 'not-writable',
    message: expect.stringMatching(/link is a link/),
  });
});

describe('sweepAside', () => {
  it('takes away what a killed process left, and nothing else', async () => {
    const kept = [
      'model.safetensors',
      '.model.safetensors.tmp',
      'model.safetensors.0123456789ab.tmp',
      `.model.safetensors.${process.pid}-0123456789ab.tmp`,
      '.new.0123456789ab.tmp',
      '.gitignore',
    ];
    const left = [`.model.safetensors.${deadPid()}-0123456789ab.tmp`, '.config.json.0123456789ab.tmp'];
    for (const name of [...kept, ...left]) await writeFile(join(folder, name), '');
    const old = Date.now() / 1000 - 7200;
    await utimes(join(folder, left[1]!), old, old);
    await mkdir(join(folder, `.folder.${deadPid()}-0123456789ab.tmp`));
    await sweepAside(folder);
    expect((await readdir(folder)).filter((name) => !name.startsWith('.folder')).sort()).toEqual(kept.sort());
    await sweepAside(join(folder, 'none'));
  });

  it.skipIf(process.platform === 'win32')('follows no link', async () => {
    await writeFile(join(folder, 'precious'), 'x');
    const link = `.precious.${deadPid()}-0123456789ab.tmp`;
    await symlink(join(folder, 'precious'), join(folder, link));
    await sweepAside(folder);
    expect(await readdir(folder)).toEqual([link, 'precious'].sort());
  });

  it('finds what writeFileAtomically writes aside', async () => {
    const path = join(folder, 'a b.txt');
    let aside: string[] = [];
    await writeFileAtomically(path, async (file) => {
      await file.writeFile('new');
      aside = await readdir(folder);
      await sweepAside(folder);
    });
    expect(aside).toEqual([expect.stringMatching(new RegExp(`^\\.a b\\.txt\\.${process.pid}-[0-9a-f]{12}\\.tmp$`))]);
    expect(await readdir(folder)).toEqual(['a b.txt']);
    expect(await readFile(path, 'utf8')).toBe('new');
  });
});
