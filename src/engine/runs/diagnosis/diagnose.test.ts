import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  type ClassificationReport,
  changedRecipe,
  type EvaluationReport,
  FINDING_CODES,
  type Finding,
  findingsOf,
  inFewerBits,
  type Recipe,
  type RunEvent,
  type RunRecord,
  type StepEvent,
  taskNameOf,
} from '../../../protocol/index.ts';
import type { MetricsLine } from '../../../runs/metrics.ts';
import { parseRecipe } from '../../recipes/recipe.ts';
import { guessingLoss, type LabelCounts } from './case.ts';
import { diagnose, type Finished } from './diagnose.ts';
import { stretchesOf, trainingsOf } from './history.ts';

const lines = (events: readonly RunEvent[]): MetricsLine[] => events.map((event, line) => ({ line, event }));

/** A finished run of one's own making: validation losses by epoch, of 10 steps each, and training losses by step. */
function made(
  losses: readonly number[],
  {
    training = (step: number) => 2 * 0.99 ** step,
    recipe = {},
    n = 500,
    spread = 0.1,
    report = {},
    state = 'done',
    labels = null,
    fold = 0,
  }: {
    training?: (step: number) => number;
    recipe?: object;
    n?: number;
    /** Half of the loss's interval, as a share of it. */
    spread?: number;
    report?: object;
    state?: RunRecord['state'];
    labels?: LabelCounts | null;
    fold?: number;
  } = {},
): Finished {
  const own = fold > 0 ? { fold } : {};
  const events: RunEvent[] = [start(losses.length * 10, n, own)];
  for (let step = 1; step <= 10 * losses.length; step++) events.push({ ...own, ...stepAt(step, training(step)) });
  for (const [i, loss] of losses.entries())
    events.push({
      ...own,
      ...{ event: 'eval', time: 0, step: 10 * (i + 1), epoch: i + 1, split: 'validation', n, best: false },
      metrics: { loss },
    } as RunEvent);
  const least = Math.min(...losses);
  const at = losses.indexOf(least);
  return {
    record: {
      state,
      recipe: recipeOf({ num_train_epochs: losses.length, ...recipe }),
      error: null,
      best: { step: 10 * (at + 1), metrics: { loss: least } },
      step: 10 * losses.length,
    },
    events: lines(events),
    reports: [
      {
        ...{ task: 'text-classification', split: 'validation', n, worst: [], per_class: [], confusion: [], labels: [] },
        metrics: { loss: least, accuracy: 0.8, ece: 0.03 },
        intervals: { loss: { low: least * (1 - spread), high: least * (1 + spread) } },
        ...report,
      } as unknown as ClassificationReport,
    ],
    labels,
  };
}

const recipeOf = (recipe: object): Recipe =>
  parseRecipe({ model: 'starters/bert', dataset: 'd.csv', learning_rate: 2e-4, ...recipe });

const start = (total_steps: number, num_validation_rows: number, own: object = {}) =>
  ({
    ...own,
    ...{ event: 'start', time: 0, run: '/r', total_steps, step: 0, num_train_rows: 500, num_validation_rows },
    ...{ labels: [], num_parameters: 1, num_trainable_parameters: 1, executor: 'onnxruntime', num_threads: 2 },
  }) as RunEvent;

const stepAt = (step: number, loss: number) =>
  ({
    ...{
      event: 'step',
      time: 0,
      step,
      epoch: step / 10,
      loss,
      learning_rate: 1e-4,
      grad_norm: 1,
      tokens_per_second: 1,
    },
    ...{ step_ms: 1, rss_bytes: 1, eta_s: null },
  }) as StepEvent;

const codes = (finished: Finished) => diagnose(finished).map(({ code }) => code);

