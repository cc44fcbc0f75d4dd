import { expect, test } from 'vitest';
import type { RunEstimate, StrategySuggestion } from '../../protocol/index.ts';
import { blockingProblem, mergeProblems, recipeText, suggestRecipe, suggestRunName, summaryLines } from './suggest.ts';

const full: StrategySuggestion = {
  title: 'Fine-tune everything',
  detail: 'All layers learn.',
  strategy: { type: 'full' },
  isRecommended: true,
};
const head: StrategySuggestion = {
  title: 'Train the classifier only',
  detail: 'By far the fastest.',
  strategy: { type: 'head' },
  isRecommended: false,
  learning_rate: 1e-3,
};

const estimate: RunEstimate = {
  rows: 1200,
  validation_rows: 133,
  classes: [
    { label: 'billing', count: 700 },
    { label: 'a very long label that goes on and on and on', count: 633 },
  ],
  truncated_rows: 36,
  max_length: 128,
  unknown_token_share: 0.01,
  total_steps: 225,
  seconds: 95,
  peak_memory_bytes: 1.2e9,
  free_memory_bytes: 8e9,
  disk_bytes: 3e8,
  free_disk_bytes: 5e10,
  problems: [
    { severity: 'warning', code: 'duplicates', message: '12 rows are exact duplicates.', count: 12 },
    { severity: 'error', code: 'label', message: 'Row without a label.', line: 7 },
  ],
  columns: { text: 'text', label: 'label' },
  model_languages: ['en'],
};

test('the summary says rows, classes, share truncated, time, memory and every problem', () => {
  const lines = summaryLines(estimate, 'text-classification').map(({ text, detail }) =>
    detail ? `${text} | ${detail}` : text,
  );
  expect(lines).toEqual([
    '1,067 training rows, 133 held out for validation',
    '2 classes | billing 700 · a very long label that goes o… 633',
    '36 of 1,200 texts are longer than 128 tokens and will be cut',
    'About 2 min for 225 steps',
    'About 1.2 GB of memory (8.0 GB free), 300 MB of disk (50.0 GB free)',
    '12 rows are exact duplicates.',
    'Row without a label. | line 7',
  ]);
  const foreign = summaryLines({ ...estimate, unknown_token_share: 0.42 }, 'text-classification').map(
    ({ text }) => text,
  );
  expect(foreign).toContain('42.0 % of the text is unknown to this model. Is the model for another language?');
  expect(summaryLines({ ...estimate, truncated_rows: 0 }, 'text-classification')[2]!.text).toBe('No text will be cut');
});

test('nothing is said of labels where a task has none', () => {
  const lines = summaryLines({ ...estimate, classes: [] }, 'conversational').map(({ text }) => text);
  expect(lines[0]).toBe('1,067 training conversations, 133 held out for validation');
  expect(lines[1]).toBe('36 of 1,200 conversations are longer than 128 tokens and will be cut');
  expect(lines.join()).not.toContain('0 labels');
});

test('a long problem is told in lines, none of which is cut off, and its place once', () => {
  const lines = (message: string, line?: number) => {
    const problems = [{ severity: 'info' as const, code: 'duplicate-row', message, ...(line ? { line } : {}) }];
    const { text, detail, more = [] } = summaryLines({ ...estimate, problems }, 'text-classification').at(-1)!;
    return [text, ...(detail ? [detail] : []), ...more];
  };
  expect(
    lines(
      '7 rows repeat an earlier one (lines 289, 294, 405, 481, 589 and 2 more); they are kept, and count twice.',
      289,
    ),
  ).toEqual([
    '7 rows repeat an earlier one (lines 289, 294, 405, 481, 589 and 2 more);',
    'they are kept, and count twice.',
  ]);
  expect(
    lines(
      'The 1 row held out for validation (a share of 0.1) includes none of “good”: there are too few rows of that class. Hold out a larger share.',
    ),
  ).toEqual([
    'The 1 row held out for validation (a share of 0.1) includes none of “good”:',
    'there are too few rows of that class. Hold out a larger share.',
  ]);
  expect(lines('Line 22 has 3 cells, but the header has 2.', 22)).toEqual([
    'Line 22 has 3 cells, but the header has 2.',
  ]);
  const long = lines('word '.repeat(400).trim(), 7);
  expect(Math.max(...long.map((line) => line.length))).toBeLessThanOrEqual(90);
  expect(long).toHaveLength(6);
  expect(long.at(-1)).toMatch(/…, line 7$/);
});

test('an error keeps a run from starting, a warning does not', () => {
  expect(blockingProblem(estimate)).toBe('Row without a label.');
  expect(blockingProblem({ ...estimate, problems: estimate.problems.slice(0, 1) })).toBeNull();
});

