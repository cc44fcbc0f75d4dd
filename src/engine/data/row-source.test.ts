import { expect, it } from 'vitest';
import { rowSource } from './row-source.ts';

it('a source that names more lines than any dataset has is not known, and takes no memory', () => {
  expect(
    rowSource({
      file: '/a',
      lines: [
        [2, 2],
        [7, 1],
      ],
    }),
  ).toEqual({ file: '/a', lines: [2, 3, 7] });
  expect(rowSource({ file: '/a', lines: [[1, 4e9]] })).toBeUndefined();
  expect(rowSource({ file: '/a', lines: Array.from({ length: 1000 }, () => [1, 1e6] as const) })).toBeUndefined();
  expect(rowSource({ file: '/a', lines: [[1, -1]] })).toBeUndefined();
  expect(rowSource({ file: 'a', lines: [[1, 1]] })).toBeUndefined();
});
