import { expect, it } from 'vitest';
import { whyNoSamples } from './samples.ts';

const prompt = { row: 0, ids: [1], ends: [], prompt: 'Hi', reference: 'Yes' };

it.each([
  ['there are some', { prompts: [prompt], rows: 3, onDevice: false }, null],
  ['there are no rows', { prompts: [], rows: 0, onDevice: false }, null],
  ['the parameters are on a graphics card', { prompts: [prompt], rows: 3, onDevice: true }, /webgpu backend/],
  ['no row will do', { prompts: [], rows: 3, onDevice: false }, /no validation row has a prompt shorter/],
])('says why a run has no sample answers: %s', (_, of, why) => {
  if (why === null) expect(whyNoSamples(of)).toBeNull();
  else expect(whyNoSamples(of)).toMatch(why);
});
