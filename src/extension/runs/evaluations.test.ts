import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClassificationReport, CompletionReport } from '../../protocol/index.ts';
import { parseReports } from '../../runs/reports.ts';
import { cellRows } from '../views/cells.ts';
import { readEvaluations, readMeasured, saveEvaluation } from './evaluations.ts';

let folder: string;
beforeEach(() => {
  const home = join(mkdtempSync(join(tmpdir(), 'luthier evaluations ü-')), '.luthier');
  folder = join(home, 'runs', 'a');
  mkdirSync(folder, { recursive: true });
});
afterEach(() => rmSync(join(folder, '../../..'), { recursive: true }));

const row = { line: 3, file: 'x.csv', text: 'Where?', label: 'a', predicted: 'b', score: 0.9, loss: 2.3 };
const reportOf = (split: ClassificationReport['split'], n = 4): ClassificationReport =>
  ({
    task: 'text-classification',
    split,
    n,
    labels: ['a', 'b'],
    metrics: { loss: 0.5, accuracy: 0.75, f1_macro: 0.7 },
    intervals: { accuracy: { low: 0.3, high: 0.95 }, f1_macro: null },
    majority: { label: 'a', accuracy: 0.5, f1_macro: 0.33 },
    per_class: [
      { label: 'a', precision: 1, recall: 0.5, f1: 0.67, support: 2 },
      { label: 'b', precision: null, recall: null, f1: null, support: 0 },
    ],
    confusion: [
      [1, 2],
      [0, 2],
    ],
    worst: [row],
  }) as unknown as ClassificationReport;

