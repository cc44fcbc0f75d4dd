import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changeQueue, lookAtQueue, moved, readQueue } from './queue.ts';

let folder: string;
let home: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'luthier queue ü-'));
  home = join(folder, '.luthier');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('keeps its order on disk, each run once', async () => {
  expect(await readQueue(home)).toEqual([]);
  await changeQueue(home, (order) => [...order, 'a']);
  await changeQueue(home, (order) => [...order, 'b', 'a']);
  expect(await readQueue(home)).toEqual(['a', 'b']);
});

test('a damaged file is an empty queue, with the reason, and is not written over', async () => {
  mkdirSync(home);
  for (const text of ['', '{', '{"order": 3}', '[]']) {
    writeFileSync(join(home, 'queue.json'), text);
    expect(await readQueue(home)).toEqual([]);
    expect((await lookAtQueue(home)).broken?.problem).toMatch(/^queue\.json is damaged/);
    await expect(changeQueue(home, () => ['a'])).rejects.toMatchObject({ code: 'not-writable' });
    expect(readFileSync(join(home, 'queue.json'), 'utf8')).toBe(text);
  }
  writeFileSync(join(home, 'queue.json'), '{"format": 7, "order": ["a"]}');
  expect((await lookAtQueue(home)).broken?.problem).toContain('newer version of Luthier');
  writeFileSync(join(home, 'queue.json'), '{"order": ["a", 3, "a"]}');
  expect(await readQueue(home)).toEqual(['a']);
});

test('many windows at once lose nothing', async () => {
  const ids = Array.from({ length: 20 }, (_, i) => `run-${i}`);
  await Promise.all(ids.map((id) => changeQueue(home, (order) => [...order, id])));
  expect((await readQueue(home)).sort()).toEqual([...ids].sort());
});

test('a terminal that waits is known while it lives and its run is in line', async () => {
  const gone = spawnSync(process.execPath, ['--version']).pid;
  await changeQueue(home, (order) => [...order, 'a'], { id: 'a', pid: process.pid });
  await changeQueue(home, (order) => [...order, 'b'], { id: 'b', pid: gone });
  expect(await lookAtQueue(home)).toEqual({ order: ['a', 'b'], inTerminals: new Set(['a']), broken: null });
  await changeQueue(home, (order) => ['c', ...order]);
  expect([...(await lookAtQueue(home)).inTerminals]).toEqual(['a']);
  await changeQueue(home, () => ['c']);
  expect(JSON.parse(readFileSync(join(home, 'queue.json'), 'utf8'))).toEqual({ format: 1, order: ['c'] });
  writeFileSync(join(home, 'queue.json'), '{"order": ["a", "b"], "terminals": {"a": "x", "b": -1, "c": 1}}');
  expect((await lookAtQueue(home)).inTerminals.size).toBe(0);
});

test('moving keeps all others in order, whatever is asked', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { minLength: 1 }), fc.nat(), fc.integer(), (order, at, by) => {
      const id = order[at % order.length]!;
      const after = moved(order, id, by);
      expect(after.filter((other) => other !== id)).toEqual(order.filter((other) => other !== id));
      const place = Math.max(0, Math.min(order.length - 1, order.indexOf(id) + by));
      expect(after.indexOf(id)).toBe(place);
    }),
  );
  expect(moved(['a', 'b'], 'c', 1)).toEqual(['a', 'b']);
});
