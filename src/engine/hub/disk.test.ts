import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatBytes, freeDiskBytes, requireDiskBytes } from './disk.ts';

it('freeDiskBytes looks at the nearest folder that exists', async () => {
  const here = await freeDiskBytes(tmpdir());
  const there = await freeDiskBytes(join(tmpdir(), 'luthier-not-there', 'deeper'));
  expect(here).toBeGreaterThan(0);
  // Others write meanwhile.
  expect(Math.abs(here - there)).toBeLessThan(0.5 * here + 1e9);
});

it('formatBytes', () => {
  expect([0, 999, 1000, 1234, 99_949, 999_499, 999_500, 438e6, 5e15].map(formatBytes)).toEqual([
    '0 bytes',
    '999 bytes',
    '1.0 kB',
    '1.2 kB',
    '99.9 kB',
    '999 kB',
    '1.0 MB',
    '438 MB',
    '5000 TB',
  ]);
});

it('requireDiskBytes names both sizes', async () => {
  await requireDiskBytes('/somewhere', 100e6, 'The model', 151e6);
  await expect(requireDiskBytes('/somewhere', 100e6, 'The model', 149e6)).rejects.toMatchObject({
    code: 'disk-full',
    message: 'The model takes 100 MB, but only 149 MB are free at /somewhere.',
  });
});
