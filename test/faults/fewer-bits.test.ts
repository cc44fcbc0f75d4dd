import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RunRecord, saysInFewerBits } from '../../src/protocol/index.ts';
import { SMALL_LLAMA, writeSmallDecoder } from '../small-decoder.ts';
import { buildEngine, endRuns, Program, removeEngine } from './engine.ts';
import { tinyRows } from './tiny.ts';

const isThere = process.env.LUTHIER_TEST_WEBGPU === '1';

let place: string;
let cli: string;
const run = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  new Program(process.execPath, [cli, ...args], place, { LUTHIER_CACHE: join(place, 'cache'), ...env });

beforeAll(async () => {
  if (!isThere) return;
  place = await mkdtemp(join(tmpdir(), 'luthier-fewer-bits-'));
  ({ cli } = await buildEngine());
  await writeSmallDecoder(join(place, 'llama'), SMALL_LLAMA);
  await writeFile(join(place, 'rows.csv'), tinyRows(320));
  await writeFile(join(place, 'held-out.csv'), tinyRows(24, 2));
  const recipe = {
    ...{ model: 'llama', dataset: { train: 'rows.csv', validation: 'held-out.csv' }, max_length: 40 },
    ...{ per_device_train_batch_size: 4, max_steps: 6, save_steps: 3, seed: 5, backend: 'webgpu' },
    strategy: { type: 'lora', r: 2, load_in_8bit: true },
  };
  await writeFile(join(place, 'llama.recipe.json'), JSON.stringify(recipe));
}, 900_000);
afterAll(async () => {
  if (!isThere) return;
  await endRuns(place);
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});
// Whole processes on a software driver; nothing here hangs on how fast they are.
vi.setConfig({ testTimeout: 900_000 });

const train = (out: string, ...more: string[]) => run(['train', 'llama.recipe.json', '--out', out, ...more]);
const recordOf = async (out: string): Promise<RunRecord> =>
  JSON.parse(await readFile(join(place, out, 'run.json'), 'utf8'));
const SAYS = saysInFewerBits(8);
/** As commands are shown where they are on PATH. */
const plain = (said: string): string => said.replaceAll('npx luthier', 'luthier');
const NEXT = 'luthier evaluate narrow --data held-out.csv';

describe.skipIf(!isThere)(
  'a run that a graphics card measures in 8 bits (skipped unless LUTHIER_TEST_WEBGPU=1)',
  () => {
    it('says so at its end, in its record, where it is shown and in its model’s card', async () => {
      const { code, stderr } = await train('narrow').finished;
      expect(code, stderr).toBe(0);
      expect(plain(stderr)).toContain(`Measured with layers in 8 bits. ${SAYS}\n  Next: ${NEXT}\n`);
      const shown = await run(['runs', 'show', 'narrow']).finished;
      expect(plain(shown.stdout)).toContain(`Measured with layers in 8 bits. ${SAYS}\n  Next: ${NEXT}\n`);
      const { stdout } = await run(['runs', 'show', 'narrow', '--json']).finished;
      expect(JSON.parse(stdout)).toMatchObject({
        frozen_bits: 8,
        findings: expect.arrayContaining([expect.objectContaining({ code: 'fewer-bits', text: SAYS })]),
      });
      for (const folder of ['model', 'adapter'])
        expect(await readFile(join(place, 'narrow', folder, 'README.md'), 'utf8')).toContain(SAYS);
    });

    it('has other figures than its model, which the command measures in float', async () => {
      const [, ...args] = NEXT.split(' ');
      const { code, stderr, events } = await run([...args, '--backend', 'onnxruntime', '--json']).finished;
      expect(code, stderr).toBe(0);
      const [{ metrics, n }] = events as unknown as [{ metrics: { loss: number }; n: number }];
      const { best } = await recordOf('narrow');
      expect(n).toBe(best!.n);
      expect(metrics.loss).not.toBe(best!.metrics.loss);
      expect(Math.abs(metrics.loss / best!.metrics.loss! - 1)).toBeLessThan(0.02);
    });

    it('says so before its end, and to programs', async () => {
      const program = train('early', '--json');
      await program.untilStep(1);
      expect(await recordOf('early')).toMatchObject({ state: 'running', frozen_bits: 8, findings: [{ text: SAYS }] });
      const { code, events, stderr } = await program.finished;
      expect(code, stderr).toBe(0);
      const told = (event: string) => events.find((one) => one.event === event);
      expect(told('start')).toMatchObject({ frozen_bits: 8 });
      expect(told('done')).toMatchObject({
        findings: expect.arrayContaining([expect.objectContaining({ text: SAYS })]),
      });
    });

    it('says so though it goes on on the processor, in float', async () => {
      const program = train('resumed', '--json');
      await program.untilStep(4);
      program.child.kill('SIGINT');
      expect((await program.finished).code).toBe(130);
      const { code, stderr, events } = await run(['runs', 'resume', 'resumed', '--json'], {
        VK_ICD_FILENAMES: '/nowhere',
      }).finished;
      expect(code, stderr).toBe(0);
      expect(events.find((one) => one.event === 'start')).not.toHaveProperty('frozen_bits');
      const { environment, frozen_bits, findings } = await recordOf('resumed');
      expect([environment!.executor, frozen_bits]).toEqual(['onnxruntime', 8]);
      expect(findings!.map(({ text }) => text)).toContain(SAYS);
    });

    it('has nothing to say on a processor, which measures in float', async () => {
      const { code, stderr } = await train('float', '--backend', 'onnxruntime').finished;
      expect(code, stderr).toBe(0);
      expect(stderr).not.toContain('Measured with layers in');
      const { frozen_bits, findings } = await recordOf('float');
      expect(frozen_bits).toBeUndefined();
      expect(findings!.map(({ code }) => code)).not.toContain('fewer-bits');
      expect(await readFile(join(place, 'float', 'model', 'README.md'), 'utf8')).not.toContain(
        'frozen layers in 8 bits',
      );
    });

    it('is named among the candidates of a comparison', async () => {
      const sets = ['backend=webgpu', 'max_steps=2', 'max_length=40', 'strategy.load_in_8bit=true'];
      const { code, stderr, stdout } = await run([
        ...['compare-ways', 'rows.csv', '--model', 'llama', '--strategies', 'lora,full', '--json'],
        ...sets.flatMap((set) => ['--set', set]),
      ]).finished;
      expect(code, stderr).toBe(0);
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { event: string; strategy: string; frozen_bits?: number; note?: string });
      const of = (type: string) => lines.find(({ event, strategy }) => event === 'candidate' && strategy === type);
      expect(of('lora')).toMatchObject({ frozen_bits: 8, note: saysInFewerBits(8, 'Its figures') });
      expect(of('full')).toBeDefined();
      expect(of('full')).not.toHaveProperty('frozen_bits');
      expect(plain(stderr)).toContain(`Note: ${saysInFewerBits(8, 'The figures of lora')}\n`);
    });
  },
);
