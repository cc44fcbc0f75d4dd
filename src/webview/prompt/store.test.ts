import { expect, test } from 'vitest';
import type { PromptColumn, PromptPageMessage, PromptRow, PromptSnapshot } from '../../protocol/prompt-page.ts';
import { PromptStore, TIE, TRIED } from './store.ts';

const column = (id: string, more: Partial<PromptColumn> = {}): PromptColumn => ({
  ...{ id, name: id, detail: null, remote: null, problem: null },
  ...more,
});
const snapshot = (more: Partial<PromptSnapshot> = {}): PromptPageMessage => ({
  ...{ type: 'snapshot', mode: 'try', template: 'file:///a.prompty', name: 'a.prompty', blocked: null },
  variables: [
    { name: 'text', kind: 'string', description: null },
    { name: 'words', kind: 'number', description: null },
    { name: 'tags', kind: 'array', description: null },
    { name: 'short', kind: 'boolean', description: null },
  ],
  sample: { text: 'Hi', words: 3, tags: ['a'] },
  ...{
    hasSample: true,
    problems: [],
    dataset: null,
    columns: [column('one')],
    subject: '',
    offered: null,
    options: '',
  },
  ...more,
});
const row = (id: string): PromptRow => ({ id, title: id, values: { text: id } });
const answer = (id: number, column: string, of = TRIED, text = 'x'): PromptPageMessage => ({
  ...{ type: 'answer', id, row: of, column, text, tokens: 2, ms: 5, reason: 'end', notes: [], labels: [] },
});

function started(more: Partial<PromptSnapshot> = {}): PromptStore {
  const store = new PromptStore();
  store.apply(snapshot(more));
  return store;
}
function run(store: PromptStore, only?: string) {
  const request = store.run(only);
  if (request) store.sent(request);
  return request as { id: number; rows: PromptRow[]; columns: string[] } | null;
}
function compared(...rows: string[]): PromptStore {
  const store = started({ mode: 'compare', hasSample: false, columns: [column('a'), column('b')], subject: 'ab' });
  store.apply({ type: 'rows', rows: rows.map(row) });
  return store;
}

test('a sample fills the fields; what is typed becomes values of its kind', () => {
  const store = started();
  expect(store.values()).toEqual({ text: 'Hi', words: 3, tags: ['a'], short: false });
  store.type('words', '12');
  store.type('tags', '["b", 2]');
  store.type('short', 'true');
  expect([store.from, store.values()]).toEqual(['', { text: 'Hi', words: 12, tags: ['b', 2], short: true }]);
  store.type('words', '');
  expect(store.values()).not.toHaveProperty('words');
});

test('a field that nobody filled has no value; a text of the sample that is emptied is empty', () => {
  const variables = ['text', 'other'].map((name) => ({ name, kind: 'string', description: null }) as const);
  const store = started({ variables, sample: { text: 'Hi' } });
  store.type('text', '');
  expect(store.values()).toEqual({ text: '' });
});

test('what is no number and no JSON is said, and keeps the template from running', () => {
  const store = started();
  store.type('words', 'many');
  expect(store.fault(store.page!.variables[1]!)).toBe('“many” is not a number.');
  expect([store.blocked, run(store)]).toEqual(['A value is not as it should be.', null]);
  store.type('words', '1');
  store.type('tags', '{"a": 1}');
  expect(store.fault(store.page!.variables[2]!)).toContain('not a list');
  store.type('tags', '[');
  expect(store.fault(store.page!.variables[2]!)).toContain('not JSON');
});

test('an answer is taken as it is written; a run that takes its place hears nothing of the one before', () => {
  const store = started();
  const first = run(store)!;
  expect([first.rows[0]!.values.text, first.columns, store.isRunning]).toEqual(['Hi', ['one'], true]);
  store.apply({ type: 'part', id: first.id, row: TRIED, column: 'one', text: 'Hel' });
  expect(store.cell(TRIED, 'one')).toMatchObject({ text: 'Hel', end: null });
  const second = run(store)!;
  store.apply({ type: 'part', id: first.id, row: TRIED, column: 'one', text: 'late' });
  store.apply({ type: 'ended', id: first.id, cancelled: true });
  expect([store.cell(TRIED, 'one')!.text, store.isRunning]).toEqual(['', true]);
  store.apply(answer(second.id, 'one'));
  store.apply({ type: 'ended', id: second.id, cancelled: false });
  expect([store.cell(TRIED, 'one')!.end!.reason, store.isRunning]).toEqual(['end', false]);
});

