import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatMoment, LuthierError } from '../../../protocol/index.ts';
import { type AutoOptions, chosenByAuto, createAutoExecutor } from './auto.ts';
import type { Executor } from './executor.ts';
import type { Probe } from './probe.ts';
import { readRemembered, sizeClassOf } from './rates.ts';

const cache = mkdtempSync(path.join(tmpdir(), 'luthier-rates-'));
const file = path.join(cache, 'backends.json');
vi.stubEnv('LUTHIER_CACHE', cache);
beforeEach(() => rmSync(file, { force: true }));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

const HOUR = 3_600_000;

/** A machine on which these backends load, and these rates are found when one is tried. */
function machine(loads: Executor['name'][], rates: Partial<Record<Executor['name'], number>> = {}) {
  const time = { later: 0, uptime: 1e6, drivers: 'driver 1' };
  const probed: string[] = [];
  const notes: string[] = [];
  const probe = async (name: Executor['name'], width: number | null): Promise<Probe> => {
    probed.push(`${name} ${width}`);
    const gflops = rates[name];
    if (gflops !== undefined) return { usable: true, library: 'x', num_threads: 1, gflops };
    return { usable: false, error: { code: 'backend-unavailable', message: 'No adapter.' } };
  };
  const create = async (name: Executor['name']): Promise<Executor> => {
    if (!loads.includes(name)) throw new LuthierError('backend-unavailable', `${name} does not load.`);
    return { name, numThreads: 2, library: `${name} 1`, compile: () => Promise.reject(), dispose() {} };
  };
  const choose = async (more: AutoOptions = {}) => {
    const note = (level: string, message: string) => notes.push(`${level}: ${message}`);
    const now = async () => ({ ...time, time: Date.now() + time.later });
    return (await createAutoExecutor({ mayHaveGpu: () => true, probe, create, note, now, ...more })).name;
  };
  const failure = async () => (await readRemembered('onnxruntime 1')).failure;
  return { choose, probed, notes, loads, rates, time, failure };
}

