import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunRecord } from '../../src/protocol/index.ts';
import { buildEngine, endRuns, Program, removeEngine } from './engine.ts';
import { makeTinyBert, tinyRows } from './tiny.ts';

let place: string;
let cli: string;
// Only the runs of this test count as this machine's.
const run = (...args: string[]) =>
  new Program(process.execPath, [cli, ...args], place, { LUTHIER_DATA: join(place, 'data') });

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-search ü-'));
  [{ cli }] = await Promise.all([
    buildEngine(),
    makeTinyBert(join(place, 'tiny')),
    writeFile(join(place, 'rows.csv'), tinyRows(400)),
  ]);
});
afterAll(async () => {
  await endRuns(join(place, '.luthier', 'runs'));
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});
// Whole processes on a machine that may be busy; nothing here hangs on how fast they are.
vi.setConfig({ testTimeout: 300_000 });

interface Line {
  event: string;
  values: Record<string, unknown>;
  rung?: number;
  num_train_epochs?: number;
  value: number;
  run: string;
  reason: string;
  recipe: Record<string, unknown>;
}
const recipeFile = async (name: string, search: object, more: object = {}): Promise<string> => {
  const recipe = { model: 'tiny', dataset: 'rows.csv', num_train_epochs: 3, learning_rate: 1e-3, ...more, search };
  await writeFile(join(place, name), JSON.stringify(recipe));
  return name;
};
const runs = () => readdir(join(place, '.luthier', 'runs')).catch(() => []);
const recordOf = async (id: string): Promise<RunRecord> =>
  JSON.parse(await readFile(join(place, '.luthier', 'runs', id, 'run.json'), 'utf8'));

it('successive halving that was interrupted, and then killed, goes on where it was, and its best becomes a recipe', async () => {
  const values = { learning_rate: { min: 1e-5, max: 1e-2, scale: 'log' } };
  // Steps enough to be met at work.
  const file = await recipeFile(
    'halving.recipe.json',
    { method: 'halving', values, trials: 4 },
    { num_train_epochs: 12 },
  );
  const args = ['train', file, '--json'];
  const first = run(...args);
  await first.untilSaid('2 of 4');
  first.child.kill('SIGINT');
  const interrupted = await first.finished;
  expect(interrupted.code).toBe(130);
  expect(interrupted.stderr).toContain('The same command resumes.');
  const second = run(...args);
  await second.untilSaid('4 of 4');
  second.child.kill('SIGKILL');
  await second.finished;
  const third = await run(...args).finished;
  expect(third.stderr).toMatch(/was interrupted and is resumed: \d of 4 candidates/);
  expect(third.code).toBe(0);
  const lines = third.events as unknown as Line[];
  // Of four the best one trains three times as long: ⌊4/3⌋ = 1.
  const candidates = lines.filter(({ event }) => event === 'candidate');
  expect(candidates.map(({ rung, num_train_epochs }) => [rung, num_train_epochs])).toEqual([
    [1, 4],
    [1, 4],
    [1, 4],
    [1, 4],
    [2, 12],
  ]);
  const best = candidates.slice(0, 4).reduce((a, b) => (b.value > a.value ? b : a));
  expect(
    candidates
      .slice(0, 4)
      .filter(({ value }) => value === best.value)
      .map((one) => one.values),
  ).toContainEqual(candidates[4]!.values);
  const choice = lines.at(-1)!;
  expect(choice).toMatchObject({ event: 'choice', values: candidates[4]!.values, run: candidates[4]!.run });
  expect(choice.reason).toContain('the best of 5 trainings by successive halving');
  // Nothing was trained twice, and the chosen model alone is kept.
  expect(await runs()).toHaveLength(5);
  const kept = await Promise.all((await runs()).map(recordOf));
  expect(kept.flatMap(({ id, model }) => (model === null ? [] : [id]))).toEqual([choice.run]);
  expect(new Set(kept.map(({ tags }) => tags?.join())).size).toBe(1);

  // What is done is not done again to be written.
  const written = await run(...args, '--write').finished;
  expect(written.stderr).toContain('was tried already');
  expect(await runs()).toHaveLength(5);
  const beside = JSON.parse(await readFile(join(place, 'halving-best.recipe.json'), 'utf8'));
  expect(beside).toEqual({ model: 'tiny', dataset: 'rows.csv', num_train_epochs: 12, ...choice.values });
  expect(choice.recipe).toEqual(beside);
});