describe('overfitting', () => {
  const rises = [1.2, 0.9, 0.7, 0.8, 1.0];

  it('is told with the step from which on, both losses, and the epochs that are enough', () => {
    const [finding] = diagnose(made(rises));
    expect(finding).toMatchObject({
      code: 'overfitting',
      severity: 'warning',
      title: 'Overfitting since step 30',
      figures: { step: 30, lowest_loss: 0.7, last_loss: 1 },
      change: { kind: 'recipe', title: 'Train for 3 Epochs Instead of 5', set: { num_train_epochs: 3 } },
    });
    expect(finding!.text).toBe(
      'The validation loss was lowest at step 30 (0.700) and rose to 1.00 by step 50, while the training loss fell from 1.55 to 1.27.',
    );
  });

  it('is not told of few rows, of a rise within the interval, of one without intervals, or where training did not fall', () => {
    expect(codes(made(rises, { n: 4 }))).toEqual(['few-held-out']);
    expect(codes(made(rises, { n: 29 }))).toEqual(['few-held-out']);
    expect(codes(made(rises, { spread: 0.5 }))).toEqual([]);
    expect(codes(made(rises, { report: { intervals: { loss: null } } }))).toEqual([]);
    expect(codes(made(rises, { training: () => 1 }))).toEqual([]);
  });

  it('offers the epochs after which the metric was best, and is a note where that is the end', () => {
    const finished = made(rises);
    finished.record.best = { step: 40, metrics: { f1_macro: 0.9 } };
    const [finding] = diagnose(finished);
    expect(finding).toMatchObject({ severity: 'warning', change: { set: { num_train_epochs: 4 } } });
    expect(finding!.text).toContain('Its macro F1 was best at step 40.');
    finished.record.best = { step: 50, metrics: { f1_macro: 0.9 } };
    const [note] = diagnose(finished);
    expect(note).toMatchObject({ severity: 'info' });
    expect(note!.change).toBeUndefined();
    expect(note!.text).toContain('was best at the end all the same');
  });

  it('from the first epoch on is met by smaller steps, and a number of steps by fewer of them', () => {
    const once = diagnose(made([0.7, 0.9, 1.1], { recipe: { num_train_epochs: 1 } }))[0];
    expect(once!.change).toEqual({
      ...{ kind: 'recipe', title: 'Halve the Learning Rate and Train Again' },
      set: { learning_rate: 1e-4 },
    });
    const steps = diagnose(made(rises, { recipe: { max_steps: 50 } }))[0];
    expect(steps!.change).toMatchObject({ title: 'Train for 30 Steps Only', set: { max_steps: 30 } });
  });
});

