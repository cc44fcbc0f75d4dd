import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lock.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'luthier lock ü-'));
});
afterEach(() => rmSync(home, { recursive: true }));

test('a lock lets one in at a time, and one that a dead window left is taken over', async () => {
  const path = join(home, 'lock');
  let inside = 0;
  let most = 0;
  const work = () =>
    withLock(path, async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    });
  await Promise.all([work(), work(), work(), work()]);
  expect(most).toBe(1);
  writeFileSync(path, '123');
  await expect(withLock(path, async () => 'in', 50)).rejects.toMatchObject({ code: 'EEXIST' });
  const longAgo = new Date(Date.now() - 3_600_000);
  utimesSync(path, longAgo, longAgo);
  expect(await withLock(path, async () => 'in')).toBe('in');
});

test('a lock is given back when the work fails', async () => {
  const path = join(home, 'lock');
  await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await withLock(path, async () => 'in', 0)).toBe('in');
});
