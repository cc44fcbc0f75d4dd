import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SESSION_NICENESS } from './priority.ts';

let folder: string;
let script: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-priority-'));
  script = join(folder, 'priority.cjs');
  await build({
    stdin: {
      contents: `import { yieldToOthers } from './priority.ts';
        import { readFileSync } from 'node:fs';
        import { getPriority } from 'node:os';
        yieldToOthers();
        const group = (() => { try { return readFileSync('/proc/self/autogroup', 'utf8') } catch { return '' } })();
        console.log(JSON.stringify({ own: getPriority(), group }));`,
      resolveDir: import.meta.dirname,
    },
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'cjs',
  });
});
afterAll(() => rm(folder, { recursive: true }));

async function priorities(detached: boolean): Promise<{ own: number; group: string }> {
  const child = spawn(process.execPath, [script], { detached, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  await new Promise((done) => child.once('close', done));
  return JSON.parse(output);
}

describe('a run lets others go first', () => {
  it('by its own priority', async () => {
    expect((await priorities(false)).own).toBe(constants.priority.PRIORITY_BELOW_NORMAL);
  });

  it.skipIf(!existsSync('/proc/self/autogroup'))(
    'by its session’s where that is its own, and never by another’s (skipped where sessions share no processors)',
    async () => {
      expect((await priorities(true)).group).toMatch(new RegExp(`nice ${SESSION_NICENESS}\\s*$`));
      const ours = readFileSync('/proc/self/autogroup', 'utf8');
      expect((await priorities(false)).group).toBe(ours);
    },
  );
});
