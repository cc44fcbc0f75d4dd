// What the engine and the terminal say depends on no locale and no time zone: a run on a German laptop, a Turkish server
// and a container without any must be one run.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunEvent } from '../src/protocol/index.ts';
import { buildEngine, type Finished, Program, removeEngine } from './faults/engine.ts';
import { makeWorkplace, tinyRows } from './faults/tiny.ts';

vi.setConfig({ testTimeout: 300_000 });

/** Dotted and dotless i, which `toLocaleLowerCase` would turn into one another in Turkish. */
const DATA = 'İLİŞKİ ıssız IIII.csv';
const REFERENCE = { LANG: 'C' };
const PLACES = [
  { LC_ALL: 'POSIX', TZ: 'UTC' },
  { LANG: 'de_DE.UTF-8', TZ: 'Europe/Berlin' },
  { LC_ALL: 'zh_CN.UTF-8', TZ: 'Asia/Shanghai' },
  { LC_ALL: 'ar', TZ: 'Africa/Cairo' },
  { LANG: 'hi_IN', LC_NUMERIC: 'hi_IN', TZ: 'Asia/Kolkata' },
  {},
];
const TURKISH = { LANG: 'tr_TR.UTF-8', TZ: 'Europe/Istanbul' };

let place: string;
let cli: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier locale ı '));
  [{ cli }] = await Promise.all([
    buildEngine(),
    makeWorkplace(place, { dataset: DATA, max_steps: 3, save_steps: 0, metric_for_best_model: 'accuracy' }),
  ]);
  const rows = tinyRows(1200).replaceAll(',good', ',İYİ').replaceAll(',bad', ',ISSIZ');
  await writeFile(join(place, DATA), rows.replace('text,label', 'TITLE,INTENT'));
});
afterAll(() => Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]));

/** The command under exactly these variables: what this machine says of its own locale is left out. */
const run = async (variables: NodeJS.ProcessEnv, ...args: string[]): Promise<Finished> => {
  const cleared = Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => /^(LANG|LANGUAGE|LC_.*|TZ)$/.test(name))
      .map((name) => [name, undefined]),
  );
  return await new Program(process.execPath, [cli, ...args], place, { ...cleared, ...variables }).finished;
};

const figures = ({ events }: Finished) =>
  events.flatMap((event: RunEvent) =>
    event.event === 'step' || event.event === 'eval' || event.event === 'note'
      ? [{ ...event, time: 0, tokens_per_second: 0, step_ms: 0, rss_bytes: 0, eta_s: 0 }]
      : [],
  );

const out = async (variables: NodeJS.ProcessEnv, ...args: string[]) => {
  const { code, stdout, stderr } = await run(variables, ...args);
  expect(code, stderr).toBe(0);
  return stdout;
};

/** What a person reads, and what a program does. */
const look = async (variables: NodeJS.ProcessEnv) => ({
  inspected: await out(variables, 'data', 'inspect', DATA),
  evaluated: await out(variables, 'evaluate', 'reference', '--data', DATA),
});

const train = async (variables: NodeJS.ProcessEnv, name: string) => {
  const trained = await run(variables, 'train', 'tiny.recipe.json', '--json', '--out', name);
  expect(trained.code, trained.stderr).toBe(0);
  return {
    figures: figures(trained),
    predicted: await out(variables, 'predict', name, '--text', 'IIII İİİİ lovely ı', '--json'),
    report: await readFile(join(place, name, 'evaluation.json'), 'utf8'),
  };
};

it('trains, evaluates, inspects and predicts the same in every locale and time zone', async () => {
  const trained = await train(REFERENCE, 'reference');
  expect(trained.figures.filter(({ event }) => event === 'step')).toHaveLength(3);
  expect(await train(TURKISH, 'in Turkey')).toEqual(trained);
  const seen = await look(REFERENCE);
  expect(seen.inspected).toContain('1,200');
  expect(seen.inspected).toContain('ISSIZ');
  for (const variables of [TURKISH, ...PLACES]) expect(await look(variables), JSON.stringify(variables)).toEqual(seen);
});