it('a grid tries every combination on the same rows, with a table, and keeps other files of that name', async () => {
  const values = { learning_rate: [1e-5, 4e-3], 'strategy.num_frozen_layers': [1] };
  const file = await recipeFile(
    'grid.recipe.json',
    { method: 'grid', values },
    { strategy: { type: 'freeze', num_frozen_layers: 2 } },
  );
  await writeFile(join(place, 'grid-best.recipe.json'), 'mine');
  const { code, stdout, stderr } = await run('train', file, '--write').finished;
  expect(code).toBe(0);
  expect(stdout).toMatch(/learning_rate 0\.004, strategy\.num_frozen_layers 1 ←/);
  expect(stderr).toContain('the best of 2');
  expect(stderr).toContain('grid-best-2.recipe.json');
  expect(await readFile(join(place, 'grid-best.recipe.json'), 'utf8')).toBe('mine');
  const best = JSON.parse(await readFile(join(place, 'grid-best-2.recipe.json'), 'utf8'));
  expect(best).toMatchObject({ learning_rate: 4e-3, strategy: { type: 'freeze', num_frozen_layers: 1 } });
});

it('values out of range, options of one run, and a budget for none are refused before anything starts', async () => {
  const before = await runs();
  const wrong = await recipeFile('wrong.recipe.json', {
    method: 'grid',
    values: { learning_rate: [-1], lerning_rate: [1] },
  });
  const refused = await run('train', wrong).finished;
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('unknown key "search.values.lerning_rate"; did you mean "learning_rate"?');
  const low = await recipeFile('low.recipe.json', { method: 'grid', values: { learning_rate: [-1] } });
  const { stderr } = await run('train', low).finished;
  expect(stderr).toMatch(/low\.recipe\.json:1:\d+: "search\.values\.learning_rate\[0\]" is -1/);
  const right = await recipeFile('right.recipe.json', {
    method: 'grid',
    values: { learning_rate: [1e-3] },
    minutes: 0.01,
  });
  for (const option of ['--folds=3', '--seeds=3', '--detach', '--queue']) {
    const one = await run('train', right, option).finished;
    expect([one.code, one.stderr]).toEqual([2, expect.stringContaining('is for one run')]);
  }
  const short = await run('train', right).finished;
  expect([short.code, short.stderr]).toEqual([
    2,
    expect.stringMatching(/1 second is too short: even learning_rate 0\.001/),
  ]);
  expect(await runs()).toEqual(before);
});

it('a range test suggests a rate, begins as a run does, and keeps nothing', async () => {
  const before = await runs();
  await writeFile(
    join(place, 'range.recipe.json'),
    JSON.stringify({ model: 'tiny', dataset: 'rows.csv', num_train_epochs: 5, learning_rate: 1e-7, warmup_steps: 0 }),
  );
  const { code, events } = await run('train', 'range.recipe.json', '--range-test', '--json').finished;
  expect(code).toBe(0);
  const lines = events as unknown as {
    event: string;
    learning_rate: number;
    loss: number;
    steps: number;
    key: string;
  }[];
  const points = lines.filter(({ event }) => event === 'rate');
  expect(points.length).toBeGreaterThan(20);
  expect(points[0]!.learning_rate).toBeCloseTo(1e-7, 15);
  const last = lines.at(-1)!;
  expect(last).toMatchObject({ event: 'suggestion', key: 'learning_rate', steps: points.length });
  expect(last.learning_rate).toBeGreaterThan(1e-5);
  expect(await runs()).toEqual(before);
  // Its first step is a run's.
  const real = await run('train', 'range.recipe.json', '--json', '--set', 'max_steps=1', '--out', 'real').finished;
  const step = real.events.find(({ event }) => event === 'step');
  expect(step).toMatchObject({ loss: points[0]!.loss });
  const beside = await run('train', 'range.recipe.json', '--range-test', '--folds', '3').finished;
  expect([beside.code, beside.stderr]).toEqual([2, expect.stringContaining('Remove --folds, or --range-test.')]);
});
