import { readFileSync } from 'node:fs';
import { errnoOf } from './errno.ts';

/**
 * Whether a process of this id does something; one that has ended and that nobody has asked about (Linux) does not. It
 * may be another program's: the system uses ids again.
 */
export function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process cannot be signalled, and lives.
    return errnoOf(error) === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.[0] !== 'Z';
  } catch {
    return true;
  }
}