test('what is written stays when it is stopped or fails', () => {
  const store = started();
  const { id } = run(store)!;
  store.apply({ type: 'part', id, row: TRIED, column: 'one', text: 'half' });
  store.apply({ type: 'ended', id, cancelled: true });
  expect(store.cell(TRIED, 'one')).toMatchObject({ text: 'half', end: { reason: 'cancelled' } });
  const again = run(store)!;
  store.apply({ type: 'part', id: again.id, row: TRIED, column: 'one', text: 'hal' });
  const error = { code: 'internal', message: 'It broke.' } as const;
  store.apply({ type: 'cellFailed', id: again.id, row: TRIED, column: 'one', error, ways: [] });
  expect(store.cell(TRIED, 'one')).toMatchObject({ text: 'hal', failure: { error } });
});

test('a template with errors, no model and no trust is not run', () => {
  expect(started({ problems: ['Line 2: no'] }).blocked).toBe('The template has errors.');
  expect(started({ columns: [column('one', { problem: 'gone' })] }).blocked).toBe('No model is there to answer.');
  const untrusted = started({ blocked: 'Not trusted.' });
  expect([untrusted.blocked, untrusted.render(), run(untrusted)]).toEqual(['Not trusted.', null, null]);
});

test('each row is answered by each column that is there, and has one vote once two have answered', () => {
  const store = compared('r1', 'r2');
  store.apply({ type: 'rows', rows: [row('r2'), row('r3')] });
  const { id, rows, columns } = run(store)!;
  expect([rows.map((one) => one.id), columns]).toEqual([
    ['r1', 'r2', 'r3'],
    ['a', 'b'],
  ]);
  store.apply(answer(id, 'a', 'r1'));
  expect(store.canVote('r1')).toBe(false);
  store.apply(answer(id, 'b', 'r1'));
  expect(store.canVote('r1')).toBe(true);
  // What is not answered yet cannot be voted on.
  expect(store.vote('r2', 'b')).toBeNull();
  for (const of of ['r2', 'r3']) for (const one of ['a', 'b']) store.apply(answer(id, one, of));
  store.vote('r1', 'a');
  store.vote('r1', 'b');
  store.vote('r2', 'b');
  store.vote('r3', TIE);
  const { columns: tallies, decided, ties } = store.tally();
  expect([tallies.map(({ votes }) => votes), decided, ties]).toEqual([[0, 2], 2, 1]);
  expect(tallies[1]!.share!.low).toBeCloseTo(0.3424, 4);
  // Another answer is another question.
  run(store, 'r1');
  expect(store.tally().decided).toBe(1);
  store.removeRow('r2');
  expect([store.rows.map((one) => one.id), store.tally().decided]).toEqual([['r1', 'r3'], 0]);
});

/** Row r1 answered by both, with a vote for b. */
function voted(): PromptStore {
  const store = compared('r1');
  const { id } = run(store)!;
  for (const one of ['a', 'b']) store.apply(answer(id, one, 'r1'));
  store.vote('r1', 'b');
  return store;
}

test('a vote for a column that is taken out is none, and one again once it is back', () => {
  const store = voted();
  store.apply(snapshot({ mode: 'compare', columns: [column('a')], subject: 'a' }));
  expect(store.tally()).toMatchObject({ decided: 0, ties: 0, stale: 1 });
  store.apply(snapshot({ mode: 'compare', columns: [column('a'), column('b')], subject: 'ab' }));
  expect(store.tally()).toMatchObject({ decided: 1, stale: 0 });
});

test('a vote is on the very answers: the same ones again keep it, others and other values do not count', () => {
  const store = voted();
  const again = (text: string) => {
    const { id } = run(store)!;
    expect(store.tally()).toMatchObject({ decided: 0, stale: 0 });
    for (const one of ['a', 'b']) store.apply(answer(id, one, 'r1', one === 'a' ? 'x' : text));
    store.apply({ type: 'ended', id, cancelled: false });
  };
  again('x');
  expect([store.choice('r1'), store.tally().decided]).toEqual(['b', 1]);
  again('another');
  expect([store.choice('r1'), store.tally().decided, store.tally().stale]).toEqual([null, 0, 1]);
  expect(store.vote('r1', 'a')).toMatchObject({ votes: [{ row: 'r1', subject: 'ab', choice: 'a' }] });
  expect(store.tally()).toMatchObject({ decided: 1, stale: 0 });
});

