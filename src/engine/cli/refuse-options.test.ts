import { expect, it } from 'vitest';
import { refuseRunOptions } from './refuse-options.ts';

it.each([
  ['range-test', { folds: '5' }, '--range-test tries learning rates and keeps no run, so --folds has no meaning.'],
  ['range-test', { write: true }, '--range-test tries learning rates and keeps no run, so --write has no meaning.'],
  ['search', { queue: true }, '--queue is for one run, and this recipe has a search, which makes many.'],
  ['search', { out: 'here' }, '--out is for one run, and this recipe has a search, which makes many.'],
] as const)('beside a %s %j is refused', (instead, options, message) => {
  expect(() => refuseRunOptions(instead, options)).toThrow(expect.objectContaining({ code: 'usage', message }));
});

it('leaves what fits, and what was not given', () => {
  refuseRunOptions('search', { write: true, detach: false });
  refuseRunOptions('range-test', {});
});
