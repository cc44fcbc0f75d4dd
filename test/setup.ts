import { vi } from 'vitest';

// How long a test waits for what must happen is patience, not a measurement: vitest's own second is over on a machine
// that does something else as well.
const { waitFor } = vi;
vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: 20_000, ...options });