describe('auto', () => {
  it('takes onnxruntime where there is no graphics card: nothing measured, nothing written, nothing said', async () => {
    const here = machine(['onnxruntime', 'webgpu'], { webgpu: 9000, onnxruntime: 100 });
    expect(await here.choose({ mayHaveGpu: () => false, hiddenSize: new Promise(() => {}) })).toBe('onnxruntime');
    expect([here.probed, here.notes]).toEqual([[], []]);
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });

  it('measures once for each size of model, takes the faster, says so once', async () => {
    const here = machine(['onnxruntime', 'webgpu'], { webgpu: 2000, onnxruntime: 190.4 });
    expect(await here.choose({ hiddenSize: Promise.resolve(768) })).toBe('webgpu');
    expect(here.probed).toEqual(['webgpu 768', 'onnxruntime 768']);
    expect(here.notes).toEqual([
      'info: Measured once for models of this size: 190 Gflop/s on the processor, 2,000 Gflop/s on the graphics card; the graphics card is used from now on.',
    ]);
    expect(await here.choose({ hiddenSize: Promise.resolve(800) })).toBe('webgpu');
    expect([here.probed.length, here.notes.length]).toEqual([2, 1]);
    await here.choose({ hiddenSize: Promise.resolve(384) });
    expect(here.probed.slice(2)).toEqual(['webgpu 384', 'onnxruntime 384']);
  });

  it('leaves a card that is hardly faster', async () => {
    const here = machine(['onnxruntime', 'webgpu'], { webgpu: 140, onnxruntime: 100 });
    expect(await here.choose()).toBe('onnxruntime');
    expect(here.notes[0]).toContain('the processor is used from now on');
  });

  const AGAIN =
    'The card is tried again after a day, when the machine is started again, with another driver, or by luthier backends.';

  it('remembers that a card does not work, and measures nothing else then', async () => {
    const here = machine(['onnxruntime']);
    expect([await here.choose(), await here.choose()]).toEqual(['onnxruntime', 'onnxruntime']);
    expect(here.probed).toEqual(['webgpu 768']);
    expect(here.notes).toEqual([`info: Not using webgpu: No adapter. ${AGAIN}`]);
    // Of a card that does not open, the model's size is no matter.
    await here.choose({ hiddenSize: Promise.resolve(384) });
    expect(here.probed).toHaveLength(1);
  });

  it.each<[string, (here: ReturnType<typeof machine>) => void]>([
    ['after a day', ({ time }) => (time.later = 25 * HOUR)],
    ['when the machine was started again', ({ time }) => Object.assign(time, { later: 2 * HOUR, uptime: 600 })],
    ['with another driver', ({ time }) => (time.drivers = 'driver 2')],
    ['when the clock was set back', ({ time }) => (time.later = -HOUR)],
  ])('tries a card that failed again %s', async (_, happen) => {
    const here = machine(['onnxruntime']);
    await here.choose();
    const { since } = (await here.failure())!;
    here.time.later = 23 * HOUR;
    await here.choose();
    expect(here.probed).toHaveLength(1);
    here.time.later = 0;
    happen(here);
    expect(await here.choose()).toBe('onnxruntime');
    expect(here.probed).toHaveLength(2);
    expect(await here.failure()).toMatchObject({ since, reason: 'No adapter.', drivers: here.time.drivers });
    here.loads.push('webgpu');
    Object.assign(here.rates, { webgpu: 1000, onnxruntime: 100 });
    here.time.drivers = 'driver 3';
    expect(await here.choose()).toBe('webgpu');
    expect(here.notes.at(-1)).toBe(`info: The graphics card works again; it had failed since ${formatMoment(since)}.`);
    expect(await here.failure()).toBeUndefined();
  });

  it('falls back to the processor when the card that was taken fails, and says what that costs while it is not tried', async () => {
    const rates = { webgpu: 1000, onnxruntime: 200 };
    const here = machine(['onnxruntime'], rates);
    expect(await here.choose()).toBe('onnxruntime');
    expect(here.notes.at(-1)).toBe(
      `warning: webgpu does not load. Using the processor instead, which was measured here as 5.0 times slower. ${AGAIN}`,
    );
    expect(await here.choose()).toBe('onnxruntime');
    expect(here.notes.at(-1)).toMatch(
      /^info: The graphics card failed when it was last tried, .* \(webgpu does not load\.\), and is not tried before .* unless the machine is restarted, its driver changes, or luthier backends finds that it works\. Using the processor, which was measured here as 5\.0 times slower\.$/,
    );
    // Its rates are still known: it is opened, and not measured again.
    here.loads.push('webgpu');
    here.time.later = 25 * HOUR;
    expect(await here.choose()).toBe('webgpu');
    expect(here.probed).toEqual(['webgpu 768', 'onnxruntime 768']);
  });

  it('takes what else loads where onnxruntime does not, and says what that costs', async () => {
    const here = machine(['wasm']);
    expect(await here.choose()).toBe('wasm');
    expect(here.notes).toEqual([
      expect.stringMatching(/^warning: onnxruntime does not load. Using wasm instead, which takes /),
    ]);
    await expect(machine([]).choose()).rejects.toThrow(
      'No backend works on this machine: onnxruntime does not load. tensorflow does not load. wasm does not load.',
    );
  });

  it.each(['{"AMD', '{"a": {"base": {"webgpu": null}}}', '[]'])(
    'measures anew when its notes are %s',
    async (notes) => {
      writeFileSync(file, notes);
      const here = machine(['onnxruntime', 'webgpu'], { webgpu: 1000, onnxruntime: 100 });
      expect(await here.choose()).toBe('webgpu');
      expect(Object.values(JSON.parse(readFileSync(file, 'utf8'))).at(-1)).toEqual({
        sizes: { base: { rates: { webgpu: 1000, onnxruntime: 100 }, measured: expect.stringMatching(/^20.*Z$/) } },
      });
    },
  );
});

it('chosenByAuto says the same without making anything', () => {
  const all = () => true;
  expect(chosenByAuto(all, {})).toBe('onnxruntime');
  expect(chosenByAuto(all, { webgpu: 300, onnxruntime: 100 })).toBe('webgpu');
  expect(chosenByAuto((name) => name !== 'webgpu', { webgpu: 300, onnxruntime: 100 })).toBe('onnxruntime');
  expect(chosenByAuto((name) => name === 'tensorflow' || name === 'wasm', {})).toBe('tensorflow');
  expect(chosenByAuto(() => false, {})).toBeUndefined();
});

it('size classes', () => {
  expect([128, 384, 768, 1024].map(sizeClassOf)).toEqual(['small', 'small', 'base', 'large']);
});
