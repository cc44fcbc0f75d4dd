import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LuthierError } from '../../protocol/index.ts';
import { startersFolder } from '../hub/resolve.ts';

/** The cases stand in bench/, which is part of a checkout and not of the package. @returns bench's exit code */
export async function bench(args: string[]): Promise<number> {
  const script = join(dirname(startersFolder()), 'dist', 'bench', 'main.mjs');
  if (!existsSync(script)) {
    throw new LuthierError(
      'usage',
      'luthier bench runs only in a checkout of the repository.',
      'Clone the repository and build it.',
    );
  }
  const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 130));
  });
}
