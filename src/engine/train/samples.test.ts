import { expect, it } from 'vitest';
import { whyNoSamples } from './samples.ts';

const prompt = { row: 0, ids: [1], ends: [], prompt: 'Hi', reference: 'Yes' };

it.each([
  ['there are some', { prompts: [prompt], rows: 3 }, null],
  ['there are no rows', { prompts: [], rows: 0 }, null],
  ['no row will do', { prompts: [], rows: 3 }, /no validation row has a prompt shorter/],
])('says why a run has no sample answers: %s', (_, of, why) => {
  if (why === null) expect(whyNoSamples(of)).toBeNull();
  else expect(whyNoSamples(of)).toMatch(why);
});
