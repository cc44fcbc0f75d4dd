import { expect, test } from 'vitest';
import {
  type DatasetMessage,
  parseDatasetMessage,
  parseDatasetRequest,
  parseDatasetState,
} from '../../protocol/dataset-page.ts';
import { DatasetPageStore, PAGE } from './store.ts';

const snapshot = (more: object = {}): Extract<DatasetMessage, { type: 'snapshot' }> => ({
  type: 'snapshot',
  path: '/d/tickets.csv',
  name: 'tickets.csv',
  place: 'tickets.csv',
  readable: true,
  trusted: true,
  otherwise: false,
  summary: {
    file: '/d/tickets.csv',
    task: 'text-classification',
    format: 'csv',
    encoding: 'utf-8',
    rows: 250,
    columns: [],
    guess: { text: 'text', label: 'label' },
    guess_reason: '',
    classes: [{ label: 'a', count: 250 }],
    problems: [],
  },
  ...more,
});
const LENGTHS = { min: 1, median: 1, p95: 1, max: 1, step: 1, counts: [0, 1] };
const answer = (id: number, offset: number, total: number): Extract<DatasetMessage, { type: 'rows' }> => ({
  type: 'rows',
  id,
  offset,
  total,
  lengths: LENGTHS,
  rows: Array.from({ length: Math.min(PAGE, total - offset) }, (_, i) => ({
    file: '/d/tickets.csv',
    line: offset + i + 2,
    text: 't',
    label: 'a',
  })),
});
const ready = (more: object = {}) => {
  const store = new DatasetPageStore();
  store.apply(snapshot(more));
  return store;
};

test('pages are turned within what there is', () => {
  const store = ready();
  store.apply(answer(store.request()!.id, 0, 250));
  expect([store.range, store.hasNext]).toEqual([{ first: 1, last: 100 }, true]);
  store.turn(-1);
  expect(store.offset).toBe(0);
  store.turn(1);
  store.turn(1);
  store.turn(1);
  expect(store.request()).toMatchObject({ offset: 200, limit: PAGE });
  store.apply(answer(store.request()!.id, 200, 250));
  expect([store.range, store.hasNext]).toEqual([{ first: 201, last: 250 }, false]);
});

test('another filter begins on the first page, and an answer to an earlier question is dropped', () => {
  const store = ready();
  store.apply(answer(store.request()!.id, 0, 250));
  store.turn(1);
  const early = store.request()!;
  store.filter({ search: ' parcel ' });
  store.filter({ label: 'a' });
  const late = store.request()!;
  expect(late).toMatchObject({ offset: 0, search: 'parcel', label: 'a' });
  store.apply(answer(early.id, 100, 250));
  expect([store.total, store.waiting]).toEqual([250, true]);
  store.apply(answer(late.id, 0, 3));
  expect([store.total, store.waiting]).toEqual([3, false]);
});

test('nothing is asked of a file without text and label; a class that went leaves no empty page', () => {
  expect(ready({ readable: false }).request()).toBeNull();
  const store = ready();
  store.filter({ label: 'a' });
  store.apply(snapshot({ summary: { ...snapshot().summary, classes: [{ label: 'b', count: 1 }] } }));
  expect(store.label).toBeNull();
});

test('the view outlives a reload; what is odd in it is left out', () => {
  const store = ready();
  store.filter({ search: 'x', label: 'a' });
  const again = new DatasetPageStore();
  again.restore(JSON.parse(JSON.stringify(store.kept())));
  expect([again.search, again.label, again.offset]).toEqual(['x', 'a', 0]);
  again.restore({ version: 2, path: 1 });
  expect(again.search).toBe('x');
  expect(parseDatasetState(undefined).ok).toBe(false);
});

test('the wire is checked', () => {
  expect(parseDatasetMessage(snapshot())).toEqual({ ok: true, message: snapshot() });
  expect(parseDatasetMessage({ ...snapshot(), summary: {} }).ok).toBe(false);
  expect(parseDatasetRequest({ type: 'openLine', line: -1 }).ok).toBe(false);
  expect(parseDatasetRequest({ type: 'rows', id: 1, offset: 0, limit: 100, search: '', label: null }).ok).toBe(true);
});

test('what would be learnt is asked for where a model writes, and shown or excused', () => {
  expect(ready().previewRequest()).toBeNull();
  const summary = { ...snapshot().summary, task: 'conversational' };
  expect(ready({ summary, readable: false }).previewRequest()).toBeNull();
  const store = ready({ summary });
  const request = store.previewRequest();
  expect(request).toEqual({ type: 'preview', choose: false });
  expect(parseDatasetRequest(request).ok).toBe(true);
  const preview = {
    ...{ model: 'starters/decoder', max_length: 512, read: 1, truncated: 0, notes: [] },
    rows: [{ file: '/d/a.jsonl', line: 1, tokens: 3, learnt: 1, windows: 1, parts: [{ text: 'Yes', kind: 'learnt' }] }],
  };
  const told = parseDatasetMessage({ type: 'preview', preview, problem: null });
  expect(told.ok).toBe(true);
  if (told.ok) store.apply(told.message);
  expect(store.preview?.preview?.rows[0]?.parts[0]?.text).toBe('Yes');
  store.apply({ type: 'preview', preview: null, problem: 'No model.' });
  expect(store.preview).toEqual({ preview: null, problem: 'No model.' });
});
