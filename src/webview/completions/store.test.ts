import { expect, it } from 'vitest';
import { type CountedDay, parseCompletionsMessage, parseCompletionsRequest } from '../../protocol/completions-page.ts';
import { CompletionsStore, taken } from './store.ts';

const day = (day: string, change: Partial<CountedDay> = {}): CountedDay => ({
  ...{ day, model: '/runs/notes/model', name: 'notes', language: 'Markdown' },
  ...{ shown: 10, accepted: 3, partly: 1, rejected: 6, edited: 1, characters: 80 },
  ...change,
});

it('counts are summed by model and language over the days that are looked at', () => {
  const store = new CompletionsStore();
  store.apply({
    type: 'snapshot',
    today: '2026-11-27',
    days: [
      day('2026-11-27'),
      day('2026-11-21'),
      day('2026-11-20'),
      day('2026-11-27', { language: 'Plain Text', shown: 50 }),
    ],
  });
  expect(store.rows.map(({ language, shown }) => [language, shown])).toEqual([
    ['Plain Text', 50],
    ['Markdown', 30],
  ]);
  expect(taken(store.total)).toBe(16);
  store.span = '7';
  expect(store.rows.find(({ language }) => language === 'Markdown')).toMatchObject({ shown: 20, characters: 160 });
  const again = new CompletionsStore();
  again.restore(store.kept());
  expect(again.span).toBe('7');
  again.restore({ version: 1, span: 'year' });
  expect(again.span).toBe('7');
});

it('what does not fit the wire is refused', () => {
  expect(parseCompletionsMessage({ type: 'snapshot', today: '2026-11-27', days: [day('2026-11-27')] }).ok).toBe(true);
  expect(parseCompletionsMessage({ type: 'snapshot', today: '', days: [day('', { shown: -1 })] }).ok).toBe(false);
  expect(parseCompletionsRequest({ type: 'delete' }).ok).toBe(true);
  expect(parseCompletionsRequest({ type: 'deleteAll' }).ok).toBe(false);
});
