import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readTail } from './tail.ts';

it('begins with a whole line, and is empty for a file that is not there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'luthier-tail-'));
  try {
    const path = join(folder, 'a.log');
    await writeFile(path, 'first\nsecond\nthird\n');
    expect(await readTail(path)).toBe('first\nsecond\nthird\n');
    expect(await readTail(path, 9)).toBe('third\n');
    await writeFile(path, 'a line that is longer than what is read\n');
    expect(await readTail(path, 8)).toBe('is read\n');
    expect(await readTail(join(folder, 'b.log'))).toBe('');
  } finally {
    await rm(folder, { recursive: true });
  }
});
