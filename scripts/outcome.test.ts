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

test('what failed is named by stage before the last line, a line each', () => {
  const failed = [
    { stage: 'lint and format', failures: ['src/a.ts format: Formatter would have printed\n  other lines'] },
    { stage: 'install', failures: [] },
    { stage: 'tests', failures: [`src/a.test.ts > adds: ${'long '.repeat(100)}`] },
  ];
  const lines = closingLines({ passed: 5, failed: 3, skipped: 0 }, ['A'], failed).split('\n');
  expect(lines).toEqual([
    'Needed a second try: A',
    '1 scenario needed a second try.',
    'Failed: lint and format',
    '  src/a.ts format: Formatter would have printed other lines',
    'Failed: install',
    'Failed: tests',
    expect.stringMatching(/^ {2}src\/a\.test\.ts > adds: (long )+/),
    '5 passed, 3 failed',
  ]);
  expect(lines[6]!.length).toBeLessThan(210);
});

test('twenty failures of all stages are named, and of those left out the number, so that all fits the last screen', () => {
  const many = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name} ${i + 1}`);
  const failed = [
    { stage: 'lint and format', failures: many('lint', 15) },
    { stage: 'tests', failures: many('test', 300) },
    { stage: 'end to end', failures: many('scenario', 2) },
  ];
  expect(closingLines({ passed: 1, failed: 303, skipped: 0 }, [], failed).split('\n')).toEqual([
    'Failed: lint and format',
    ...many('  lint', 15),
    'Failed: tests',
    ...many('  test', 5),
    '  … and 295 more',
    'Failed: end to end',
    '  … and 2 more',
    '1 passed, 303 failed',
  ]);
});

test('what is written is read again, whatever was said before', () => {
  const counts = { passed: 12, failed: 1, skipped: 2 };
  const failures = ['The dashboard: Error: no button “Resume”', 'B: Error: late'];
  const closing = closingLines(counts, ['A: it is', 'B'], [{ stage: 'end to end', failures }]);
  const said = `✓ A (3 s)\n7 passed, 0 failed\nFailed: nothing\n  of this\n✗ B (3 s)\n  Error: late\n${closing}\n`;
  expect(readClosingLines(said)).toEqual({ counts, retried: ['A: it is', 'B'], failures });
  expect(readClosingLines('1 passed, 0 failed\n')).toEqual({
    counts: { passed: 1, failed: 0, skipped: 0 },
    retried: [],
    failures: [],
  });
  // Indented lines that nothing calls a failure are none.
  expect(readClosingLines('✗ A (3 s)\n  at line 3\n0 passed, 1 failed\n')?.failures).toEqual([]);
  expect(readClosingLines('it crashed')).toBeNull();
});
