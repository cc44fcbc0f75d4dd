import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, posix, win32 } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isForeignPath, nameIn, writtenPath } from './written-path.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier paths ü-'));
  await mkdir(join(base, 'data'));
  await writeFile(join(base, 'data', 'tickets.csv'), 'text,label\n');
  // As macOS may have written it.
  await writeFile(join(base, 'data', 'größe.csv'.normalize('NFD')), 'text,label\n');
});
afterAll(() => rm(base, { recursive: true }));

describe('a path that was written on another machine', () => {
  it.each([
    ['data/tickets.csv', 'tickets.csv'],
    ['data\\tickets.csv', 'tickets.csv'],
    ['.\\data\\tickets.csv', 'tickets.csv'],
    ['data/größe.csv'.normalize('NFC'), 'größe.csv'],
    ['data\\größe.csv'.normalize('NFD'), 'größe.csv'],
  ])('%s is found', async (written, name) => {
    const found = await writtenPath(base, written);
    expect(await import('node:fs').then(({ existsSync }) => existsSync(found))).toBe(true);
    expect(basename(found).normalize('NFC')).toBe(name.normalize('NFC'));
  });

  it('of nothing stays as it was written', async () => {
    expect(await writtenPath(base, 'data/none.csv')).toBe(join(base, 'data', 'none.csv'));
  });

  it('with a drive or a share is told from one of this machine', () => {
    for (const path of ['C:\\data\\x.csv', 'd:/data/x.csv', '\\\\server\\share\\x.csv']) {
      expect([isForeignPath(path, 'linux'), isForeignPath(path, 'darwin'), isForeignPath(path, 'win32')]).toEqual([
        true,
        true,
        false,
      ]);
    }
    for (const path of ['/data/x.csv', 'data\\x.csv', 'c.csv']) expect(isForeignPath(path, 'linux')).toBe(false);
  });
});

it('a recipe names files inside its folder with slashes, on every system, and others by their whole path', () => {
  expect(nameIn('C:\\work', 'C:\\work\\data\\x.csv', win32)).toBe('data/x.csv');
  expect(nameIn('C:\\work', 'c:\\Work\\x.csv', win32)).toBe('x.csv');
  expect(nameIn('C:\\work', 'D:\\work\\x.csv', win32)).toBe('D:\\work\\x.csv');
  expect(nameIn('C:\\work', 'C:\\worker\\x.csv', win32)).toBe('C:\\worker\\x.csv');
  expect(nameIn('/work', '/work/data/x.csv', posix)).toBe('data/x.csv');
  expect(nameIn('/work', '/worker/x.csv', posix)).toBe('/worker/x.csv');
  expect(nameIn('/work', '/work/..x.csv', posix)).toBe('..x.csv');
});
