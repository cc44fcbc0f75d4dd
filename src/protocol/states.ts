/**
 * Every state that a run can have, with the words that people read for it in terminal and editor; a sentence's first
 * word is given its capital there. starting → running ⇄ paused → done | stopped | failed | cancelled.
 * `queued`: in line, no process yet. `interrupted` is never written by a run itself: it is what a reader calls a run
 * whose state says that it works while its process does not answer. `stopped`: ended early at a person's wish with the
 * best weights kept; `cancelled`: ended and nothing kept.
 */
export const STATE_WORDS = {
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
} as const satisfies Readonly<Record<string, string>>;

export type RunState = keyof typeof STATE_WORDS;

export const RUN_STATES = Object.keys(STATE_WORDS) as RunState[];

/** States in which a process works on the run, or should. */
export const WORKING_STATES: ReadonlySet<RunState> = new Set<RunState>(['starting', 'running', 'paused', 'stopping']);

/** States that a run does not leave by itself. */
export const FINISHED_STATES: ReadonlySet<RunState> = new Set<RunState>(['done', 'stopped', 'cancelled', 'failed']);
