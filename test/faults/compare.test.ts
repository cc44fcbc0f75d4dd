import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { compare } from '../../src/engine/runs/comparison/compare.ts';
import type { Candidate, Comparison, RunEstimate } from '../../src/protocol/index.ts';
import { connectRun } from '../../src/runs/client.ts';
import { buildEngine, endRuns, Program, removeEngine } from './engine.ts';
import { makeTinyBert, tinyRows } from './tiny.ts';

let place: string;
let cli: string;
let runner: string;
// Only the runs of this test count as this machine's.
const run = (...args: string[]) =>
  new Program(process.execPath, [cli, ...args], place, { LUTHIER_DATA: join(place, 'data') });

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-compare ü-'));
  [{ cli, runner }] = await Promise.all([
    buildEngine(),
    makeTinyBert(join(place, 'tiny')),
    makeTinyBert(join(place, 'larger'), 4),
    writeFile(join(place, 'rows.csv'), tinyRows(400)),
    writeFile(join(place, 'few.csv'), `${tinyRows(24)}a kind of its own,odd\n`),
  ]);
});
afterAll(async () => {
  await endRuns(join(place, '.luthier', 'runs'));
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});
// Whole processes on a machine that may be busy; nothing here hangs on how fast they are.
vi.setConfig({ testTimeout: 300_000 });

type Line = Record<string, unknown> & { event: string; strategy: string; model: string; run: string; reason: string };
const linesOf = (events: unknown[]) => events as Line[];
const runs = () => readdir(join(place, '.luthier', 'runs')).catch(() => []);
const comparison = async (): Promise<{ state: string; candidates: { run: string | null; state: string }[] }[]> => {
  const folder = join(place, '.luthier', 'comparisons');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))));
};

it('a comparison that was interrupted, and then killed with its second run at work, goes on where it was', async () => {
  const args = ['compare-ways', 'rows.csv', '--model', 'tiny', '--strategies', 'head,freeze,full', '--json'];
  // Steps enough to be met at work.
  const long = [...args, '--set', 'num_train_epochs=12', '--set', 'eval_steps=400', '--minutes', '20'];
  const first = run(...long);
  await first.untilSaid('1 of 3');
  first.child.kill('SIGINT');
  const interrupted = await first.finished;
  expect(interrupted.code).toBe(130);
  expect(interrupted.stderr).toContain('The same command resumes.');
  expect(interrupted.events.some(({ event }) => (event as string) === 'choice')).toBe(false);

  const second = run(...long);
  await second.untilSaid('2 of 3');
  second.child.kill('SIGKILL');
  await second.finished;
  expect((await comparison())[0]!.state).toBe('running');
  // The run itself may still work: it is looked on at, and not begun again.
  const third = await run(...long).finished;
  expect(third.stderr).toMatch(/was interrupted and is resumed: \d of 3 candidates/);
  expect(third.code).toBe(0);
  const lines = linesOf(third.events);
  expect(lines.map(({ event }) => event)).toEqual(['candidate', 'candidate', 'candidate', 'choice']);
  expect(new Set(lines.slice(0, 3).map(({ strategy }) => strategy))).toEqual(new Set(['head', 'freeze', 'full']));
  for (const line of lines) {
    expect(line).toMatchObject({ model: 'tiny', metric: 'f1_macro', stopped: false, n: 40 });
    for (const key of ['value', 'low', 'high', 'wall_s', 'peak_rss_bytes', 'model_bytes'])
      expect(line[key], key).toBeTypeOf('number');
  }
  expect(lines[3]!.reason).toMatch(/^(head|freeze|full): macro F1 \d+\.\d %/);
  // Nothing was trained twice.
  expect(await runs()).toHaveLength(3);
  // The chosen model alone is kept.
  const kept = await Promise.all(
    lines
      .slice(0, 3)
      .map(async ({ run: id }) => JSON.parse(await readFile(join(place, '.luthier', 'runs', id, 'run.json'), 'utf8'))),
  );
  expect(kept.flatMap(({ id, model }) => (model === null ? [] : [id]))).toEqual([lines[3]!.run]);
  expect((await comparison())[0]!.state).toBe('done');
});

it('few rows are answered in folds, which is said, as is a class with fewer rows than folds', async () => {
  const { code, stderr, events } = await run(
    ...['compare-models', 'few.csv', '--models', 'tiny,larger', '--json'],
    ...['--set', 'num_train_epochs=1'],
  ).finished;
  expect(code).toBe(0);
  expect(stderr).toMatch(/each candidate is cross-validated: 5 trainings, and all 25 rows are measured/);
  expect(stderr).toMatch(/“odd” has 1 row, fewer than the 5 folds/);
  const lines = linesOf(events);
  const measured = lines.filter(({ event }) => event === 'candidate');
  expect(measured.map(({ model }) => model).sort()).toEqual(['larger', 'tiny']);
  for (const line of measured) expect(line).toMatchObject({ n: 25, languages: null, license: null, max_positions: 32 });
  expect(lines.at(-1)).toMatchObject({ event: 'choice', folds: 5 });
});

