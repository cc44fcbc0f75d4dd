import { readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/**
 * Lets everything else on the machine go first, so that the editor and its windows stay pleasant while a run trains.
 * Linux shares processors between sessions before it looks at niceness (autogroup, see sched(7)), and a run has a
 * session of its own; there the session is made nice, too. Where either is forbidden, the run is none the worse.
 */
export function yieldToOthers(): void {
  const niceness = constants.priority.PRIORITY_BELOW_NORMAL;
  try {
    setPriority(niceness);
  } catch {
    // Some containers forbid it.
  }
  if (process.platform !== 'linux') return;
  try {
    // After the name in brackets, which may hold anything: state, parent, group, session.
    const [, , , session] = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1)!.split(' ');
    if (Number(session) === process.pid) writeFileSync('/proc/self/autogroup', String(niceness));
  } catch {
    // Kernels without autogroup have no such file.
  }
}
