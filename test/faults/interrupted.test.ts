import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Random } from '../../src/engine/data/random.ts';
import type { DoneEvent } from '../../src/protocol/index.ts';
import { effectiveEvents, readEvents } from '../../src/runs/metrics.ts';
import {
  buildEngine,
  endpointOf,
  endRuns,
  type Finished,
  isAlive,
  losses,
  Program,
  removeEngine,
  stateOf,
} from './engine.ts';
import { makeWorkplace, tinyRows, writeRecipe } from './tiny.ts';

let place: string;
let recipe: string;
let cli: string;
let reference: Finished;
const run = (...args: string[]) => new Program(process.execPath, [cli, ...args], place);

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier faults ü '));
  [{ cli }, recipe] = await Promise.all([buildEngine(), makeWorkplace(place)]);
  reference = await run('train', recipe, '--json', '--out', 'reference').finished;
});
afterAll(async () => {
  await endRuns(place);
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});
// Whole processes on a machine that may be busy; nothing here hangs on how fast they are.
vi.setConfig({ testTimeout: 300_000 });

const weights = (folder: string) => readFile(join(place, folder, 'model', 'model.safetensors'));

/** Whatever happened on the way, the run must have had the losses of the unbroken one, and end in the same weights. */
async function expectLikeReference(folder: string, parts: Finished[]): Promise<void> {
  expectLike(reference, parts);
  expect((await weights(folder)).equals(await weights('reference'))).toBe(true);
}

function expectLike(whole: Finished, parts: Finished[]): void {
  const joined = losses(parts.flatMap((part) => part.events));
  const unbroken = losses(whole.events);
  const different = [...unbroken].find(([step, loss]) => joined.get(step) !== loss);
  expect(
    different,
    `the first step whose loss differs; then it was ${joined.get(different?.[0] ?? 0)}`,
  ).toBeUndefined();
  expect(joined.size).toBe(unbroken.size);
  const done = parts.at(-1)!.events.at(-1) as DoneEvent;
  expect(done).toMatchObject({ event: 'done', best_step: (whole.events.at(-1) as DoneEvent).best_step });
}

