import { expect, it } from 'vitest';
import { HostError } from '../errors.ts';
import { Health, JUDGED } from './health.ts';

it('a model is too slow once half of its last suggestions were', () => {
  const health = new Health();
  const said = Array.from({ length: JUDGED }, (_, i) => health.took(i < JUDGED / 2 ? 100 : 2000, 1500));
  expect(said.slice(0, -1).every((one) => one === null)).toBe(true);
  expect(said.at(-1)).toBe('half of its last 20 suggestions took 2.0 s or more (the limit is 1.5 s).');
  // It is judged anew from here on.
  expect(health.took(2000, 1500)).toBeNull();
});

it('one that is quick more often than not stays, however slow the others are', () => {
  const health = new Health();
  for (let i = 0; i < 5 * JUDGED; i++) expect(health.took(i % 5 < 3 ? 80 : 9000, 1500)).toBeNull();
});

it('what is wrong with the model is said at once, what may pass after the third time', () => {
  const health = new Health();
  expect(health.failed(new HostError('model-not-found', 'There is no model in /m.', 'Choose another one.'))).toBe(
    'There is no model in /m. Choose another one.',
  );
  const passing = new HostError('engine-stopped', 'The engine stopped (signal SIGKILL).');
  expect(health.failed(passing)).toBeNull();
  expect(health.failed(passing)).toBeNull();
  health.took(10, 1500);
  expect(health.failed(passing)).toBeNull();
  expect(health.failed(passing)).toBeNull();
  expect(health.failed(passing)).toBe('The engine stopped (signal SIGKILL).');
});
