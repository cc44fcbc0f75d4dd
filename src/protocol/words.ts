import type { RunState } from './events.ts';

/** What people read for a run's state, in terminal and editor; a sentence's first word is given its capital there. */
export const STATE_WORDS: Readonly<Record<RunState, string>> = {
  queued: 'queued',
  starting: 'starting',
  running: 'training',
  paused: 'paused',
  stopping: 'stopping',
  done: 'done',
  stopped: 'stopped early',
  cancelled: 'discarded',
  failed: 'failed',
  interrupted: 'interrupted',
};
