import { expect, test } from 'vitest';
import { parseRunEvent } from './event-checks.ts';

test('events are checked one by one', () => {
  expect(parseRunEvent({ event: 'note', time: 1, level: 'info', message: 'm' }).ok).toBe(true);
  expect(parseRunEvent({ event: 'note', time: 1, level: 'loud', message: 'm' })).toEqual({
    ok: false,
    reason: 'message.level is not one of info, warning, error',
  });
});