describe('a loss that is still falling', () => {
  it('is told with by how much, and as many more epochs as falls that shrink so are worth', () => {
    const [finding] = diagnose(made([1.2, 0.9, 0.72]));
    expect(finding).toMatchObject({
      code: 'still-falling',
      figures: { earlier_loss: 0.9, last_loss: 0.72, more_epochs: 3 },
      change: { title: 'Train 3 More Epochs', set: { num_train_epochs: 6 } },
    });
    expect(finding!.text).toBe(
      'The validation loss was still falling: 0.900 after 2 epochs, 0.720 after 3 epochs (−20.0 %). Its macro F1 was best at the end, too.',
    );
  });

  it('is not told of few rows, of a fall that is chance, of one after a rise, of one evaluation, or of a run that was stopped', () => {
    expect(codes(made([1.2, 0.9, 0.72], { n: 20 }))).toEqual(['few-held-out']);
    expect(codes(made([1.2, 0.9, 0.72], { spread: 0.6 }))).toEqual([]);
    expect(codes(made([1.2, 0.9, 0.88]))).toEqual([]);
    expect(codes(made([0.7, 0.9, 0.65]))).toEqual([]);
    expect(codes(made([1.2]))).toEqual([]);
    expect(codes(made([1.2, 0.9, 0.72], { state: 'stopped' }))).toEqual([]);
  });

  it('is not told where every row is answered right: there is nothing to gain', () => {
    const finished = made([1.2, 0.9, 0.72]);
    const scored = (f1_macro: number): Finished => ({
      ...finished,
      events: finished.events.map(({ line, event }) => ({
        line,
        event: event.event === 'eval' ? { ...event, metrics: { ...event.metrics, f1_macro } } : event,
      })),
    });
    expect(codes(scored(1))).toEqual([]);
    expect(codes(scored(0.99))).toEqual(['still-falling']);
  });

  it('that has only begun to fall is told of, however little it is of the loss, beside that of guessing', () => {
    // Eight classes: guessing has ln 8, which is 2.08.
    const labels = { labels: [...'abcdefgh'], counts: Array<number>(8).fill(20), rows: 160 };
    const [finding] = diagnose(made([2.02, 1.97], { labels, spread: 0.03 }));
    expect(finding).toMatchObject({
      code: 'still-falling',
      change: { title: 'Train 2 More Epochs', set: { num_train_epochs: 4 } },
    });
    expect(finding!.text).toContain(
      '2.02 after 1 epoch, 1.97 after 2 epochs (−2.5 %). It has learned little yet: guessing by how often each label occurs has 2.08.',
    );
    // By chance, of a loss that was learnt, and where nothing is known of guessing.
    expect(codes(made([2.02, 1.97], { labels, spread: 0.06 }))).toEqual([]);
    expect(codes(made([0.62, 0.6], { labels, spread: 0.03 }))).toEqual([]);
    expect(codes(made([2.02, 1.97], { spread: 0.03 }))).toEqual([]);
  });

  it('is met by the usual learning rate where this one is far below it', () => {
    const [finding] = diagnose(made([1.2, 0.9, 0.72], { recipe: { learning_rate: 1e-5 } }));
    expect(finding!.change).toMatchObject({ title: 'Train Again at Learning Rate 2e-4', set: { learning_rate: 2e-4 } });
  });

  it('is told of a cross-validation where all of five folds agree, and of no fewer', () => {
    const all = [1, 2, 3, 4, 5].map((fold) => made([1.2, 0.9, 0.7 + fold / 100], { fold, n: 12 }));
    const of = (folds: readonly Finished[]): Finished => ({
      ...folds[0]!,
      record: { ...folds[0]!.record, folds: { count: folds.length, final: false, results: [], deviations: {} } },
      events: lines(folds.flatMap(({ events }) => events.map(({ event }) => event))),
    });
    expect(diagnose(of(all))[0]).toMatchObject({
      code: 'still-falling',
      figures: { earlier_loss: 0.9, last_loss: expect.closeTo(0.73, 9) },
    });
    expect(codes(of(all.slice(1)))).toEqual([]);
    // Of two evaluations each five folds are evidence enough.
    const twice = [1, 2, 3, 4, 5].map((fold) => made([1.2, 1.1 + fold / 100], { fold, n: 12 }));
    expect(codes(of(twice))).toEqual(['still-falling']);
    expect(codes(made([1.2, 1.13]))).toEqual([]);
    expect(codes(of([...all.slice(1), made([1.2, 0.9, 0.95], { fold: 1, n: 12 })]))).toEqual([]);
  });
});

