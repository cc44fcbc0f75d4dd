import { expect, test } from 'vitest';
import { parseTryoutMessage, parseTryoutRequest } from './tryout-page.ts';

const reason = (result: { ok: boolean; reason?: string }): string | undefined =>
  result.ok ? undefined : result.reason;

test('try model', () => {
  const texts = [{ text: 'a' }, { text: 'a', text_pair: 'b' }];
  expect(parseTryoutRequest({ type: 'predict', id: 1, texts, compare: false }).ok).toBe(true);
  expect(reason(parseTryoutRequest({ type: 'predict', id: 1, texts: 'a', compare: false }))).toBe(
    'message.texts is a string, not an array',
  );
  const prediction = { text: 'a', label: 'x', score: 1, scores: { x: 1 } };
  expect(parseTryoutMessage({ type: 'predictions', id: 1, tuned: [prediction], base: null, ms: 3 }).ok).toBe(true);
  expect(
    reason(
      parseTryoutMessage({ type: 'predictions', id: 1, tuned: [{ ...prediction, scores: null }], base: null, ms: 3 }),
    ),
  ).toBe('message.tuned[0].scores is null, not an object');
});

test('an answer is a label with scores or entities, nothing between them', () => {
  const entity = { entity_group: 'PER', score: 0.9, word: 'Ana', start: 0, end: 3 };
  const of = (tuned: unknown) => parseTryoutMessage({ type: 'predictions', id: 1, tuned: [tuned], base: null, ms: 3 });
  expect(of({ text: 'Ana', entities: [entity] }).ok).toBe(true);
  expect(of({ text: 'Ana', entities: [{ ...entity, start: 'a' }] }).ok).toBe(false);
  expect(of({ text: 'Ana' }).ok).toBe(false);
});
