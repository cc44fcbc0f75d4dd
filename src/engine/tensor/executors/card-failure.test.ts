import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { driversHere, isWorthTrying, triedAgainAt } from './card-failure.ts';

const tried = '2026-11-27T10:00:00.000Z';
const failure = { since: '2026-11-01T10:00:00.000Z', tried, reason: 'Lost.', drivers: 'a' };
const hoursAfter = (hours: number, more: object = {}) => ({
  ...{ time: Date.parse(tried) + 3_600_000 * hours, uptime: 1e6, drivers: 'a' },
  ...more,
});

describe('isWorthTrying', () => {
  it.each([
    [false, 'at once', hoursAfter(0)],
    [false, 'before a day is over', hoursAfter(23.9)],
    [true, 'after it', hoursAfter(24.1)],
    [true, 'after a start since', hoursAfter(2, { uptime: 7000 })],
    [false, 'after a start before', hoursAfter(2, { uptime: 7300 })],
    [true, 'with another driver', hoursAfter(1, { drivers: 'b' })],
    [true, 'if the clock says that it was in the future', hoursAfter(-5)],
  ])('is %s %s', (is, _, now) => {
    expect(isWorthTrying(failure, now)).toBe(is);
  });

  it('is true of a date that cannot be read', () => {
    expect(isWorthTrying({ ...failure, tried: 'yesterday' }, hoursAfter(0))).toBe(true);
  });

  it('is so after the day that is told', () => {
    expect(triedAgainAt(failure)).toBe('2026-11-28T10:00:00.000Z');
  });
});

describe.runIf(process.platform === 'linux')('driversHere', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'luthier-drivers-'));
  const manifest = path.join(folder, 'icd.json');
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is the same while nothing changes, and another when a driver is installed or replaced', async () => {
    const before = await driversHere();
    expect(await driversHere()).toBe(before);
    vi.stubEnv('VK_ICD_FILENAMES', manifest);
    const missing = await driversHere();
    writeFileSync(manifest, '{}');
    const there = await driversHere();
    utimesSync(manifest, new Date(0), new Date(0));
    const replaced = await driversHere();
    expect(new Set([before, missing, there, replaced]).size).toBe(4);
    expect(await driversHere()).toBe(replaced);
  });
});