describe('a learning rate', () => {
  const two: LabelCounts = { labels: ['a', 'b'], counts: [250, 250], rows: 500 };

  it('is too high where the training loss ends higher than it began, or falls and jumps up again', () => {
    const noisy = (step: number) => 0.02 * ((step * 7919) % 13);
    const risen = diagnose(made([1, 2, 3, 4], { training: (step) => 1 + step / 20 + noisy(step) }))[0];
    expect(risen).toMatchObject({
      code: 'learning-rate-high',
      change: { title: 'Halve the Learning Rate and Train Again' },
    });
    expect(risen!.text).toContain('The training loss ended higher than it began');
    const jumps = diagnose(
      made([1, 0.9, 2, 0.9], { training: (step) => (step > 25 && step < 33 ? 3 : 2 * 0.9 ** step) + noisy(step) / 10 }),
    )[0];
    expect(jumps!.text).toContain('and jumped to');
    // One batch that is far off is none.
    expect(codes(made([1, 0.9, 0.89, 0.88], { training: (step) => (step === 28 ? 3 : 2 * 0.97 ** step) }))).toEqual([]);
  });

  it('is too high where both losses swing up at the end, which is no overfitting', () => {
    const swung = [0.9, 0.4, 0.1, 0.5];
    const training = (step: number) => (step > 30 ? 0.3 : step > 20 ? 0.12 : 1.2 * 0.93 ** step);
    const [finding] = diagnose(made(swung, { training }));
    expect(finding).toMatchObject({
      code: 'learning-rate-high',
      figures: { step: 30, lowest_loss: 0.1, last_loss: 0.5 },
    });
    expect(finding!.text).toContain(
      'The validation loss was lowest at step 30 (0.100) and rose to 0.500 by step 40, and the training loss rose with it, from 0.120 to 0.300.',
    );
    // Learnt by heart, by less than that, of few rows.
    expect(codes(made(swung, { training: (step) => (step > 30 ? 0.05 : 0.2) }))).toEqual(['overfitting']);
    expect(codes(made([0.9, 0.4, 0.1, 0.15], { training, spread: 0.6 }))).toEqual([]);
    expect(codes(made(swung, { training, n: 20 }))).toEqual(['few-held-out']);
  });

  it('that made a run diverge is told of the failed run, with the usual one', () => {
    const finished = made([1], { recipe: { learning_rate: 0.5 }, state: 'failed' });
    finished.record.error = { code: 'loss-not-finite', message: 'At step 11 the loss is NaN: training has diverged.' };
    expect(diagnose(finished)).toEqual([
      {
        code: 'learning-rate-high',
        severity: 'warning',
        title: 'Learning rate too high',
        text: 'The training diverged at step 11: its loss or gradient was no number any more. learning_rate is 0.5; 2e-4 is usual for this strategy, model and number of rows.',
        figures: { step: 11, learning_rate: 0.5, usual_learning_rate: 2e-4 },
        change: { kind: 'recipe', title: 'Train Again at Learning Rate 2e-4', set: { learning_rate: 2e-4 } },
      },
    ]);
  });

  it('is too low, or too high, where the loss never fell below that of guessing', () => {
    const flat = { training: () => 0.7, labels: two };
    const low = diagnose(made([0.71, 0.7, 0.695], { ...flat, recipe: { learning_rate: 1e-6 } }))[0];
    expect(low).toMatchObject({
      code: 'learning-rate-low',
      title: 'Learning rate too low',
      figures: { loss: 0.695, guessing_loss: Math.log(2) },
      change: { set: { learning_rate: 2e-4 } },
    });
    expect(low!.text).toContain('guessing by how often each label occurs has 0.693');
    const high = diagnose(made([0.71, 0.7, 0.695], { ...flat, recipe: { learning_rate: 2e-3 } }))[0];
    expect(high).toMatchObject({ code: 'learning-rate-high', change: { set: { learning_rate: 2e-4 } } });
    const usual = diagnose(made([0.71, 0.7, 0.695], flat))[0];
    expect(usual).toMatchObject({ title: 'Nothing was learned yet', change: { set: { learning_rate: 6e-4 } } });
    const short = diagnose(made([0.71, 0.7], flat))[0];
    expect(short!.change).toMatchObject({ title: 'Train 4 More Epochs', set: { num_train_epochs: 6 } });
    // A model that learnt its training rows by heart has learnt something.
    const byHeart = made([0.71, 0.7, 0.695], { labels: two, training: (step) => 0.7 * 0.97 ** step });
    expect(codes(byHeart)).toEqual([]);
  });

  it('is none of a head that is solved, and of pairs it is the strategy’s', () => {
    const solved = made([1.2, 0.9, 0.7], { recipe: { strategy: { type: 'head', solver: 'lbfgs' } }, labels: two });
    expect(codes(solved)).toEqual([]);
    const pairs = made([1.2], { recipe: { strategy: { type: 'few-shot', body_learning_rate: 4e-5 } } });
    pairs.record.error = { code: 'loss-not-finite', message: '' };
    expect(diagnose(pairs)[0]!.change).toMatchObject({ set: { 'strategy.body_learning_rate': 2e-5 } });
  });

  it('of a model that writes is too low where its loss hardly moved far below the usual rate', () => {
    const task = { task: 'conversational', model: 'starters/decoder', strategy: { type: 'full' } };
    const slow = made([3, 2.99, 2.985], {
      recipe: { ...task, learning_rate: 1e-7 },
      training: () => 3,
      report: { task: 'conversational' },
    });
    expect(diagnose(slow)[0]).toMatchObject({ code: 'learning-rate-low' });
    const usual = made([3, 2.99, 2.985], {
      recipe: { ...task, learning_rate: 2e-4 },
      training: () => 3,
      report: { task: 'conversational' },
    });
    expect(codes(usual)).toEqual([]);
  });

  it('guesses by classes, by each of several labels, and by the mean of numbers', () => {
    const task = (name: string) => ({ name, label: ['class', 'classes'] }) as never;
    const counts = (labels: string[], given: number[], rows: number) => ({ labels, counts: given, rows });
    const none = { report: undefined };
    expect(
      guessingLoss({ task: task('text-classification'), labels: counts(['a', 'b', 'c'], [10, 10, 0], 20), ...none }),
    ).toBeCloseTo(Math.log(2), 12);
    expect(
      guessingLoss({ task: task('multi_label_classification'), labels: counts(['a', 'b'], [10, 20], 20), ...none }),
    ).toBeCloseTo(Math.log(2) / 2, 12);
    const report = { task: 'regression', mean: { value: 1, mse: 2.5 } } as unknown as EvaluationReport;
    expect(guessingLoss({ task: task('regression'), labels: null, report })).toBe(2.5);
    expect(guessingLoss({ task: task('text-classification'), labels: null, ...none })).toBeNull();
  });
});

