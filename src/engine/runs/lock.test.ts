import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FILES } from './folder.ts';
import { lockRun } from './lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

const hold = (pid: number) => writeFile(join(folder, FILES.lock), JSON.stringify({ pid, nonce: 'x' }));
const busy = expect.objectContaining({ code: 'run-busy' });

describe('lockRun', () => {
  it('is held by one, given back, and leaves nothing', async () => {
    const unlock = await lockRun(folder);
    // A process that has just begun has no socket yet; its pid speaks for it.
    await expect(lockRun(folder)).rejects.toEqual(busy);
    await unlock();
    await (await lockRun(folder))();
    expect(await readdir(folder)).toEqual([]);
  });

  it('goes to exactly one of many', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockRun(folder)));
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
  });

  it('of a process that is gone goes to exactly one of many', async () => {
    await hold(2 ** 22 + 1);
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockRun(folder)));
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(folder)).toEqual([FILES.lock]);
  });

  it('is taken over when its pid lives but is another one by now', async () => {
    await hold(process.pid);
    const old = new Date(Date.now() - 3_600_000);
    await utimes(join(folder, FILES.lock), old, old);
    await lockRun(folder);
  });

  it('is taken over at once when the socket of its process is dead, though the pid lingers', async () => {
    await hold(process.pid);
    const endpoint = { pid: process.pid, address: join(folder, 'none.sock'), token: 't' };
    await writeFile(join(folder, FILES.endpoint), JSON.stringify(endpoint));
    await lockRun(folder);
  });
});
