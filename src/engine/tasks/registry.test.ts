import { expect, it } from 'vitest';
import { hasTemplate, inputsOf } from '../model-files/inputs.ts';
import { poolingOfModel } from '../models/config.ts';
import { answeringOfModel, taskOfModel } from './registry.ts';
import { settingsOf } from './settings.ts';

const CLASSIFIER = {
  model_type: 'bert',
  architectures: ['BertForSequenceClassification'],
  id2label: { 0: 'a', 1: 'b', 2: 'c' },
};
const taskWith = (luthier: unknown, more = {}) => taskOfModel({ ...CLASSIFIER, ...more, luthier });
const refusal = (ask: () => unknown): Record<string, unknown> => {
  try {
    ask();
  } catch (error) {
    return error as Record<string, unknown>;
  }
  throw new Error('nothing was refused');
};

it.each([
  ['multi_label_classification', 'multi_label_classification'],
  ['multi-label-classification', 'multi_label_classification'],
  ['Multi-label classification', 'multi_label_classification'],
  ['text_classification', 'text-classification'],
  ['single_label_classification', 'text-classification'],
  ['TOKEN_CLASSIFICATION', 'token-classification'],
  ['text generation', 'text-generation'],
  ['Conversational', 'conversational'],
])('luthier.task "%s" is %s', (task, name) => {
  expect(taskWith({ task }).name).toBe(name);
  expect(answeringOfModel({ ...CLASSIFIER, luthier: { task } }).name).toBe(name);
});

it('a task that the entry names is bound to what else it says', () => {
  const how = { threshold: 0.9, label_separator: '|' };
  expect(taskWith({ task: 'multi-label-classification', ...how }).how).toEqual(how);
});

it.each([
  [
    { task: 'regresion' },
    /^config\.json: luthier\.task is "regresion" and must be one of .*; did you mean “regression”\?$/,
  ],
  [
    { task: 'summarization' },
    /^config\.json: luthier\.task is "summarization" and must be one of text-classification, .* and conversational\.$/,
  ],
  [{ task: 7 }, /^config\.json: luthier\.task is 7 and must be one of/],
  [{ task: '' }, /^config\.json: luthier\.task is "" and must be/],
  [{ task: '__proto__' }, /must be one of/],
])('another task is refused: %j', (luthier, message) => {
  expect(refusal(() => taskWith(luthier))).toMatchObject({
    code: 'model-invalid',
    message: expect.stringMatching(message),
  });
});

it('one that says nothing of its task has the one of its class', () => {
  for (const luthier of [undefined, null, {}, { task: null }, { inputs: ['text'] }])
    expect(taskWith(luthier).name).toBe('text-classification');
});

it('what the rest of the file contradicts is refused', () => {
  expect(() => taskWith({ task: 'regression' })).toThrow('luthier.task is "regression", but it names 3 labels.');
  expect(() => taskWith({ task: 'text-classification' }, { problem_type: 'multi_label_classification' })).toThrow(
    'luthier.task is "text-classification", but problem_type is "multi_label_classification".',
  );
  const single = { problem_type: 'single_label_classification' };
  expect(taskWith({ task: 'text-classification' }, single).name).toBe('text-classification');
  // What transformers says of a class that it falls back to says nothing of other tasks.
  expect(taskWith({ task: 'token-classification' }, single).name).toBe('token-classification');
});

it.each<[string, unknown, (config: Record<string, unknown>) => unknown]>([
  ['threshold', '0.3', settingsOf],
  ['threshold', 30, settingsOf],
  ['label_separator', '', settingsOf],
  ['label_columns', 'late', settingsOf],
  ['label_columns', ['late', 3], settingsOf],
  ['inputs', 'text', inputsOf],
  ['inputs', ['a', 'b', 'c'], inputsOf],
  ['template', 'mine.prompty', hasTemplate],
  ['pooling', 'max', poolingOfModel],
])('luthier.%s %j is refused rather than passed over', (key, value, read) => {
  expect(refusal(() => read({ luthier: { [key]: value } }))).toMatchObject({
    code: 'model-invalid',
    message: expect.stringContaining(`config.json: luthier.${key} is ${JSON.stringify(value)} and must be `),
  });
  expect(() => read({ luthier: { [key]: null } })).not.toThrow();
});
