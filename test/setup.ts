import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';

// A run says when another one works on this machine: those of a test file that runs meanwhile do not count.
const { LUTHIER_TEST_DATA: data } = process.env;
if (data !== undefined) process.env.LUTHIER_DATA = mkdtempSync(join(data, 'file-'));

// How long a test waits for what must happen is patience, not a measurement: vitest's own second is over on a machine
// that does something else as well.
const { waitFor } = vi;
vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: 20_000, ...options });
