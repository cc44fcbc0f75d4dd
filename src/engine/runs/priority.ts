import { readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** A third of what another session gets: an editor in front is served at once, and a job beside does not starve the run. */
export const SESSION_NICENESS = 5;

/**
 * Lets everything else on the machine go first, so that the editor and its windows stay pleasant while a run trains.
 * Linux shares processors between sessions before it looks at niceness (autogroup, see sched(7)), and a run has a
 * session of its own; there the session is made nice, too. Where either is forbidden, the run is none the worse.
 */
export function yieldToOthers(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Some containers forbid it.
  }
  if (process.platform !== 'linux') return;
  try {
    // After the name in brackets, which may hold anything: state, parent, group, session.
    const [, , , session] = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1)!.split(' ');
    if (Number(session) === process.pid) writeFileSync('/proc/self/autogroup', String(SESSION_NICENESS));
  } catch {
    // Kernels without autogroup have no such file.
  }
}

/** Of a process that suggests while somebody types: behind the editor, whose keys it must not hold up, and before a run. */
const SUGGESTING_NICENESS = 5;

/** Lets the editor go first; where that is forbidden, suggestions are none the worse. */
export function yieldToEditor(): void {
  try {
    setPriority(SUGGESTING_NICENESS);
  } catch {
    // Some containers forbid it.
  }
}
