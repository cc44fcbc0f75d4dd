import { expect, test } from 'vitest';
import { closingLines, readClosingLines } from './outcome.mjs';

test('the last line alone sums up; scenarios that needed a second try are counted and named before it', () => {
  expect(closingLines({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
  expect(closingLines({ passed: 3, failed: 1, skipped: 2 }, ['One, and more']).split('\n')).toEqual([
    'Needed a second try: One, and more',
    '1 scenario needed a second try.',
    '3 passed, 1 failed, 2 skipped',
  ]);
  expect(closingLines({ passed: 9, failed: 0, skipped: 0 }, ['A', 'B'])).toContain(
    '\n2 scenarios needed a second try.\n',
  );
});

test('what is written is read again, whatever was said before', () => {
  const counts = { passed: 12, failed: 1, skipped: 2 };
  const said = `✓ A (3 s)\n7 passed, 0 failed\nnoise\n${closingLines(counts, ['A: it is', 'B'])}\n`;
  expect(readClosingLines(said)).toEqual({ counts, retried: ['A: it is', 'B'] });
  expect(readClosingLines('1 passed, 0 failed\n')).toEqual({
    counts: { passed: 1, failed: 0, skipped: 0 },
    retried: [],
  });
  expect(readClosingLines('it crashed')).toBeNull();
});
