import { HostError } from '../errors.ts';
import type { Run } from './run.ts';

/** What several places throw about a run. */

/** @throws HostError `run-readonly` for a run that may only be looked at */
export function requireWritable({ readOnly }: Run): void {
  if (readOnly !== null) throw new HostError('run-readonly', readOnly);
}

/**
 * @param what that is then not done ("reviews was not deleted")
 * @throws HostError `run-untrusted` when there is a reason not to touch a run's folder
 */
export function requireNone(problem: string | null, what: string): void {
  if (problem !== null) throw new HostError('run-untrusted', `${what}: ${problem}`);
}

export const runGone = ({ record }: Run) => new HostError('run-not-found', `${record.name} is no longer on disk.`);

export const runJustStarting = ({ record }: Run, code: 'run-busy' | 'run-unreachable') =>
  new HostError(code, `${record.name} is just starting.`, 'Try again in a moment.');
