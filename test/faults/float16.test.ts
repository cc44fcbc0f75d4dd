import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkpointModel } from '../../src/engine/runs/checkpoint-model.ts';
import type { DoneEvent } from '../../src/protocol/index.ts';
import { buildEngine, endpointOf, endRuns, Program, removeEngine } from './engine.ts';
import { makeWorkplace } from './tiny.ts';

let place: string;
let recipe: string;
let cli: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-float16-'));
  [{ cli }, recipe] = await Promise.all([
    buildEngine(),
    makeWorkplace(place, { fp16: true, backend: 'onnxruntime', eval_steps: 20 }),
  ]);
});
afterAll(async () => {
  await endRuns(place);
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});

it('a run with fp16 that is resumed where nothing computes in float16 goes on in float32, and says so', async () => {
  const run = join(place, 'half');
  // The processor rounds to float16, which stands for a card here; the resumed process has none.
  const args = [cli, 'train', recipe, '--json', '--out', 'half'];
  const first = new Program(process.execPath, args, place, { LUTHIER_TEST_FLOAT16: '1' });
  await first.untilStep(40);
  const { pid } = await endpointOf(run);
  process.kill(pid, 'SIGKILL');
  await first.finished;
  expect((await checkpointModel(run)).step).toBeGreaterThanOrEqual(20);
  const { code, events, stderr } = await new Program(process.execPath, [cli, 'runs', 'resume', run, '--json'], place)
    .finished;
  expect(stderr).toContain(
    'fp16: onnxruntime computes on the processor, in float32. The run goes on in float32 instead of float16.',
  );
  // It is prepared anew, and what it reads was told when it began.
  expect(stderr).not.toMatch(/^Model: /m);
  expect([code, (events.at(-1) as DoneEvent).step]).toEqual([0, 216]);
}, 300_000);