describe('classes', () => {
  /** Classes with so many training rows, and so many of so many held-out rows right. */
  const of = (classes: Record<string, [count: number, right: number, support: number]>, recipe: object = {}) => {
    const labels = Object.keys(classes);
    const rows = Object.values(classes);
    const n = rows.reduce((sum, [, , support]) => sum + support, 0);
    return made([0.5], {
      n,
      recipe,
      labels: { labels, counts: rows.map(([count]) => count), rows: rows.reduce((sum, [count]) => sum + count, 0) },
      report: {
        labels,
        per_class: labels.map((label, k) => {
          const [, right, support] = rows[k]!;
          return { label, support, f1: support === 0 ? null : right / support, precision: null, recall: null };
        }),
        confusion: labels.map((_, i) => labels.map((_, j) => (i === j ? rows[i]![1] : 0))),
      },
    });
  };

  it('with few rows that are answered worse are named with their counts and scores', () => {
    const [finding] = diagnose(of({ billing: [90, 18, 20], refund: [6, 1, 8], login: [9, 2, 6], other: [80, 17, 20] }));
    expect(finding).toMatchObject({
      code: 'few-rows-of-classes',
      title: 'Too few rows of “refund” and “login”',
      figures: { classes: 2, training_rows: 15 },
      change: { kind: 'data' },
    });
    expect(finding!.text).toBe(
      '“refund” has 6 training rows (F1 12.5 % on 8 held out); “login” has 9 training rows (F1 33.3 % on 6 held out); the other classes have an F1 of 87.5 % on average. More rows of those classes would help most.',
    );
  });

  it('of tags are types of spans, whatever scheme the tags follow', () => {
    const types = { PER: [200, 38, 40], LOC: [180, 36, 40], ORG: [9, 4, 20] } as const;
    const per_class = Object.entries(types).map(([label, [, right, support]]) => ({
      ...{ label, right, support, predicted: right, f1: right / support, precision: null, recall: null },
    }));
    const of = (labels: string[], counts: number[]) =>
      diagnose(
        made([0.5], {
          recipe: { task: 'token-classification' },
          labels: {
            ...{ labels, counts, rows: 300 },
            classes: new Map(Object.entries(types).map(([type, [spans]]) => [type, spans])),
          },
          report: { task: 'token-classification', per_class },
        }),
      );
    const bio = of(['O', 'B-LOC', 'I-LOC', 'B-ORG', 'I-ORG', 'B-PER', 'I-PER'], [2000, 180, 90, 9, 5, 200, 150]);
    expect(bio.map(({ code, title }) => [code, title])).toEqual([['few-rows-of-classes', 'Too few rows of “ORG”']]);
    expect(bio[0]!.text).toMatch(/^“ORG” has 9 training spans \(F1 20\.0 % on 20 held out\)/);
    // IOB1 has a B between neighbours alone, IOBES an S for spans of one word.
    expect(of(['O', 'I-LOC', 'I-ORG', 'B-PER', 'I-PER'], [2000, 270, 14, 3, 347])).toEqual(bio);
    expect(of(['O', 'B-LOC', 'E-LOC', 'S-LOC', 'S-ORG', 'S-PER'], [2000, 4, 4, 176, 9, 200])).toEqual(bio);
  });

  it('are not blamed for what so few rows show by chance, nor where all have few', () => {
    expect(codes(of({ billing: [90, 18, 20], refund: [6, 1, 2], other: [80, 17, 20] }))).toEqual([]);
    expect(codes(of({ billing: [8, 18, 20], refund: [6, 1, 20], other: [9, 17, 20] }))).toEqual([]);
    expect(codes(of({ billing: [90, 18, 20], refund: [6, 0, 0], other: [80, 17, 20] }))).toEqual([]);
  });

  it('that are rare and answered worse are weighed, unless they are already', () => {
    const classes = { billing: [400, 95, 100], refund: [40, 3, 10], other: [300, 90, 100] } as const;
    const [finding] = diagnose(of({ ...classes } as never));
    expect(finding).toMatchObject({
      code: 'class-imbalance',
      title: 'The rare class “refund” is answered worse',
      change: { title: 'Weigh the Classes and Train Again', set: { class_weight: 'balanced' } },
    });
    const [weighed] = diagnose(of({ ...classes } as never, { class_weight: 'balanced' }));
    expect(weighed!.change).toMatchObject({ kind: 'data' });
  });

  it('whose labels a sure model contradicts are to be looked at; of a poor model that says nothing', () => {
    const row = (line: number, score: number) => ({
      line,
      file: 'd.csv',
      text: 't',
      label: 'a',
      predicted: 'b',
      score,
      loss: 4,
    });
    const report = { worst: [row(12, 0.991), row(40, 0.96), row(7, 0.8)] };
    const [finding] = diagnose(made([0.5], { report }));
    expect(finding).toMatchObject({
      code: 'doubtful-labels',
      severity: 'info',
      title: 'Labels to look at: 2 rows',
      figures: { rows: 2, measured: 500 },
      change: { kind: 'rows', title: 'Show the Rows' },
    });
    expect(finding!.text).toContain('line 12 (“a”; the model says “b”, 99.1 %)');
    expect(codes(made([0.5], { report: { ...report, metrics: { loss: 0.5, accuracy: 0.5, ece: 0.03 } } }))).toEqual([]);
    expect(codes(made([0.5], { report: { ...report, metrics: { loss: 0.5, accuracy: 0.9, ece: 0.2 } } }))).toEqual([]);
    expect(codes(made([0.5], { report, n: 12 }))).toEqual(['few-held-out']);
  });
});

