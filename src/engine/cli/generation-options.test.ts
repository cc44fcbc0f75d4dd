import { expect, it } from 'vitest';
import { settingsOf } from './generation-options.ts';

it('is greedy unless a sampling flag is given', () => {
  expect(settingsOf({ maxNewTokens: '5', seed: '3', stop: ['\n'], repetitionPenalty: '1.2' })).toEqual({
    ...{ max_new_tokens: 5, seed: 3, stop: ['\n'], repetition_penalty: 1.2 },
  });
  expect(settingsOf({ sample: true })).toEqual({ do_sample: true });
  for (const flags of [{ temperature: '0.7' }, { topK: '5' }, { topP: '0.9' }, { minP: '0.1' }])
    expect(settingsOf(flags).do_sample).toBe(true);
});

it.each([
  [{ maxNewTokens: '0' }, '--max-new-tokens must be a whole number from 1 to 1000000.'],
  [{ topK: 'many' }, '--top-k must be a whole number from 0 to 1000000.'],
  [{ temperature: '0' }, '--temperature must be above 0 and at most 100.'],
  [{ topP: '' }, '--top-p must be above 0 and at most 1.'],
  [{ seed: '-1' }, '--seed must be a whole number of at least 0.'],
  [{ numBeams: '3', topK: '5' }, '--num-beams above 1 and sampling cannot be used together.'],
  [{ stop: [''] }, 'a stop text must not be empty.'],
])('refuses %j naming the flag', (flags, message) => {
  expect(() => settingsOf(flags)).toThrow(message);
});
