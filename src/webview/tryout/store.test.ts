import { describe, expect, test } from 'vitest';
import type { Prediction, Texts } from '../../protocol/answers.ts';
import { parseTryoutMessage } from '../../protocol/tryout-page.ts';
import { linesOf, MAX_LINES, ranked, TryoutStore } from './store.ts';

const prediction = (texts: string | Texts, label = 'a', score = 0.8): Prediction => ({
  ...(typeof texts === 'string' ? { text: texts } : texts),
  label,
  score,
  scores: { a: label === 'a' ? score : 1 - score, b: label === 'b' ? score : 1 - score },
});
const ready = (more: object = {}): TryoutStore => {
  const store = new TryoutStore();
  const model = { task: 'text-classification' as const, name: 'tuned', labels: ['a', 'b'] };
  store.apply({
    type: 'snapshot',
    rows: true,
    run: 'r',
    tuned: model,
    base: model,
    base_note: null,
    dataset: 'rows',
    ...more,
  });
  return store;
};
const answered = (text: string): TryoutStore => {
  const store = ready();
  store.text = text;
  const request = store.request()!;
  store.apply({
    type: 'predictions',
    id: request.id,
    tuned: request.texts.map((t) => prediction(t)),
    base: null,
    ms: 2,
  });
  return store;
};

test('one text a line, blank lines are none', () => {
  expect(linesOf('  a\n\n b \r\n')).toEqual(['a', 'b']);
  expect(linesOf(' \n')).toEqual([]);
});

test('labels by probability', () => {
  expect(ranked(prediction('x', 'b', 0.9)).map((r) => r.label)).toEqual(['b', 'a']);
});

describe('asking', () => {
  test('nothing is asked of nothing, or before there is a model', () => {
    const early = new TryoutStore();
    early.text = 'x';
    expect(early.request()).toBeNull();
    expect(ready().request()).toBeNull();
  });

  test('the base is asked only where there is one and it is wanted', () => {
    const store = ready();
    store.text = 'x';
    expect(store.request()).toMatchObject({ texts: [{ text: 'x' }], compare: true });
    store.compare = false;
    expect(store.request()).toMatchObject({ compare: false });
    const alone = ready({ base: null });
    alone.text = 'x';
    expect(alone.request()).toMatchObject({ compare: false });
  });

  test('a pasted file is cut to what can be shown', () => {
    const store = ready();
    store.text = Array.from({ length: 1000 }, (_, i) => `line ${i}`).join('\n');
    expect(store.request()!.texts).toHaveLength(MAX_LINES);
  });

  test('an answer that comes late, after another question or none, is dropped', () => {
    const store = ready();
    store.text = 'first';
    const first = store.request()!;
    store.text = 'second';
    store.request();
    store.apply({ type: 'predictions', id: first.id, tuned: [prediction('first')], base: null, ms: 1 });
    expect(store.results).toEqual([]);
    expect(store.waiting).toBe(true);
    store.text = '';
    store.request();
    expect(store.waiting).toBe(false);
  });

  test('results are stale as soon as the text differs', () => {
    const store = answered('x\ny');
    expect(store.stale).toBe(false);
    store.text = 'x\nyy';
    expect(store.stale).toBe(true);
  });

  test('a failure is said and ends the waiting; an old one is not said', () => {
    const store = ready();
    store.text = 'x';
    const { id } = store.request()!;
    const error = { code: 'internal' as const, message: 'The model could not be read.' };
    store.apply({ type: 'failed', request: 'predict', id: id - 1, error });
    expect(store.failure).toBeNull();
    store.apply({ type: 'failed', request: 'predict', id, error });
    expect(store.failure?.error.message).toBe(error.message);
    expect(store.waiting).toBe(false);
  });

  test('a prediction that was cancelled is no longer waited for, until there is something new to ask', () => {
    const store = answered('one');
    store.text = 'two';
    const { id } = store.request()!;
    store.apply({ type: 'loading', message: 'Loading mine…' });
    store.apply({ type: 'cancelled', id: id - 1 });
    expect(store.waiting).toBe(true);
    store.apply({ type: 'cancelled', id });
    expect(store).toMatchObject({ waiting: false, loading: null, cancelled: true, stale: true });
    store.request();
    expect(store).toMatchObject({ waiting: true, cancelled: false });
  });
});