it('a budget that is too short for one, a strategy or a model that there is none of, and rows without labels are refused before anything starts', async () => {
  const before = await runs();
  const short = await run('compare-ways', 'rows.csv', '--model', 'tiny', '--minutes', '0.01').finished;
  expect(short.code).toBe(2);
  expect(short.stderr).toMatch(/1 second is too short: even \w+, the fastest, takes about/);
  const unknown = await run('compare-ways', 'rows.csv', '--model', 'tiny', '--strategies', 'magic').finished;
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain('There is no strategy “magic”');
  const misspelt = await run('compare-models', 'few.csv', '--models', 'tiny,lagrer').finished;
  expect(misspelt.code).toBe(1);
  expect(misspelt.stderr).toMatch(/Model "lagrer" was not found; .* Did you mean “larger”\?/);
  const elsewhere = await run('compare-models', 'few.csv', '--models', 'tiny,org/missing').finished;
  expect(elsewhere.stderr).toContain('luthier models download org/missing');
  const rows = await run('compare-ways', 'row.csv', '--model', 'tiny').finished;
  expect(rows.stderr).toContain('no dataset called “row.csv”; did you mean “rows.csv”?');
  expect((await run('compare-ways', 'rows.csv', '--model', 'tiny', '--minutes', 'x').finished).code).toBe(2);
  await writeFile(join(place, 'plain.csv'), 'a\n1\n2\n');
  expect((await run('compare-ways', 'plain.csv', '--model', 'tiny').finished).code).toBe(1);
  expect(await runs()).toEqual(before);
});

it('a strategy that would train nothing is left out, and what is wrong with all alike is said', async () => {
  await writeFile(join(place, 'talk.jsonl'), talk(12));
  const nothing = await run(...['compare-ways', 'talk.jsonl', '--model', 'starters/decoder', '--strategies', 'head'])
    .finished;
  expect(nothing.stderr).toContain('would train nothing');
  expect(nothing.code).toBe(2);
});

/** One candidate within some seconds; at its first step its run is met. */
async function tried(
  budget_s: number,
  meet: (run: string) => Promise<void>,
  dataset = 'rows.csv',
): Promise<Comparison> {
  const candidate: Candidate = {
    ...{ strategy: 'full', title: 'Full', model: 'tiny', about: null, estimate_s: null, state: 'waiting', run: null },
    // Many more steps than there is time for, and nothing measured before the last one.
    recipe: { model: 'tiny', dataset, num_train_epochs: 5_000, eval_steps: 1_000_000, max_length: 16 },
    ...{ reason: null, result: null },
  };
  // That of a run that would fit: what is looked at is one that does not come to its end all the same.
  const estimate = { rows: 400, validation_rows: 40, classes: [], seconds: 1, problems: [] };
  const memory = { peak_memory_bytes: 1, free_memory_bytes: 2 };
  let met = false;
  let last: Comparison | null = null;
  return compare({
    ...{ compared: 'ways', candidates: [candidate], data: dataset, base: place, home: join(place, '.luthier') },
    ...{ budget_s, rows: null, runner, signal: new AbortController().signal, note: () => undefined },
    estimate: async () => ({ ...estimate, ...memory }) as unknown as RunEstimate,
    onChange: (comparison) => {
      last = comparison;
    },
    onProgress: () => {
      if (!met) void meet(join(place, '.luthier', 'runs', last!.candidates[0]!.run!));
      met = true;
    },
  });
}

it('what came to no result within its share of the time is left out with the reason and what to do, and has not failed', async () => {
  const { candidates, choice, state } = await tried(9, async (run) => {
    // It hears neither that its time is over nor anything else.
    const client = await connectRun(run, 'test');
    process.kill(client.pid, 'SIGSTOP');
    client.close();
  });
  expect(state).toBe('done');
  expect(choice).toBeNull();
  expect(candidates[0]).toMatchObject({ state: 'left-out', run: expect.any(String), result: null });
  expect(candidates[0]!.reason).toMatch(
    /^It came to no result within its share of the time \(\d seconds\)(, before its first step|, after step \d+ of \d+)?\. With a larger time budget it would get a larger share\.$/,
  );
});

