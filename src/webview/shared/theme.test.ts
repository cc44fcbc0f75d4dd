import { expect, test } from 'vitest';
import { opaque } from './theme.ts';

test('a colour of a chart has its full strength, however the theme writes it', () => {
  expect(
    ['rgba(234, 92, 0, 0.33)', '#ea5c0055', '#d18616', '#abc', 'rgb(1, 2, 3)', 'rgba(1 2 3 / 0.5)'].map(opaque),
  ).toEqual(['rgb(234, 92, 0)', '#ea5c00', '#d18616', '#abc', 'rgb(1, 2, 3)', 'rgba(1 2 3 / 0.5)']);
});