test('votes of an earlier page count with their rows out of sight; those on another text of the template are told', () => {
  const { votes } = voted();
  const store = started({ mode: 'compare', hasSample: false, columns: [column('a'), column('b')], subject: 'ab' });
  store.apply({ type: 'votes', votes: [...votes, { row: 'r9', subject: 'earlier text', on: 'x', choice: 'a' }] });
  expect(store.tally()).toMatchObject({ decided: 1, elsewhere: 1, stale: 1 });
  store.apply({ type: 'rows', rows: [row('r1')] });
  expect(store.tally()).toMatchObject({ decided: 1, elsewhere: 0 });
  // Taken out with its row, others stay.
  expect(store.removeRow('r1')).toMatchObject({ votes: [{ row: 'r9' }] });
  store.apply({ type: 'votes', votes: [] });
  expect(store.tally()).toMatchObject({ decided: 0, stale: 0 });
});

test('what goes elsewhere is asked for beforehand, and only then', () => {
  const store = compared('r1');
  expect(store.estimateRequest()).toBeNull();
  store.apply(snapshot({ mode: 'compare', columns: [column('a'), column('b', { remote: 'far' })] }));
  expect(store.estimateRequest()).toMatchObject({ type: 'estimate', rows: [{ id: 'r1' }] });
});

test('a template that is edited keeps what was typed, and new inputs have their sample', () => {
  const store = started();
  store.type('text', 'typed');
  const variables = [...store.page!.variables, { name: 'tone', kind: 'string', description: null } as const];
  store.apply(snapshot({ variables, sample: { text: 'other', tone: 'kind' } }));
  expect(store.values()).toMatchObject({ text: 'typed', tone: 'kind' });
});

test('a page comes back as it was; an answer that was being written has stopped', () => {
  const store = compared('r1');
  const { id } = run(store)!;
  store.apply(answer(id, 'a', 'r1', 'done'));
  store.apply({ type: 'part', id, row: 'r1', column: 'b', text: 'half' });
  const back = new PromptStore();
  back.restore(JSON.parse(JSON.stringify(store.keep())));
  back.apply(snapshot({ mode: 'compare', columns: [column('a'), column('b')] }));
  expect(back.rows.map((one) => one.id)).toEqual(['r1']);
  expect([back.cell('r1', 'a')!.text, back.cell('r1', 'b')!.end!.reason]).toEqual(['done', 'cancelled']);
  const other = new PromptStore();
  other.restore({ template: 3, rows: [null], cells: 'x' });
  other.restore({
    template: 'file:///a.prompty',
    mode: 'try',
    rows: [null, { id: 1 }],
    cells: [3, ['k', null]],
    texts: { text: 4 },
  });
  other.apply(snapshot());
  expect(other.values()).toMatchObject({ text: 'Hi' });
});

test('an answer is kept with the values that it was asked with, also after a reload', () => {
  const store = started();
  const asked = run(store)!;
  store.apply(answer(asked.id, 'one'));
  store.type('text', 'typed since');
  expect(store.cell(TRIED, 'one')!.values).toMatchObject({ text: 'Hi' });
  const reloaded = new PromptStore();
  reloaded.restore(JSON.parse(JSON.stringify(store.keep())));
  reloaded.apply(snapshot());
  expect(reloaded.cell(TRIED, 'one')!.values).toMatchObject({ text: 'Hi' });
});

test('what makes way for another run is not waited for, also where that run asks somebody else', () => {
  const store = started();
  run(store);
  store.apply(snapshot({ columns: [column('two')] }));
  const second = run(store)!;
  expect(store.cell(TRIED, 'one')!.end).toMatchObject({ reason: 'cancelled' });
  expect([store.isRunning, store.cell(TRIED, 'two')!.end]).toEqual([true, null]);
  store.apply(answer(second.id, 'two'));
  expect(store.cell(TRIED, 'two')!.text).toBe('x');
});
