import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createExecutor } from './create.ts';
import { readRates, rememberRates } from './rates.ts';
import { measureMachine } from './status.ts';

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
  await rememberRates(library, 'base', { [name]: 0.001, webgpu: null });
  const { gflops, ...saves } = await measureMachine('onnxruntime');
  expect(gflops).toBeGreaterThan(0.001);
  expect(saves).toEqual({ backend: name, recomputes: true, computesIn8Bit: true });
  expect(await remembered()).toBe(gflops);
  await rememberRates(library, 'base', { [name]: 1e9 });
  expect(await measureMachine('onnxruntime')).toMatchObject({ backend: name, gflops: 1e9 });
  expect(await remembered()).toBe(1e9);
});
