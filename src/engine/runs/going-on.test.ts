import { expect, test } from 'vitest';
import { goesOn } from './going-on.ts';

test('a run says what it goes on from, and how many steps that costs', () => {
  expect(goesOn(13, 10)).toBe('The run goes on from its checkpoint of step 10. 3 steps are computed again.');
  expect(goesOn(11, 10, 'the graphics card again')).toBe(
    'The run goes on from its checkpoint of step 10, on the graphics card again. 1 step is computed again.',
  );
  expect(goesOn(10, 10)).toBe('The run goes on from its checkpoint of step 10.');
  expect(goesOn(0, 0)).toBe('The run starts from the beginning, since there is no checkpoint yet.');
});