it('what was left out by its estimate is tried after all, where the others leave it the time; else it is said what they left', async () => {
  const ways = ['head', 'bitfit', 'full'].map(
    (strategy): Candidate => ({
      ...{ strategy, title: strategy, model: 'tiny', about: null, estimate_s: null, state: 'waiting', run: null },
      ...{ reason: null, result: null },
      recipe: { model: 'tiny', dataset: 'rows.csv', strategy: { type: strategy }, num_train_epochs: 1, max_length: 16 },
    }),
  );
  // Of a budget that is far longer than all of them take together, by estimates that are far too long.
  const within = async (last: number) => {
    const seconds = [100, 200, last];
    const seen: string[][] = [];
    const { candidates } = await compare({
      ...{ compared: 'ways', candidates: ways, data: 'rows.csv', base: place, home: join(place, '.luthier') },
      ...{ budget_s: 1800, rows: null, runner, signal: new AbortController().signal, note: () => undefined },
      estimate: async () =>
        ({
          ...{ rows: 400, validation_rows: 40, classes: [], problems: [], seconds: seconds.shift() },
          ...{ peak_memory_bytes: 1, free_memory_bytes: 2 },
        }) as unknown as RunEstimate,
      onChange: (comparison) => void seen.push(comparison.candidates.map(({ state }) => state)),
    });
    return { candidates, planned: seen[0], states: candidates.map(({ state }) => state) };
  };
  const fits = await within(1700);
  expect([fits.planned, fits.states]).toEqual([
    ['waiting', 'waiting', 'left-out'],
    ['done', 'done', 'done'],
  ]);
  expect(fits.candidates[2]).toMatchObject({ strategy: 'full', reason: null, estimate_s: 1700 });
  const tooLong = await within(7200);
  expect(tooLong.states).toEqual(['done', 'done', 'left-out']);
  expect(tooLong.candidates[2]!.reason).toMatch(
    /^It would take about 60:00 minutes, and (29|2\d|1\d):\d\d minutes of 30:00 minutes were left when the faster ones were done\.$/,
  );
});

it('a candidate that was interrupted goes on, though all of it would take longer than what is left', async () => {
  const stop = new AbortController();
  const once = async (signal: AbortSignal, onProgress: () => void) =>
    compare({
      ...{ compared: 'ways', data: 'rows.csv', base: place, home: join(place, '.luthier') },
      candidates: [
        {
          ...{ strategy: 'full', title: 'Full', model: 'tiny', about: null, estimate_s: null, state: 'waiting' },
          ...{ run: null, reason: null, result: null },
          recipe: { model: 'tiny', dataset: 'rows.csv', num_train_epochs: 11, max_length: 16 },
        },
      ],
      ...{ budget_s: 4000, rows: null, runner, signal, note: () => undefined, onProgress },
      estimate: async () =>
        ({
          ...{ rows: 400, validation_rows: 40, classes: [], problems: [], seconds: 3800 },
          ...{ peak_memory_bytes: 1, free_memory_bytes: 2 },
        }) as unknown as RunEstimate,
    });
  const interrupted = await once(stop.signal, () => stop.abort());
  expect(interrupted).toMatchObject({ state: 'interrupted', candidates: [{ state: 'waiting' }] });
  const file = join(place, '.luthier', 'comparisons', `${interrupted.id}.json`);
  await writeFile(file, JSON.stringify({ ...interrupted, used_s: 1000 }));
  const { state, candidates } = await once(new AbortController().signal, () => undefined);
  expect([state, candidates[0]!.state]).toEqual(['done', 'done']);
  expect(candidates[0]!.run).toBe(interrupted.candidates[0]!.run);
});

it('a run that somebody discards leaves its candidate out, and one that fails has failed', async () => {
  const discarded = await tried(600, async (run) => {
    const client = await connectRun(run, 'test');
    await client.request('cancel', {}).catch(() => undefined);
    client.close();
  });
  expect(discarded.candidates[0]).toMatchObject({
    state: 'left-out',
    reason: 'Its run was discarded before anything was measured.',
  });
  await writeFile(join(place, 'odd.csv'), 'a\n1\n2\n');
  const failed = await tried(600, async () => undefined, 'odd.csv');
  expect(failed.candidates[0]).toMatchObject({
    state: 'failed',
    result: null,
    reason: expect.stringContaining('odd.csv'),
  });
});

it('of a candidate that failed, its run and the log are named', async () => {
  const { code, stderr, events } = await run(
    ...['compare-ways', 'rows.csv', '--model', 'tiny', '--strategies', 'full', '--json'],
    ...['--set', 'num_train_epochs=1', '--set', 'learning_rate=1e30'],
  ).finished;
  expect(code).toBe(1);
  const [failed] = linesOf(events);
  expect(failed).toMatchObject({ event: 'failed', strategy: 'full', run: expect.any(String) });
  const path = join('.luthier', 'runs', failed!.run as string, 'run.log');
  expect(stderr).toContain(`luthier runs show ${failed!.run}. Its last output is in ${path}.`);
  expect(await readFile(join(place, path), 'utf8')).toContain('loss-not-finite');
});

const talk = (count: number): string =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `Question ${i}?` },
        { role: 'assistant', content: `Answer ${i}.` },
      ],
    }),
  ).join('\n');
