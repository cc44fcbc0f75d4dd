import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { Endpoint } from './endpoint.ts';
import { EventLog } from './event-log.ts';
import { lockRun } from './lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

const hold = (pid: number) => writeFile(join(folder, FILES.lock), JSON.stringify({ pid, nonce: 'x' }));
const holder = async () => JSON.parse(await readFile(join(folder, FILES.lock), 'utf8'));
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

  /** The one of many that got it; the others are told that the run is busy. */
  async function raceForLock(): Promise<() => Promise<void>> {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockRun(folder)));
    const won = results.filter((r) => r.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const r of results) if (r.status === 'rejected') expect(r.reason).toEqual(busy);
    return won[0]!.value;
  }

  it('goes to exactly one of many, who alone gives it back', async () => {
    const unlock = await raceForLock();
    expect(await holder()).toMatchObject({ pid: process.pid });
    await unlock();
    expect(await readdir(folder)).toEqual([]);
  });

  it('of a process that is gone goes to exactly one of many', async () => {
    await hold(2 ** 22 + 1);
    const unlock = await raceForLock();
    expect(await readdir(folder)).toEqual([FILES.lock]);
    const taken = await holder();
    expect(taken.pid).toBe(process.pid);
    expect(taken.nonce).not.toBe('x');
    await unlock();
    expect(await readdir(folder)).toEqual([]);
  });

  it('is not given back by one from whom it was taken over', async () => {
    const unlock = await lockRun(folder);
    await hold(4242);
    await unlock();
    expect(await holder()).toEqual({ pid: 4242, nonce: 'x' });
  });

  it('stays with a process that lives and has only just begun', async () => {
    await hold(process.pid);
    await expect(lockRun(folder)).rejects.toEqual(busy);
    expect(await holder()).toEqual({ pid: process.pid, nonce: 'x' });
  });

  it('is waited for where its run has come to its end, and not where it works', async () => {
    const record = { id: 'r', state: 'running' } as RunRecord;
    const log = EventLog.open(join(folder, FILES.metrics));
    const fine = () => ({ step: 1 });
    const answers = { pause: fine, resume: fine, stop: fine, interrupt: fine, cancel: fine };
    const endpoint = await Endpoint.open(folder, log, () => ({ record, pid: process.pid }), {
      ...{ ...answers, describe: () => ({ record }), ping: () => ({ state: record.state, step: 1 }) },
    });
    const unlock = await lockRun(folder);
    await expect(lockRun(folder)).rejects.toEqual(busy);
    record.state = 'failed';
    let isGiven = false;
    const taken = lockRun(folder).then((own) => {
      expect(isGiven).toBe(true);
      return own;
    });
    // It looks at least twice.
    await new Promise((resolve) => setTimeout(resolve, 200));
    isGiven = true;
    await unlock();
    await (await taken)();
    await endpoint.close();
    log.close();
  });

  it('is taken over when its pid lives but is another one by now', async () => {
    await hold(process.pid);
    const old = new Date(Date.now() - 3_600_000);
    await utimes(join(folder, FILES.lock), old, old);
    const unlock = await lockRun(folder);
    expect((await holder()).nonce).not.toBe('x');
    await expect(lockRun(folder)).rejects.toEqual(busy);
    await unlock();
    expect(await readdir(folder)).toEqual([]);
  });

  it('is taken over at once when the socket of its process is dead, though the pid lingers', async () => {
    await hold(process.pid);
    const endpoint = { pid: process.pid, address: join(folder, 'none.sock'), token: 't' };
    await writeFile(join(folder, FILES.endpoint), JSON.stringify(endpoint));
    await lockRun(folder);
    expect(await holder()).toMatchObject({ pid: process.pid, nonce: expect.stringMatching(/^[0-9a-f]{16}$/) });
  });
});
