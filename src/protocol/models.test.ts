import { expect, test } from 'vitest';
import { type ModelEntry, modelsFor, purposeOf } from './models.ts';
import type { TaskName } from './tasks.ts';

const entry = (name: string, tasks: string[], change: Partial<ModelEntry> = {}): ModelEntry => ({
  ...{ name, source: 'cache', path: `/${name}`, model_type: '', bytes: 1, num_parameters: 1 },
  ...{ answers: null, labels: null, languages: null, problem: null, tasks: tasks as TaskName[] },
  ...change,
});
const READS = ['text-classification', 'token-classification'];
const WRITES = ['text-generation', 'conversational', 'text-classification'];

test('a task is offered the models that can learn it, those that were made for it first, and the starter that fits', () => {
  const models = [
    entry('starters/bert', READS, { source: 'starter' }),
    entry('starters/decoder', WRITES, { source: 'starter' }),
    entry('torn', [], { problem: 'config.json is not JSON.' }),
    entry('qwen', WRITES),
    entry('roberta', READS),
  ];
  const offered = (task: string) => modelsFor(task as TaskName, models).map(({ name }) => name);
  expect(offered('text-classification')).toEqual(['starters/bert', 'roberta', 'qwen', 'torn']);
  expect(offered('multi_label_classification')).toEqual(offered('text-classification'));
  expect(offered('regression')).toEqual(offered('text-classification'));
  expect(offered('token-classification')).toEqual(['starters/bert', 'roberta', 'torn']);
  expect(offered('conversational')).toEqual(['starters/decoder', 'qwen', 'torn']);
});

test('a model says what it is for', () => {
  expect(purposeOf(entry('a', READS))).toBe('Reads text, for classification');
  expect(purposeOf(entry('a', WRITES))).toBe('Writes text');
  expect(purposeOf(entry('a', WRITES, { labels: ['good', 'bad'] }))).toBe('Classifies: good, bad');
  expect(purposeOf(entry('a', []))).toBe('');
});