test('the batch stays below the training part of small data, and epochs fall with size', () => {
  const of = (rows: number) =>
    suggestRecipe({
      task: 'text-classification',
      model: 'm',
      dataset: 'd',
      columns: {},
      rows,
      suggestion: full,
      backend: 'auto',
    });
  for (const rows of [2, 4, 5, 10, 50, 100, 500, 5000, 100_000]) {
    expect(of(rows).per_device_train_batch_size).toBeLessThanOrEqual(Math.max(1, rows * 0.9));
  }
  // Few rows, of which a tenth is held out, are seen so often that 256 steps learn from them, and a handful 40 times.
  expect([8, 64, 128, 555].map((rows) => of(rows).num_train_epochs)).toEqual([40, 18, 18, 8]);
  expect([1000, 10_000, 100_000].map((rows) => of(rows).num_train_epochs)).toEqual([5, 3, 1]);
  expect([100, 1000].map((rows) => of(rows).per_device_train_batch_size)).toEqual([8, 16]);
});

test('predictions of a classifier with one class for each text may be in 8 bits where enough rows are held out', () => {
  const of = (rows: number, task: 'text-classification' | 'token-classification' | 'text-generation') =>
    suggestRecipe({ task, model: 'm', dataset: 'd', columns: {}, rows, suggestion: full, backend: 'auto' })
      .predict_in_8bit;
  expect([999, 1000].map((rows) => of(rows, 'text-classification'))).toEqual([undefined, true]);
  expect(of(5000, 'token-classification')).toBeUndefined();
  expect(of(5000, 'text-generation')).toBeUndefined();
});

test('a starter takes a larger rate than BERT, and what a strategy says of its own counts most', () => {
  const of = (suggestion: StrategySuggestion, model: string) =>
    suggestRecipe({
      task: 'text-classification',
      model,
      dataset: 'd',
      columns: {},
      rows: 5000,
      suggestion,
      backend: 'auto',
    });
  expect(of(full, 'google-bert/bert-base-uncased')).toMatchObject({ learning_rate: 5e-5, num_train_epochs: 3 });
  expect(of(full, 'starters/bert').learning_rate).toBe(2e-4);
  for (const model of ['m', 'starters/bert'])
    expect(of(head, model)).toMatchObject({ learning_rate: 1e-3, num_train_epochs: 5 });
});

test('a model that writes passes over its rows a few times, at half the rate of adapters', () => {
  const of = (task: 'text-generation' | 'conversational', suggestion: StrategySuggestion, rows = 224) =>
    suggestRecipe({
      ...{ task, model: 'starters/decoder', dataset: 'd', columns: {}, rows, suggestion, backend: 'auto' },
    });
  const lora: StrategySuggestion = { ...head, title: 'LoRA', strategy: { type: 'lora' } };
  // As examples/support.recipe.json and commits.recipe.json.
  for (const task of ['text-generation', 'conversational'] as const)
    expect(of(task, lora)).toMatchObject({
      ...{ task, learning_rate: 5e-4, num_train_epochs: 2, per_device_train_batch_size: 8 },
    });
  expect(of('text-generation', full)).toMatchObject({ learning_rate: 2e-4, num_train_epochs: 2 });
  expect([40, 224, 5000, 100_000].map((rows) => of('conversational', lora, rows).num_train_epochs)).toEqual([
    4, 2, 2, 1,
  ]);
  expect(of('conversational', lora, 5000).per_device_train_batch_size).toBe(8);
});

test('a recipe is written as JSON that says only what was chosen', () => {
  const recipe = suggestRecipe({
    task: 'text-classification',
    model: 'starters/bert',
    dataset: 'tickets.csv',
    columns: { text: 'text', label: 'label' },
    rows: 500,
    suggestion: head,
    backend: 'webgpu',
  });
  expect(JSON.parse(recipeText(recipe))).toMatchObject({
    strategy: { type: 'head' },
    backend: 'webgpu',
    learning_rate: 1e-3,
  });
  expect(recipeText(recipe)).not.toContain('seed');
});

test('a run is called after its data and its model, and numbered', () => {
  const recipe = { dataset: 'examples/tickets.csv', model: 'starters/bert' };
  expect(suggestRunName(recipe, [])).toBe('tickets · bert');
  expect(suggestRunName(recipe, ['tickets · bert', 'tickets · bert 2'])).toBe('tickets · bert 3');
  expect(suggestRunName({ dataset: { train: 'C:\\d\\a.b.csv' }, model: 'm' }, [])).toBe('a.b · m');
  expect(suggestRunName({ dataset: 3, model: 'm' }, [])).toBeUndefined();
  expect(suggestRunName(null, [])).toBeUndefined();
});

test('what was found in the rows of a new dataset is told once, beside what only the dataset shows', () => {
  const left = {
    severity: 'warning',
    code: 'empty-text',
    message: '1 row without a text in “body” is left out.',
  } as const;
  const alike = { severity: 'warning', code: 'similar-labels', message: 'in “kind”' } as const;
  const single = { severity: 'warning', code: 'class-without-validation', message: 'no row' } as const;
  const merged = mergeProblems([left, alike], [{ ...alike, message: 'in “label”' }, single]);
  expect(merged).toEqual([left, alike, single]);
});
