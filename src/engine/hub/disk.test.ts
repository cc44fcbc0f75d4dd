import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freeDiskBytes, requireDiskBytes } from './disk.ts';

it('freeDiskBytes looks at the nearest folder that exists', async () => {
  const here = await freeDiskBytes(tmpdir());
  const there = await freeDiskBytes(join(tmpdir(), 'luthier-not-there', 'deeper'));
  expect(here).toBeGreaterThan(0);
  // Others write meanwhile.
  expect(Math.abs(here - there)).toBeLessThan(0.5 * here + 1e9);
});

it('requireDiskBytes names both sizes', async () => {
  await requireDiskBytes('/somewhere', 100e6, 'The model', 151e6);
  await expect(requireDiskBytes('/somewhere', 100e6, 'The model', 149e6)).rejects.toMatchObject({
    code: 'disk-full',
    message: 'The model takes 100 MB, but only 149 MB are free at /somewhere.',
  });
});