test('an evaluation on a file is kept with its run, the latest first; the same file again takes its place', async () => {
  const first = await saveEvaluation(folder, '/data/März 2026.csv', reportOf('test'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await saveEvaluation(folder, '/other/März 2026.csv', reportOf('test', 9));
  expect(first).toMatchObject({
    format: 1,
    name: 'märz-2026-csv',
    title: 'März 2026.csv',
    file: '/data/März 2026.csv',
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  await saveEvaluation(folder, '/data/März 2026.csv', reportOf('test', 7));
  const { evaluations, problems } = await readEvaluations(folder);
  expect(problems).toEqual([]);
  expect(evaluations.map(({ file, report }) => [file, report.n])).toEqual([
    ['/data/März 2026.csv', 7],
    ['/other/März 2026.csv', 9],
  ]);
  expect(readdirSync(join(folder, 'evaluations')).toSorted()).toEqual(['märz-2026-csv-2.json', 'märz-2026-csv.json']);
});

test('what cannot be read is told with its reason, and the rest stays', async () => {
  await saveEvaluation(folder, '/data/good.csv', reportOf('test'));
  const at = (name: string) => join(folder, 'evaluations', name);
  writeFileSync(at('cut.json'), '{"format": 1, "name": "cu');
  writeFileSync(at('newer.json'), '{"format": 2}');
  writeFileSync(at('odd.json'), '{"format": 1, "name": 7}');
  symlinkSync(at('good-csv.json'), at('link.json'));
  writeFileSync(
    join(folder, 'evaluation.json'),
    JSON.stringify({ validation: reportOf('validation'), test: { split: 'test' } }),
  );
  const { reports, evaluations, problems } = await readEvaluations(folder);
  expect(reports.map(({ split }) => split)).toEqual(['validation']);
  expect(evaluations.map(({ name }) => name)).toEqual(['good-csv']);
  expect(problems.toSorted()).toEqual([
    expect.stringMatching(/^cut\.json cannot be read: ./),
    expect.stringMatching(/^evaluation\.json is not an evaluation: report\.n is/),
    'evaluations/newer.json was written by a newer version of Luthier.',
    expect.stringMatching(/^evaluations\/odd\.json is not an evaluation: message\.name is a number/),
    expect.stringMatching(/^link\.json cannot be read: .* is a link/),
  ]);
});

test('nothing is written through a link', async () => {
  const elsewhere = join(folder, '..', 'elsewhere');
  mkdirSync(elsewhere);
  symlinkSync(elsewhere, join(folder, 'evaluations'));
  await expect(saveEvaluation(folder, '/data/good.csv', reportOf('test'))).rejects.toThrow(/is a link/);
  expect(readdirSync(elsewhere)).toEqual([]);
});

test('a run without any has none', async () => {
  expect(await readEvaluations(folder)).toEqual({ reports: [], evaluations: [], problems: [] });
});

test('evaluation.json is read as a list, by part, or alone; what is no report is left out and told', () => {
  // As 0.1.0 wrote it: without its task.
  const { task, ...report } = reportOf('validation');
  const known = { task, ...report };
  const problems: string[] = [];
  const odd = { ...report, metrics: { accuracy: 'high' } };
  const uneven = { ...report, confusion: [[1], [2]] };
  expect(parseReports([report, null, 3, { split: 'test' }, odd, uneven], problems)).toEqual([known]);
  expect(problems).toHaveLength(3);
  expect(parseReports({ validation: report, test: report })).toEqual([known, known]);
  expect(parseReports(report)).toEqual([known]);
  expect(parseReports('nonsense', problems)).toEqual([]);
  expect(problems).toHaveLength(4);
});

test('a cell of an evaluation on a file gives the rows that were kept, and how many there are', async () => {
  const { name } = await saveEvaluation(folder, '/data/good.csv', reportOf('test'));
  const cell = { split: 'test', evaluation: name, actual: 'a', predicted: 'b' } as const;
  // The service could only ask about the run's own data.
  const service = { request: () => Promise.reject(new Error('not asked')) };
  expect(await cellRows(folder, cell, service)).toEqual({ rows: [row], total: 2 });
});

test('a cell of a cross-validation gives the rows that were kept: no model is left that could be asked', async () => {
  const report = { ...reportOf('validation'), folds: 3 };
  writeFileSync(join(folder, 'evaluation.json'), JSON.stringify({ validation: report }));
  const service = { request: () => Promise.reject(new Error('not asked')) };
  const cell = { split: 'validation', actual: 'a', predicted: 'b' } as const;
  expect(await cellRows(folder, cell, service)).toEqual({ rows: [row], total: 2 });
});

test('what completions came to is read with the rest; what is none is told with its reason', async () => {
  const file = join(folder, 'completions.json');
  expect(await readMeasured(folder)).toEqual({
    ...{ reports: [], evaluations: [], report_problems: [], completions: null },
  });
  const replay = { lines: 12, files: 3, characters: 400, saved: 60, shown: 20, accepted: 7 };
  const report: CompletionReport = {
    ...{
      format: 1,
      created_at: '2026-11-27T08:00:00.000Z',
      base: 'starters/decoder',
      split: 'test',
      files: 3,
      seed: 42,
    },
    bits_per_byte: { base: 2.4, model: 2.1, interval: { low: 0.1, high: 0.5 } },
    replay: { base: { ...replay, saved: 9, interval: null }, model: { ...replay, interval: { low: 0.1, high: 0.2 } } },
    accepted: { rows: 6, bits_per_byte: { base: 2.3, model: 1.2, interval: null } },
    forgetting: { tokens: 700, before: 152, after: 160 },
  };
  writeFileSync(file, JSON.stringify(report));
  expect(await readMeasured(folder)).toMatchObject({ report_problems: [], completions: report });
  for (const [text, why] of [
    [JSON.stringify({ ...report, split: 'train' }), 'is not a measurement of completions: message.split'],
    [JSON.stringify({ ...report, format: 2 }), 'was written by a newer version of Luthier.'],
    ['null', 'is not a measurement of completions'],
    ['{"format": 1,', 'cannot be read'],
  ] as const) {
    writeFileSync(file, text);
    const { completions, report_problems } = await readMeasured(folder);
    expect(completions).toBeNull();
    expect(report_problems).toEqual([expect.stringContaining(`completions.json ${why}`)]);
  }
});
