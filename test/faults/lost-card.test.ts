import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { createWebGpuExecutor } from '../../src/engine/tensor/executors/webgpu.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { RunRecord } from '../../src/protocol/index.ts';
import { effectiveEvents, readEvents } from '../../src/runs/metrics.ts';
import { buildEngine, endpointOf, endRuns, type Finished, losses, Program, removeEngine } from './engine.ts';
import { makeWorkplace } from './tiny.ts';

const isThere = process.env.LUTHIER_TEST_WEBGPU === '1';
const hasFloat16 = isThere && (await (await createWebGpuExecutor()).computesInFloat16!());

let place: string;
let recipe: string;
let cli: string;
let reference: Finished;
const run = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  new Program(process.execPath, [cli, ...args], place, { LUTHIER_CACHE: join(place, 'cache'), ...env });
const train = (out: string, env: NodeJS.ProcessEnv = {}, ...more: string[]) =>
  run(['train', recipe, '--json', '--out', out, ...more], env);

beforeAll(async () => {
  if (!isThere) return;
  place = await mkdtemp(join(tmpdir(), 'luthier-lost-card-'));
  [{ cli }, recipe] = await Promise.all([
    buildEngine(),
    makeWorkplace(place, { backend: 'webgpu', num_train_epochs: 1, save_steps: 10 }),
  ]);
  reference = await train('reference').finished;
}, 900_000);
afterAll(async () => {
  if (!isThere) return;
  await endRuns(place);
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});
// Whole processes on a software driver; nothing here hangs on how fast they are.
vi.setConfig({ testTimeout: 900_000 });

const recordOf = async (out: string): Promise<RunRecord> =>
  JSON.parse(await readFile(join(place, out, 'run.json'), 'utf8'));

/** The losses that count, by step. */
const lossesOf = async (out: string): Promise<Map<number, number>> =>
  losses(effectiveEvents(await readEvents(join(place, out, 'metrics.jsonl'))));

/** Runs of programs: some five a step, so that these are at about step 3 and 15. */
const EARLY = '20';
const MIDDLE = '80';

describe.skipIf(!isThere)('a run whose graphics card is lost (skipped unless LUTHIER_TEST_WEBGPU=1)', () => {
  it('has the reference’s losses, which it says at no time', async () => {
    expect(reference.code, reference.stderr).toBe(0);
    expect(losses(reference.events).size).toBe(27);
    expect((await recordOf('reference')).incidents).toBeUndefined();
  });

  it('goes on from its last checkpoint on the card, says so, and has the losses of an unbroken run', async () => {
    const { code, stderr } = await train('again', { LUTHIER_TEST_CARD_LOST: MIDDLE }).finished;
    expect(code, stderr).toBe(0);
    const { incidents, environment, state } = await recordOf('again');
    expect(state).toBe('done');
    expect(environment?.executor).toBe('webgpu');
    expect(incidents).toHaveLength(1);
    expect(incidents![0]).toMatchObject({ kind: 'device-lost', step: 10 });
    expect(incidents![0]!.message).toMatch(
      /^The graphics card was lost .* That was in step \d+\. The run goes on from its checkpoint of step 10, on the graphics card again\. \d+ steps? (is|are) computed again\.$/,
    );
    expect(stderr).toContain(incidents![0]!.message);
    const events = (await readEvents(join(place, 'again', 'metrics.jsonl'))).map(({ event }) => event);
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'note', level: 'warning', incident: 'device-lost', step: 10 }),
    );
    expect(await lossesOf('again')).toEqual(losses(reference.events));
  });

  it('starts from the beginning where there is no checkpoint yet', async () => {
    const { code, stderr } = await train('early', { LUTHIER_TEST_CARD_LOST: EARLY }).finished;
    expect(code, stderr).toBe(0);
    const { incidents } = await recordOf('early');
    expect(incidents).toMatchObject([
      { step: 0, message: expect.stringContaining('starts from the beginning, since there is no checkpoint yet') },
    ]);
    expect(await lossesOf('early')).toEqual(losses(reference.events));
  });

  it('goes on on the processor where it is resumed without its card', async () => {
    const program = train('without', {});
    await program.untilStep(12);
    program.child.kill('SIGINT');
    expect((await program.finished).code).toBe(130);
    const { step } = await recordOf('without');
    const { code, stderr } = await run(['runs', 'resume', 'without', '--json'], { VK_ICD_FILENAMES: '/nowhere' })
      .finished;
    expect(code, stderr).toBe(0);
    const { incidents, environment, state } = await recordOf('without');
    expect([state, environment?.executor]).toEqual(['done', 'onnxruntime']);
    expect(incidents).toMatchObject([
      {
        ...{ kind: 'device-lost', step },
        message: expect.stringMatching(
          new RegExp(
            `^No graphics card can be used .* The run goes on from its checkpoint of step ${step}, on the processor\\.$`,
          ),
        ),
      },
    ]);
    expect(stderr).toContain(incidents![0]!.message);
  });

  it('goes on on the processor where the card cannot be opened again', async () => {
    // A driver of its own, which is then unplugged.
    const given = process.env.VK_ICD_FILENAMES!;
    const driver = join(place, 'driver');
    await mkdir(driver);
    for (const name of await readdir(dirname(given))) await copyFile(join(dirname(given), name), join(driver, name));
    const icd = join(driver, 'vk_swiftshader_icd.json');
    const program = train('unplugged', { LUTHIER_TEST_CARD_LOST: MIDDLE, VK_ICD_FILENAMES: icd });
    await program.untilStep(2);
    await rm(icd);
    const { code, stderr } = await program.finished;
    expect(code, stderr).toBe(0);
    const { incidents, environment, state } = await recordOf('unplugged');
    expect(state).toBe('done');
    expect(environment?.executor).toBe('onnxruntime');
    expect(incidents).toMatchObject([
      {
        kind: 'device-lost',
        step: 10,
        message: expect.stringContaining('checkpoint of step 10, on the processor: No graphics card'),
      },
    ]);
    const [ours, theirs] = [await lossesOf('unplugged'), losses(reference.events)];
    expect([...ours.keys()]).toEqual([...theirs.keys()]);
    for (const step of [1, 5, 10]) expect(ours.get(step)).toBe(theirs.get(step));
  });

  it('goes on on the processor where the card is lost once more before the next checkpoint', async () => {
    const { code, stderr } = await train('twice', { LUTHIER_TEST_CARD_LOST: `${MIDDLE},${Number(MIDDLE) + 15}` })
      .finished;
    expect(code, stderr).toBe(0);
    const { incidents, environment } = await recordOf('twice');
    expect(environment?.executor).toBe('onnxruntime');
    expect(incidents).toMatchObject([
      { message: expect.stringContaining('on the graphics card again') },
      { message: expect.stringContaining('on the processor: it was lost again before the next checkpoint') },
    ]);
  });

  it.skipIf(!hasFloat16)('goes on on the processor in float32, if it was in float16 on the card', async () => {
    const lost = { LUTHIER_TEST_CARD_LOST: `${MIDDLE},${Number(MIDDLE) + 15}` };
    const { code, stderr } = await train('wide', lost, '--set', 'fp16=true').finished;
    expect(code, stderr).toBe(0);
    const { incidents, environment, state } = await recordOf('wide');
    expect(state).toBe('done');
    expect(environment?.executor).toBe('onnxruntime');
    expect(incidents![0]!.message).not.toContain('float32');
    expect(incidents![1]!.message).toMatch(
      /on the processor: .* On the processor it computes in float32 instead of float16\./,
    );
  });

  it('says when it is resumed that its process ended without a word, and with what losses it goes on', async () => {
    const program = train('killed');
    await program.untilStep(13);
    process.kill((await endpointOf(join(place, 'killed'))).pid, 'SIGKILL');
    const { stderr } = await program.finished;
    expect(stderr).toContain(
      'The training process stopped unexpectedly, perhaps ended by the driver of the graphics card.',
    );
    const resumed = await run(['runs', 'resume', 'killed', '--json']).finished;
    expect(resumed.code, resumed.stderr).toBe(0);
    const { incidents } = await recordOf('killed');
    expect(incidents).toMatchObject([
      {
        kind: 'device-lost',
        step: 10,
        message: expect.stringMatching(
          /^The training process ended after step \d+ without saying why\. .* its checkpoint of step 10\. \d+ steps? (is|are) computed again\.$/,
        ),
      },
    ]);
    expect(await lossesOf('killed')).toEqual(losses(reference.events));
  });
});

