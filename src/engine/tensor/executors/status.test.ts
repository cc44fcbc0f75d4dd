import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createExecutor } from './create.ts';
import type { Probe } from './probe.ts';
import { readRates, readRemembered, rememberFailure, rememberRates } from './rates.ts';
import { backendStatus, measureMachine } from './status.ts';

const cache = mkdtempSync(path.join(tmpdir(), 'luthier-rates-'));
beforeAll(() => {
  vi.stubEnv('LUTHIER_CACHE', cache);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

test('a rate that was found while the machine was busy is replaced by a better one, and a better one is kept', async () => {
  const executor = await createExecutor('onnxruntime');
  const { library, name } = executor;
  executor.dispose();
  const remembered = async () => (await readRates(library, 'base'))[name];
  await rememberRates(library, 'base', { [name]: 0.001 });
  const { gflops, ...saves } = await measureMachine('onnxruntime');
  expect(gflops).toBeGreaterThan(0.001);
  expect(saves).toEqual({ backend: name, recomputes: true, computesIn8Bit: true });
  expect(await remembered()).toBe(gflops);
  await rememberRates(library, 'base', { [name]: 1e9 });
  expect(await measureMachine('onnxruntime')).toMatchObject({ backend: name, gflops: 1e9 });
  expect(await remembered()).toBe(1e9);
});

test('what is remembered of a card is told; a failure is forgotten where the card works, and else counts from now', async () => {
  const library = 'onnxruntime of a test';
  const probing = (card: Probe) => async (name: string) =>
    name === 'webgpu' ? card : ({ usable: true, library, num_threads: 2, gflops: null } satisfies Probe);
  const failing: Probe = { usable: false, error: { code: 'backend-unavailable', message: 'No adapter.' } };
  const working: Probe = { usable: true, library: 'WebGPU', num_threads: 1, gflops: null };
  const failure = async () => (await readRemembered(library)).failure;
  const card = async (probe: Probe) =>
    (await backendStatus(false, probing(probe))).find(({ name }) => name === 'webgpu')!;

  // A card that `auto` never tried did not fail.
  expect((await card(failing)).remembered).toBeUndefined();
  await rememberRates(library, 'large', { webgpu: 2000, onnxruntime: 100 });
  await rememberRates(library, 'base', { webgpu: 1000, onnxruntime: 100 });
  vi.setSystemTime('2026-11-20T10:00:00Z');
  try {
    await rememberFailure(library, { reason: 'Lost.', drivers: 'others' });
    vi.setSystemTime('2026-11-20T12:00:00Z');
    const { usable, auto, remembered } = await card(failing);
    expect([usable, auto]).toEqual([false, false]);
    expect(remembered!.measured.map(({ models, gflops }) => `${models}: ${gflops}`)).toEqual([
      'hidden_size up to 896: 1000',
      'hidden_size above 896: 2000',
    ]);
    expect(remembered!.failure).toEqual({
      ...{ since: '2026-11-20T10:00:00.000Z', tried: '2026-11-20T12:00:00.000Z' },
      ...{ reason: 'No adapter.', again: '2026-11-21T12:00:00.000Z' },
    });
    expect(await failure()).toMatchObject({ since: '2026-11-20T10:00:00.000Z', reason: 'No adapter.' });
    // What was remembered until now is told once more.
    expect(await card(working)).toMatchObject({
      usable: true,
      auto: true,
      remembered: { failure: { reason: 'No adapter.' } },
    });
    expect(await failure()).toBeUndefined();
    expect((await card(working)).remembered!.failure).toBeUndefined();
  } finally {
    vi.useRealTimers();
  }
});
