import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';

// A run says when another one works on this machine: those of a test file that runs meanwhile do not count.
const { LUTHIER_TEST_DATA: data } = process.env;
if (data !== undefined) process.env.LUTHIER_DATA = mkdtempSync(join(data, 'file-'));

// How long a test waits for what must happen is patience, not a measurement: vitest's own second is over on a machine
// that does something else as well.
const { waitFor } = vi;
vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: 20_000, ...options });

// Two files run at once. Where each computes on all cores, as parity does all the time, the threads of one wait for
// those of the other, and both take twice as long: these files get a core each. Everything else keeps all cores.
const { testPath } = expect.getState();
if (process.platform === 'linux' && testPath?.includes('/test/parity/')) {
  const core = Number(process.env.VITEST_POOL_ID) % availableParallelism();
  try {
    execFileSync('taskset', ['-acp', String(core), String(process.pid)], { stdio: 'ignore' });
  } catch {
    // No taskset here, or not these cores: slower, and as right.
  }
}
