import { execFile } from 'node:child_process';
import { engineEnvironment } from '../../protocol/index.ts';

/** What a program said when asked which Node it is. */
export interface Probe {
  path: string;
  /** As in process.versions.node, for example `22.14.0`. */
  version: string;
  major: number;
}

export type ProbeResult = { ok: true; probe: Probe } | { ok: false; reason: string };

/** Oldest Node that runs the engine. */
export const OLDEST_NODE = 20;

/**
 * Asks the program at `path` for its Node version. Never throws: a missing file, a program that is no Node,
 * that is too old, or that does not answer within `timeoutMs` comes back as a reason in words.
 */
export function probeNode(path: string, timeoutMs = 5000): Promise<ProbeResult> {
  return new Promise((resolve) => {
    execFile(
      path,
      ['-p', 'process.versions.node'],
      {
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        windowsHide: true,
        env: engineEnvironment(process.env, process.platform),
      },
      (error, stdout) => {
        if (error) return resolve({ ok: false, reason: describeFailure(error, timeoutMs) });
        const version = stdout.trim();
        const major = Number(/^(\d+)\.\d+\.\d+/.exec(version)?.[1] ?? Number.NaN);
        if (Number.isNaN(major)) return resolve({ ok: false, reason: 'is not Node.js' });
        if (major < OLDEST_NODE) return resolve({ ok: false, reason: `is Node ${version}, older than ${OLDEST_NODE}` });
        resolve({ ok: true, probe: { path, version, major } });
      },
    );
  });
}

function describeFailure(
  error: Error & { code?: string | number | null; killed?: boolean },
  timeoutMs: number,
): string {
  if (error.killed) return `did not answer within ${timeoutMs / 1000} s`;
  if (error.code === 'ENOENT') return 'does not exist';
  if (error.code === 'EACCES' || error.code === 'EPERM') return 'cannot be executed';
  return 'is not Node.js';
}
