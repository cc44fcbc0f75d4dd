import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A Python with torch and transformers: LUTHIER_PYTHON, else the one that `luthier bench --setup-peers` makes; null without. */
export function findPython(): string | null {
  const peers = join(
    homedir(),
    '.cache',
    'luthier',
    'peers',
    ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']),
  );
  return process.env.LUTHIER_PYTHON || (existsSync(peers) ? peers : null);
}

/** Runs it to its end. What it printed comes back with its exit code, whatever that is; it reaches no real hub. */
export async function runPython(
  python: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, HF_HUB_OFFLINE: '1', HF_HUB_DISABLE_PROGRESS_BARS: '1', ...env } };
    execFile(python, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === 'number') resolve({ code, stdout, stderr });
      else reject(error as Error);
    });
  });
}
