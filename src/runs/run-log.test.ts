import { expect, it } from 'vitest';
import type { RunEvent } from '../protocol/index.ts';
import { printedBefore, printedIn, runLogLine } from './run-log.ts';

const at = { time: 1_780_000_000 };
const line = (event: object) => runLogLine({ ...at, ...event } as RunEvent);

it('writes notes, evaluations, states and errors, each on a line with its moment, and no steps', () => {
  expect(line({ event: 'note', level: 'warning', message: '3 of 9 rows are longer\nthan 64 tokens.' })).toBe(
    '[2026-05-28T20:26:40.000Z] Warning: 3 of 9 rows are longer than 64 tokens.',
  );
  expect(line({ event: 'note', level: 'info', message: 'The text is “text”.', fold: 2 })).toBe(
    '[2026-05-28T20:26:40.000Z] Fold 2: The text is “text”.',
  );
  const metrics = { accuracy: 0.5, loss: 1.25 };
  expect(line({ event: 'eval', step: 4, epoch: 1, split: 'validation', metrics, n: 8, best: true })).toMatch(
    / Step 4: validation accuracy 50\.0 %, loss 1\.25 \(best so far\)$/,
  );
  expect(line({ event: 'state', state: 'running' })).toMatch(/ State: training$/);
  expect(line({ event: 'error', code: 'disk-full', message: 'Full.', hint: 'Make room.' })).toMatch(
    / Error: Full\. Make room\.$/,
  );
  expect(line({ event: 'step', step: 1 })).toBeNull();
  // What a file says does nothing to a terminal that shows the log.
  expect(line({ event: 'note', level: 'info', message: 'a\u001b[2Jb' })).toMatch(/ a\\u001b\[2Jb$/);
});

it('tells what a process printed by itself from what the run told', () => {
  const log = [
    line({ event: 'state', state: 'starting' }),
    'Error: libcuda is gone',
    line({ event: 'state', state: 'running' }),
  ];
  expect(printedIn(log.join('\n'))).toBe('Error: libcuda is gone');
});

it('tells what the process before the one that has begun printed', () => {
  const [starting, running] = ['starting', 'running'].map((state) => line({ event: 'state', state }));
  const log = [starting, 'warning: no display', running, starting, running, 'vkQueueSubmit: device lost', starting];
  expect(printedBefore(log.join('\n')).trim()).toBe('vkQueueSubmit: device lost');
  // It died without a word, which an earlier one had.
  expect(printedBefore([starting, 'warning: no display', starting, running, starting].join('\n')).trim()).toBe('');
  // Of its log the end alone is read.
  expect(printedBefore([running, 'vkQueueSubmit: device lost', starting].join('\n')).trim()).toBe(
    'vkQueueSubmit: device lost',
  );
});