/** The most that each of an epoch's steps takes of the card, in this process. */
async function peaksOf(more: object): Promise<number[]> {
  const written = JSON.parse(await readFile(recipe, 'utf8'));
  const trainer = await createTrainer({
    recipe: parseRecipe({ ...written, model: join(place, 'tiny'), dataset: join(place, 'rows.csv'), ...more }),
    base: place,
    note: () => {},
  });
  const { memory } = await createWebGpuExecutor();
  const peaks: number[] = [];
  for (let i = 0; i < trainer.stepsPerEpoch; i++) {
    memory!.reset();
    await trainer.trainStep();
    peaks.push(memory!.peak);
  }
  trainer.dispose();
  return peaks;
}

describe.skipIf(!isThere)('a run whose graphics card is full (skipped unless LUTHIER_TEST_WEBGPU=1)', () => {
  const SMALL = { per_device_train_batch_size: 4, gradient_accumulation_steps: 2 };

  it('computes smaller micro-batches, says so, and keeps to them when it is resumed', async () => {
    const [begin] = await peaksOf({});
    const little = Math.max(...(await peaksOf(SMALL)));
    // So that the very first step is too large for the card.
    expect(little).toBeLessThan(begin!);
    const sets = Object.entries(SMALL).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    const small = await train('small', {}, ...sets).finished;
    expect(small.code, small.stderr).toBe(0);
    const full = { LUTHIER_TEST_CARD_BYTES: String(Math.round((little + begin!) / 2)) };
    const first = train('full', full);
    await first.untilStep(13);
    first.child.kill('SIGINT');
    await first.finished;
    const resumed = await run(['runs', 'resume', 'full', '--json'], full).finished;
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stderr).toContain('The graphics card has run out of memory before.');
    const { incidents } = await recordOf('full');
    const ofSteps = incidents!.filter(({ message }) => message.includes('per_device_train_batch_size'));
    expect(ofSteps).toMatchObject([
      {
        kind: 'out-of-memory',
        message: expect.stringContaining('per_device_train_batch_size 4 with gradient_accumulation_steps 2'),
      },
    ]);
    expect(ofSteps[0]!.step).toBe(0);
    const ours = await lossesOf('full');
    expect(ours).toEqual(await lossesOf('small'));
    expect(ours.size).toBe(27);
  });

  it('ends with what would fit where even one row does not', async () => {
    const { code, stderr } = await train('none', { LUTHIER_TEST_CARD_BYTES: '700000' }).finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/The graphics card (has too little memory for step 1|is out of memory)/);
    expect(stderr).toMatch(/It would fit with|Choose a smaller base model/);
  });
});