it('offers one change of the recipe, the first', () => {
  const labels = { labels: ['a', 'b'], counts: [400, 40], rows: 440 };
  const per_class = ['a', 'b'].map((label) => ({ label, support: 50, f1: 0.5, precision: 0.5, recall: 0.5 }));
  const findings = diagnose(
    made([0.3, 0.22, 0.18], {
      training: (step) => 0.3 * 0.98 ** step,
      labels,
      report: {
        labels: ['a', 'b'],
        per_class,
        confusion: [
          [48, 2],
          [30, 20],
        ],
      },
    }),
  );
  expect(findings.map(({ code, change }) => [code, change?.kind])).toEqual([
    ['still-falling', 'recipe'],
    ['class-imbalance', undefined],
  ]);
});

test('what a resumed run took back does not count, and a log in any order is read', () => {
  const evaluation = (step: number, loss: number): RunEvent => ({
    event: 'eval',
    ...{ time: 0, step, epoch: step / 10, n: 50, best: false, metrics: { loss } },
    split: 'validation',
  });
  const [training] = trainingsOf(
    lines([
      start(40, 50),
      stepAt(1, 3),
      evaluation(10, 1),
      evaluation(20, 9),
      { ...start(40, 50), step: 10 } as RunEvent,
      stepAt(11, 2),
      evaluation(20, 0.5),
    ]),
  );
  expect(training!.evaluations.map(({ step, loss }) => [step, loss])).toEqual([
    [10, 1],
    [20, 0.5],
  ]);
  expect(training!.steps).toEqual([
    { step: 1, loss: 3 },
    { step: 11, loss: 2 },
  ]);
  expect(stretchesOf(training!.steps)).toEqual([]);
});

