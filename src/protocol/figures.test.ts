import { expect, it } from 'vitest';
import {
  describeLimits,
  describeRemembered,
  formatBytes,
  formatChange,
  formatCompact,
  formatGflops,
  formatMoment,
  unknownTokens,
} from './figures.ts';

it('bytes are written in decimal units, with three digits at most', () => {
  expect([0, 999, 1000, 1234, 99_940, 999_499, 999_500, 438_000_000, 1.36e9, 5e15].map((n) => formatBytes(n))).toEqual([
    ...['0 B', '999 B', '1.0 kB', '1.2 kB', '99.9 kB', '999 kB', '1.0 MB', '438 MB', '1.4 GB', '5000 TB'],
  ]);
});

it('another language writes the number itself', () => {
  expect(formatBytes(1_360, (size, isWhole) => `${isWhole ? size : size.toFixed(2).replace('.', ',')}`)).toBe(
    '1,36 kB',
  );
});

it('parameters are counted exactly while they are few, since 0 k says nothing', () => {
  expect([0, 66, 5858, 20_400, 999_499, 999_500, 22_713_216].map(formatCompact)).toEqual([
    ...['0', '66', '5,858', '20 k', '999 k', '1.0 M', '22.7 M'],
  ]);
});

it('tokens that a model does not know are told with how many there are', () => {
  expect(unknownTokens({ count: 1, of: 1 })).toBe('1 of 1 token is unknown to this model');
  expect(unknownTokens({ count: 5, of: 7 })).toBe('5 of 7 tokens are unknown to this model');
});

it('a change has its sign, which nothing at all has not below zero', () => {
  expect([formatChange(10, 10.73), formatChange(10, 9.5), formatChange(10, 9.9999)]).toEqual([
    '+7.3 %',
    '−5.0 %',
    '+0.0 %',
  ]);
});

it('what a graphics card grants is said as far as it is known', () => {
  const none = { largest_binding: null, largest_buffer: null, storage_buffers: null, float16: null };
  const all = { largest_binding: 2 ** 30, largest_buffer: 2 ** 31, storage_buffers: 12, float16: true };
  expect(describeLimits(all)).toBe(
    'largest binding 1.1 GB, largest buffer 2.1 GB, 12 storage buffers per operation, float16',
  );
  expect(describeLimits({ ...none, storage_buffers: 8, float16: false })).toBe(
    '8 storage buffers per operation, no float16',
  );
  expect(describeLimits(none)).toBe('its limits are not known');
});

it('rates of matrix products are whole numbers, small ones with two digits', () => {
  expect([0.834, 8.34, 85.4, 1234.5].map(formatGflops)).toEqual([
    '0.83 Gflop/s',
    '8.3 Gflop/s',
    '85 Gflop/s',
    '1,235 Gflop/s',
  ]);
});

it('what auto remembers of a graphics card is said, since when, and until when a failure counts', () => {
  const [at, since, again] = ['2026-11-20T10:00:00Z', '2026-11-21T10:00:00Z', '2026-11-23T10:00:00Z'];
  const measured = [{ models: 'hidden_size up to 896', gflops: 1234.5, at }];
  const rates = `auto remembers 1,235 Gflop/s for models of hidden_size up to 896 (${formatMoment(at)})`;
  expect(describeRemembered({ usable: true })).toEqual([]);
  expect(describeRemembered({ usable: true, remembered: { measured } })).toEqual([rates]);
  const failure = { since, tried: again, reason: 'No adapter.', again };
  expect(describeRemembered({ usable: false, remembered: { measured: [], failure } })).toEqual([
    `auto remembers that it has failed since ${formatMoment(since)} (No adapter.) and does not try it before ${formatMoment(again)}, unless the machine is restarted, its driver changes, or luthier backends finds that it works`,
  ]);
  expect(describeRemembered({ usable: true, remembered: { measured: [], failure } })).toEqual([
    `auto remembers that it has failed since ${formatMoment(since)} (No adapter.); it works, so that is forgotten now`,
  ]);
  expect(formatMoment('2026-11-20T10:00:00Z')).toMatch(/^Nov (19|20|21), 2026, /);
});