describe('history', () => {
  test('takes each text once, newest first', () => {
    const store = answered('one\ntwo');
    expect(store.remember()).toBe(true);
    expect(store.remember()).toBe(false);
    store.text = 'two\nthree';
    const request = store.request()!;
    store.apply({
      type: 'predictions',
      id: request.id,
      tuned: request.texts.map((t) => prediction(t, 'b')),
      base: null,
      ms: 2,
    });
    expect(store.remember()).toBe(true);
    expect(store.history.map((e) => [e.text, e.label])).toEqual([
      ['two', 'b'],
      ['three', 'b'],
      ['one', 'a'],
    ]);
  });

  test('takes nothing that has no answer yet', () => {
    const store = answered('one');
    store.text = 'on';
    expect(store.remember()).toBe(false);
  });
});

test('a picked row fills the input as one line and knows its label', () => {
  const store = ready();
  store.apply({ type: 'row', text: 'two\n lines', label: 'b', file: 'rows.csv', line: 9 });
  expect(store.text).toBe('two lines');
  expect(store.picked).toMatchObject({ text: 'two lines', label: 'b', line: 9 });
});

test('what was kept comes back, and odd things do not', () => {
  const store = answered('one');
  store.remember();
  const again = new TryoutStore();
  again.restore(JSON.parse(JSON.stringify(store.kept())));
  expect(again.kept()).toEqual(store.kept());
  const odd = new TryoutStore();
  odd.restore({ text: 4, history: [{ text: 'x' }, null, 5], picked: { text: 'x' }, compare: 'no' });
  expect(odd.kept()).toEqual(new TryoutStore().kept());
});

test('entities are an answer like labels: kept with their text, and counted in the history', () => {
  const store = ready();
  store.text = 'Ana left Oslo';
  const { id } = store.request()!;
  const entities = [{ entity_group: 'PER', score: 0.9, word: 'Ana', start: 0, end: 3 }];
  store.apply({ type: 'predictions', id, tuned: [{ text: 'Ana left Oslo', entities }], base: null, ms: 2 });
  expect(store.results).toEqual([{ text: 'Ana left Oslo', tuned: { text: 'Ana left Oslo', entities }, base: null }]);
  expect(store.stale).toBe(false);
  expect(store.remember()).toBe(true);
  expect(store.history).toEqual([{ text: 'Ana left Oslo', label: '1 entity', score: null }]);
  const again = new TryoutStore();
  again.restore(JSON.parse(JSON.stringify(store.kept())));
  expect(again.history).toEqual(store.history);
});

test('a masked model is asked for the texts with a mask alone, and what it puts there goes into the history', () => {
  const store = ready({
    rows: false,
    tuned: { task: 'fill-mask', name: 'bert', labels: [], mask: '[MASK]' },
    base: null,
  });
  store.text = 'It is [MASK].\nNo mask here.\n[MASK] and [MASK]';
  expect(store.unmasked).toBe(1);
  const { id, texts } = store.request()!;
  expect(texts).toEqual([{ text: 'It is [MASK].' }, { text: '[MASK] and [MASK]' }]);
  const fill = (token_str: string, score: number) => ({ token_str, score, token: 1, sequence: '' });
  const tuned = [
    { ...texts[0]!, predictions: [fill('late', 0.6), fill(' ', 0.2)] },
    { ...texts[1]!, predictions: [[fill('you', 0.5)], [fill(' me', 0.4)]] },
  ];
  expect(parseTryoutMessage({ type: 'predictions', id, tuned, base: null, ms: 1 })).toMatchObject({ ok: true });
  store.apply({ type: 'predictions', id, tuned, base: null, ms: 1 });
  expect(store.stale).toBe(false);
  store.remember();
  expect(store.history.map(({ label, score }) => [label, score])).toEqual([
    ['late', 0.6],
    ['you, me', null],
  ]);
  store.text = 'nothing to fill in';
  expect([store.request(), store.unmasked]).toEqual([null, 1]);
});