test('steps that pre-train a prompt are no part of the training, and none of them counts where steps are suggested', () => {
  const finished = made([1.2, 0.9, 0.7, 0.8, 1.0], { recipe: { max_steps: 50 } });
  const later = finished.events.map(({ line, event }) => {
    if (event.event === 'start') return { line, event: { ...event, pretraining: { steps: 30, rows: 9, held_out: 0 } } };
    return { line, event: 'step' in event ? ({ ...event, step: event.step! + 30 } as RunEvent) : event };
  });
  const before = Array.from({ length: 30 }, (_, i) => ({ ...stepAt(i + 1, 9), epoch: 0 }));
  const events = [later[0]!, ...lines(before), ...later.slice(1)];
  const [training] = trainingsOf(events);
  expect(training).toMatchObject({ before: 30, steps: { length: 50 } });
  expect(training!.steps[0]!.step).toBe(31);
  const record = { ...finished.record, best: { step: 60, metrics: { loss: 0.7 } }, step: 80 };
  expect(diagnose({ ...finished, record, events })[0]).toMatchObject({
    code: 'overfitting',
    figures: { step: 60 },
    change: { set: { max_steps: 30 } },
  });
});

test('a loss beyond the range of float32 is none', () => {
  const huge: RunEvent = {
    ...{ event: 'eval', split: 'validation', time: 0, step: 0, epoch: 0, n: 30, best: true },
    metrics: { loss: 1.7950000000000001e308 },
  };
  const record = {
    state: 'done',
    recipe: recipeOf({ num_train_epochs: 3 }),
    best: null,
    step: 7,
    error: null,
  } as const;
  const counts = { labels: ['a', 'b'], counts: [1, 1], rows: 2 };
  const findings = diagnose({ record, events: lines([huge]), labels: counts, reports: [] });
  expect(findings.map(({ text }) => text).join()).not.toMatch(/Infinity|∞/);
});

test('no history makes it throw, and all that it says can be read again', () => {
  const numbers = fc.oneof(
    fc.double(),
    fc.double({ min: 0, max: 10, noNaN: true }),
    fc.constantFrom(0, 1e-300, 1e300, Number.NaN, Number.POSITIVE_INFINITY),
  );
  const event = fc.oneof(
    fc.record({ step: fc.nat(60), loss: numbers }).map(({ step, loss }): RunEvent => stepAt(step, loss)),
    fc.record({ step: fc.nat(60), epoch: numbers, loss: numbers, n: fc.nat(400) }).map(
      ({ step, epoch, loss, n }): RunEvent => ({
        event: 'eval',
        split: 'validation',
        ...{ time: 0, step, epoch, n, best: true, metrics: { loss } },
      }),
    ),
    fc
      .record({ step: fc.nat(60), n: fc.nat(60) })
      .map(({ step, n }): RunEvent => ({ ...start(60, n), step }) as RunEvent),
  );
  const tasks = [
    {},
    { problem_type: 'multi_label_classification' },
    { problem_type: 'regression' },
    { task: 'token-classification' },
    { task: 'text-generation', model: 'starters/decoder' },
    { task: 'conversational', model: 'starters/decoder' },
    { strategy: { type: 'few-shot' } },
    { strategy: { type: 'head', solver: 'lbfgs' } },
    { strategy: { type: 'prompt-tuning' } },
    { max_steps: 20, class_weight: 'balanced' },
  ];
  const shapes = fc.record({
    events: fc.array(fc.tuple(fc.option(fc.integer({ min: 1, max: 6 })), event), { maxLength: 80 }),
    task: fc.constantFrom(...tasks),
    state: fc.constantFrom<RunRecord['state']>('done', 'stopped', 'failed'),
    error: fc.option(fc.constantFrom('loss-not-finite', 'disk-full')),
    counts: fc.option(fc.array(fc.nat(50), { minLength: 2, maxLength: 2 })),
    bits: fc.option(fc.constantFrom(4, 8)),
    report: fc.option(
      fc.record({ loss: numbers, low: numbers, high: numbers, n: fc.nat(300), right: fc.nat(30), support: fc.nat(30) }),
    ),
  });
  fc.assert(
    fc.property(shapes, ({ events, task, state, error, counts, report, bits }) => {
      const recipe = recipeOf({ num_train_epochs: 3, ...task });
      const labels = ['a', 'b'];
      const findings = diagnose({
        record: {
          ...{ state, recipe, best: null, step: 7, error: error === null ? null : { code: error, message: 'x' } },
          ...(bits !== null && { frozen_bits: bits }),
        },
        events: lines(events.map(([fold, one]) => (fold === null ? one : { ...one, fold }) as RunEvent)),
        labels: counts && { labels, counts, rows: counts[0]! + counts[1]! },
        reports: report === null ? [] : [reportOf(recipe, report)],
      });
      const codes = findings.map(({ code }) => code);
      expect(new Set(codes).size).toBe(codes.length);
      expect(codes).toEqual(FINDING_CODES.filter((code) => codes.includes(code)));
      for (const { text, title } of findings) expect(`${title} ${text}`).not.toMatch(/NaN|Infinity|∞|undefined|null/);
      const kept = JSON.parse(JSON.stringify(findings)) as Finding[];
      expect(findingsOf({ findings: kept })).toEqual(kept);
      for (const { change } of findings)
        if (change?.kind === 'recipe') expect(() => parseRecipe(changedRecipe(recipe, change.set))).not.toThrow();
    }),
    { numRuns: 400 },
  );

  function reportOf(
    recipe: Recipe,
    {
      loss,
      low,
      high,
      n,
      right,
      support,
    }: { loss: number; low: number; high: number; n: number; right: number; support: number },
  ) {
    const per = {
      support,
      right: Math.min(right, support),
      predicted: right,
      f1: support === 0 ? null : 0.5,
      precision: null,
      recall: null,
    };
    return {
      ...{ task: taskNameOf(recipe), split: 'validation', n, labels: ['a', 'b'] },
      metrics: { loss, accuracy: 0.8, ece: 0.05 },
      intervals: { loss: { low, high } },
      ...{
        per_class: ['a', 'b'].map((label) => ({ label, ...per })),
        confusion: [
          [1, 2],
          [3, 4],
        ],
        worst: [],
        mean: { value: 0, mse: loss },
      },
    } as unknown as EvaluationReport;
  }
});

