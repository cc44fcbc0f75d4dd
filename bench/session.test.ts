import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Session } from './session.ts';

const root = mkdtempSync(path.join(tmpdir(), 'luthier-session-'));
afterAll(() => rmSync(root, { recursive: true }));

it('goes on with the rounds that an ended call had measured, and forgets a call that came to its end', () => {
  const round = { luthier: { figures: { step: 1 }, peak_rss_bytes: 2 } };
  Session.open(root, { fresh: false }).keep('a', { rounds: [round], rates: { luthier: 3 } });
  const second = Session.open(root, { fresh: false });
  expect(second.of('a')).toEqual({ rounds: [round], rates: { luthier: 3 } });
  expect(second.of('b')).toEqual({ rounds: [], rates: {} });
  expect(Session.open(root, { fresh: true }).of('a').rounds).toEqual([]);
  second.keep('b', { rounds: [round], rates: {} });
  second.forget(['a']);
  expect(Session.open(root, { fresh: false }).of('b').rounds).toHaveLength(1);
  second.forget(['b']);
  expect(existsSync(path.join(root, '.luthier/bench/session.json'))).toBe(false);
});
