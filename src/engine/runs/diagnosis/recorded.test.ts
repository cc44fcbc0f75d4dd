import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type EvaluationReport,
  type Finding,
  findingsOf,
  type RunEvent,
  type RunRecord,
  STEP_COLUMNS,
} from '../../../protocol/index.ts';
import { diagnose, type Finished } from './diagnose.ts';

/** Runs of the starter as test/diagnosis/record.mjs wrote them. */
const FIGURES = join(import.meta.dirname, '../../../../test/diagnosis/figures');

interface Recorded {
  record: RunRecord;
  steps: Record<(typeof STEP_COLUMNS)[number] | 'fold', (number | null)[]>;
  events: RunEvent[];
  reports: EvaluationReport[];
}

const recorded = (name: string) => JSON.parse(readFileSync(join(FIGURES, `${name}.json`), 'utf8')) as Recorded;

/** What the run itself found, which knew its training rows. */
const found = (name: string): Finding[] => findingsOf(recorded(name).record);

/** The run as its folder has it; its training rows are not in there. */
function finished(name: string): Finished {
  const { record, steps, events, reports } = recorded(name);
  const rows = steps.step.map((_, i) => {
    const row = Object.fromEntries(STEP_COLUMNS.map((column) => [column, steps[column][i]]));
    const fold = steps.fold[i];
    return { event: 'step', eta_s: null, ...row, ...(fold === null ? {} : { fold }) } as RunEvent;
  });
  const all = [...events, ...rows].sort((a, b) => a.time - b.time);
  const { findings: _, ...rest } = record;
  return { record: rest, events: all.map((event, line) => ({ line, event })), reports, labels: null };
}

/** What each run says, and what it offers to try; recorded with the learning rates that were usual then. */
test.each([
  ['overfitting', [['overfitting', 'Train for 5 Epochs Instead of 12']]],
  ['diverged', [['learning-rate-high', 'Train Again at Learning Rate 2e-4']]],
  ['prompt-tuning', [['learning-rate-low', 'Train Again at Learning Rate 0.003']]],
  ['solved', []],
  ['few-shot', []],
  // Every span of 32 sentences was found, so that nothing is left to gain.
  ['tags', []],
  [
    'rare-type',
    [
      ['still-falling', 'Train 3 More Epochs'],
      ['few-rows-of-classes', 'Inspect Dataset'],
    ],
  ],
  ['values-unrelated', [['learning-rate-low', 'Train Again at Learning Rate 6e-4']]],
  // A label of six rows that is answered as well as the others.
  ['rare-label', []],
  ['labels', [['few-held-out', 'Cross-Validate…']]],
  ['values', [['few-held-out', 'Cross-Validate…']]],
  ['folds', [['still-falling', 'Train 2 More Epochs']]],
  ['conversation', [['learning-rate-low', 'Train Again at Learning Rate 5e-4']]],
])('a real run says what went wrong, and what to try: %s', (name, said) => {
  expect(found(name).map(({ code, change }) => [code, change?.title])).toEqual(said);
});

test('what it says of tags and folds has the figures behind it', () => {
  expect(found('rare-type')[1]!.text).toBe(
    '“ORG” has 7 training spans (F1 0.00 on 33 held out); the other types have an F1 of 0.76 on average. More rows of that type would help most.',
  );
  expect(found('folds')[0]!.text).toMatch(
    /^On average over the folds, the validation loss was still falling: 2\.01 after 1 epoch, 1\.95 after 2 epochs \(−2\.9 %\)\. It has learned little yet: guessing by how often each label occurs has 2\.0\d\./,
  );
});

test.each(['overfitting', 'diverged', 'solved', 'few-shot', 'tags', 'labels', 'values', 'conversation'])(
  'the folder alone says the same of the losses: %s',
  (name) => {
    // The folder's figures were rounded when they were written down.
    const rounded = (figures: Finding['figures']) =>
      Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, Number(value.toPrecision(4))]));
    const says = (findings: Finding[]) => findings.map(({ code, figures }) => ({ code, figures: rounded(figures) }));
    expect(says(diagnose(finished(name)))).toEqual(says(found(name)));
  },
);

test('a loss that swings at a constant rate is told of, though the run said nothing when it was recorded', () => {
  const [finding] = diagnose(finished('values-swinging'));
  expect(finding).toMatchObject({
    code: 'learning-rate-high',
    change: { title: 'Halve the Learning Rate and Train Again' },
    figures: { step: 81, lowest_loss: 0.0331108, last_loss: 0.635165 },
  });
});