describe('figures in fewer bits', () => {
  const narrow = (finished: Finished): Finished => ({ ...finished, record: { ...finished.record, frozen_bits: 8 } });

  it('are told behind all that they show, and nothing where there are none', () => {
    const known = made([0.5], { n: 12 });
    expect(codes(known)).toEqual(['few-held-out']);
    expect(diagnose(narrow(known)).at(-1)).toEqual(inFewerBits(8));
    expect(codes(narrow(known))).toEqual(['few-held-out', 'fewer-bits']);
  });

  it('of a run that failed are those of no model', () => {
    const failed = narrow(made([0.5], { state: 'failed' }));
    const error = { code: 'loss-not-finite', message: 'x' };
    expect(codes({ ...failed, record: { ...failed.record, error } })).not.toContain('fewer-bits');
  });
});

describe('findings in a record', () => {
  const record = (findings: unknown[]) => ({ id: 'a', findings });

  it('that this version does not know are left out', () => {
    const known: Finding = { code: 'few-held-out', severity: 'info', title: 't', text: 'x', figures: { rows: 4 } };
    const odd = [
      { ...known, code: 'later' },
      { ...known, change: { kind: 'recipe', title: 't', set: { dataset: '/etc/passwd' } } },
      7,
    ];
    expect(findingsOf(record([known, ...odd]))).toEqual([known]);
    expect(findingsOf({})).toEqual([]);
  });

  it('change a recipe in the keys that they name, those of the strategy in its object', () => {
    const recipe = { model: 'm', strategy: { type: 'few-shot', batch_size: 8 }, learning_rate: 1 };
    expect(changedRecipe(recipe, { 'strategy.body_learning_rate': 1e-5, num_train_epochs: 2 })).toEqual({
      ...{ model: 'm', learning_rate: 1, num_train_epochs: 2 },
      strategy: { type: 'few-shot', batch_size: 8, body_learning_rate: 1e-5 },
    });
    expect(recipe.strategy).not.toHaveProperty('body_learning_rate');
  });
});