describe('a whole run', () => {
  it('learns, and says so last', () => {
    expect(reference.stderr).not.toMatch(/Error/);
    expect(reference.code).toBe(0);
    const done = reference.events.at(-1) as DoneEvent;
    expect(done).toMatchObject({ event: 'done', step: 216, run: join(place, 'reference') });
    expect(done.metrics.accuracy).toBeGreaterThan(0.9);
    expect(losses(reference.events).size).toBe(216);
  });

  it('leaves its model and no checkpoints, and the same events in its folder', async () => {
    const left = await readdir(join(place, 'reference'));
    expect(left).toContain('model');
    expect(left).not.toContain('checkpoints');
    const lines = (await readFile(join(place, 'reference', 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const logged = lines.map((line) => JSON.parse(line)).filter((event) => event.event !== 'note');
    expect(logged).toEqual(reference.events);
  });

  it('repeats bit for bit, and keeps two checkpoints and the best where it is asked to', async () => {
    const again = await run('train', recipe, '--json', '--out', 'again', '--set', 'keep_checkpoints=true').finished;
    await expectLikeReference('again', [again]);
    const kept = await readdir(join(place, 'again', 'checkpoints'));
    expect(kept.length).toBeGreaterThanOrEqual(2);
    expect(kept.length).toBeLessThanOrEqual(3);
    const resumed = await run('runs', 'resume', 'reference').finished;
    expect([resumed.code, resumed.stderr]).toEqual([0, expect.stringMatching(/there is nothing to/)]);
  });
});

describe('SIGKILL', () => {
  it('at random moments, resumed, gives equal losses bit for bit', async () => {
    const random = new Random(Date.now() % 2 ** 31);
    const parts: Finished[] = [];
    let program = run('train', recipe, '--json', '--out', 'killed');
    let at = 0;
    for (let kills = 0; kills < 4; kills++) {
      at += 1 + random.below(50);
      await program.untilStep(at);
      // Somewhere within the steps or the checkpoint that follow.
      await new Promise((resolve) => setTimeout(resolve, random.below(60)));
      const { pid } = await endpointOf(join(place, 'killed'));
      process.kill(pid, 'SIGKILL');
      const killed = await program.finished;
      parts.push(killed);
      expect(killed.code).toBe(1);
      expect(killed.stderr).toContain('luthier runs resume');
      program = run('runs', 'resume', 'killed', '--json');
      // The checkpoint may be older than what was done; it is done again.
      const start = await program.until((event) => event.event === 'start');
      at = Math.max(at, (start as { step: number }).step);
    }
    parts.push(await program.finished);
    expect(parts.at(-1)!.code).toBe(0);
    await expectLikeReference('killed', parts);
  });

  it('of a LoRA run on a base in 8 bits, resumed, gives the same adapter', async () => {
    const lora = join(place, 'lora.recipe.json');
    const strategy = { type: 'lora', r: 4, lora_dropout: 0.1, load_in_8bit: true };
    await writeRecipe(lora, { strategy, num_train_epochs: 3, save_steps: 5 });
    const whole = await run('train', lora, '--json', '--out', 'lora').finished;
    const program = run('train', lora, '--json', '--out', 'lora-killed');
    await program.untilStep(12);
    process.kill((await endpointOf(join(place, 'lora-killed'))).pid, 'SIGKILL');
    const first = await program.finished;
    expect(first.code).toBe(1);
    expectLike(whole, [first, await run('runs', 'resume', 'lora-killed', '--json').finished]);
    const adapter = (folder: string) => readFile(join(place, folder, 'adapter', 'adapter_model.safetensors'));
    expect((await adapter('lora-killed')).equals(await adapter('lora'))).toBe(true);
  });

  it('with layers that are unfrozen one after another goes on across where a phase begins, told once each', async () => {
    const gradual = join(place, 'gradual.recipe.json');
    const strategy = { type: 'gradual-unfreeze', steps_per_group: 9 };
    const more = { lr_scheduler_type: 'slanted_triangular', gradient_accumulation_steps: 2, focal_gamma: 2 };
    await writeRecipe(gradual, { strategy, ...more, learning_rate: 2e-2, max_steps: 36, save_steps: 4 });
    const whole = await run('train', gradual, '--json', '--out', 'gradual').finished;
    const parts: Finished[] = [];
    let program = run('train', gradual, '--json', '--out', 'gradual-killed');
    // The checkpoints are of the phases before: the second begins after step 9, the third after step 18.
    for (const at of [10, 19]) {
      await program.untilStep(at);
      process.kill((await endpointOf(join(place, 'gradual-killed'))).pid, 'SIGKILL');
      parts.push(await program.finished);
      program = run('runs', 'resume', 'gradual-killed', '--json');
    }
    parts.push(await program.finished);
    expectLike(whole, parts);
    expect((await weights('gradual-killed')).equals(await weights('gradual'))).toBe(true);
    const told = async (folder: string) =>
      effectiveEvents(await readEvents(join(place, folder, 'metrics.jsonl'))).flatMap((event) =>
        event.event === 'note' && event.step !== undefined ? [[event.step, event.message]] : [],
      );
    expect((await told('gradual')).map(([step]) => step)).toEqual([1, 10, 19, 28]);
    expect(await told('gradual-killed')).toEqual(await told('gradual'));
  });

  it('before the first checkpoint starts over', async () => {
    const program = run('train', recipe, '--json', '--out', 'early');
    await program.untilStep(1);
    process.kill((await endpointOf(join(place, 'early'))).pid, 'SIGKILL');
    const first = await program.finished;
    // Whether that came before the checkpoint of step 15 is chance; without one, as if it had.
    await rm(join(place, 'early', 'checkpoints'), { recursive: true, force: true });
    const second = await run('runs', 'resume', join(place, 'early'), '--json').finished;
    expect(second.stderr).toContain('starts from the beginning');
    await expectLikeReference('early', [first, second]);
  });

  it('that tears the last line of the metrics costs that line alone', async () => {
    const program = run('train', recipe, '--json', '--out', 'torn');
    await program.untilStep(32);
    process.kill((await endpointOf(join(place, 'torn'))).pid, 'SIGKILL');
    const first = await program.finished;
    const metrics = join(place, 'torn', 'metrics.jsonl');
    await truncate(metrics, (await readFile(metrics)).length - 25);
    await appendFile(metrics, '{"event":"st');
    const second = await run('runs', 'resume', 'torn', '--json').finished;
    await expectLikeReference('torn', [first, second]);
    const whole = (await readFile(metrics, 'utf8')).split('\n').filter((line) => {
      try {
        return JSON.parse(line).event === 'done';
      } catch {
        return false;
      }
    });
    expect(whole).toHaveLength(1);
  });
});

describe('Ctrl-C', () => {
  it('once writes a checkpoint within one step, says how to go on, and it does', async () => {
    const program = run('train', recipe, '--json', '--out', 'once');
    await program.untilStep(40);
    program.child.kill('SIGINT');
    const first = await program.finished;
    expect(first.code).toBe(130);
    const last = Math.max(...losses(first.events).keys());
    expect(first.events.at(-1)).toMatchObject({ event: 'checkpoint', step: last, reason: 'interrupt' });
    expect(first.stderr).toContain('luthier runs resume once');
    const shown = await run('runs', 'show', 'once', '--json').finished;
    expect(shown.events[0]).toMatchObject({ state: 'interrupted', step: last });
    const second = await run('runs', 'resume', 'once', '--json').finished;
    expect(second.events.find((e) => e.event === 'start')).toMatchObject({ step: last });
    await expectLikeReference('once', [first, second]);
  });

  it('twice ends at once', async () => {
    const program = run('train', recipe, '--json', '--out', 'twice');
    await program.untilStep(8);
    const { pid } = await endpointOf(join(place, 'twice'));
    // As if in a long step: it cannot hear the first one.
    process.kill(pid, 'SIGSTOP');
    program.child.kill('SIGINT');
    await program.untilSaid('Ending after this step');
    program.child.kill('SIGINT');
    const first = await program.finished;
    expect(first.code).toBe(130);
    // What is killed may be ending still.
    await vi.waitFor(async () => expect(await isAlive(pid)).toBe(false), 10_000);
    const second = await run('runs', 'resume', 'twice', '--json').finished;
    await expectLikeReference('twice', [first, second]);
  });

  it('before the first step leaves nothing that hinders a new start', async () => {
    const program = run('train', recipe, '--json', '--out', 'soon');
    await program.until((event) => event.event === 'state');
    program.child.kill('SIGINT');
    const first = await program.finished;
    expect(first.code).toBe(130);
    const second = await run('runs', 'resume', 'soon', '--json').finished;
    await expectLikeReference('soon', [first, second]);
  });
});

describe('a run that goes on', () => {
  it('refuses other data', async () => {
    const program = run('train', recipe, '--json', '--out', 'changed');
    await program.untilStep(7);
    program.child.kill('SIGINT');
    await program.finished;
    const rows = join(place, 'rows.csv');
    const before = await readFile(rows);
    try {
      await writeFile(rows, tinyRows(200, 5));
      const second = await run('runs', 'resume', 'changed', '--json').finished;
      expect(second.code).toBe(1);
      expect(second.stderr).toMatch(/dataset has changed/);
    } finally {
      await writeFile(rows, before);
    }
    // And goes on when they are back.
    expect((await run('runs', 'resume', 'changed', '--json').finished).code).toBe(0);
    expect(await stateOf(join(place, 'changed'))).toBe('done');
  });

  it('says what holds for a beginning once, when it begins', async () => {
    const program = run('train', recipe, '--json', '--out', 'noted');
    await program.untilStep(7);
    program.child.kill('SIGINT');
    await program.finished;
    expect((await run('runs', 'resume', 'noted', '--json').finished).code).toBe(0);
    const events = (await readEvents(join(place, 'noted', 'metrics.jsonl'))).map(({ event }) => event);
    const starts = events.flatMap((event) => (event.event === 'start' ? [event.step] : []));
    expect(starts).toEqual([0, expect.any(Number)]);
    expect(starts[1]).toBeGreaterThan(0);
    const notes = events.flatMap((event) => (event.event === 'note' ? [event.message] : []));
    expect(notes).toContain('The classifier starts from new weights: the model has none yet.');
    expect(notes).toEqual([...new Set(notes)]);
  });

  it('on other ground says that losses will differ', async () => {
    const program = run('train', recipe, '--json', '--out', 'moved');
    await program.untilStep(7);
    program.child.kill('SIGINT');
    await program.finished;
    const checkpoints = join(place, 'moved', 'checkpoints');
    for (const name of await readdir(checkpoints)) {
      const file = join(checkpoints, name, 'trainer_state.json');
      const state = JSON.parse(await readFile(file, 'utf8'));
      state.fingerprint.cpu = 'Another Processor';
      await writeFile(file, JSON.stringify(state));
    }
    const second = await run('runs', 'resume', 'moved', '--json').finished;
    expect(second.code).toBe(0);
    expect(second.stderr).toMatch(/processor is .*, was Another Processor.*losses may differ in the last digits/);
  });

  it('when it is finished says so and exits 0', async () => {
    const resumed = await run('runs', 'resume', 'reference').finished;
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toMatch(/is finished; there is nothing to resume/);
  });
});
