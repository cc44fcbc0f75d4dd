import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { probeBackend } from './probe.ts';

const work = mkdtempSync(path.join(tmpdir(), 'luthier-probe-'));
afterAll(() => rmSync(work, { recursive: true }));

function script(code: string): string {
  const file = path.join(work, `${Math.random()}.cjs`);
  writeFileSync(file, code);
  return file;
}
const messageOf = async (code: string, patienceMs = 20_000) => {
  const probe = await probeBackend('webgpu', null, { script: script(code), patienceMs });
  return probe.usable ? 'usable' : probe.error.message;
};

describe('a process that tries a backend', () => {
  it('may print what it likes before its answer', async () => {
    const answer = { usable: true, library: 'l', num_threads: 1, gflops: 3 };
    const code = `console.log('Dawn says hello'); console.error('so do I'); console.log(${JSON.stringify(JSON.stringify(answer))})`;
    expect(await probeBackend('webgpu', 768, { script: script(code) })).toEqual(answer);
  });

  it('may crash, or hang, and that is the reason why the backend cannot be used', async () => {
    expect(await messageOf("console.error('device lost'); process.abort()")).toBe(
      'The process that tried webgpu was ended by SIGABRT: device lost',
    );
    expect(await messageOf('process.exit(3)')).toBe('The process that tried webgpu ended with code 3.');
    expect(await messageOf('setInterval(() => {}, 1000)', 300)).toBe(
      'The process that tried webgpu was ended by SIGKILL.',
    );
  });

  it('is missed with a word of how to build it', async () => {
    expect(await probeBackend('wasm', null, { script: null })).toMatchObject({
      usable: false,
      error: { message: expect.stringContaining('npm run build') },
    });
  });
});

const built = fileURLToPath(new URL('../../../../dist/engine/probe.cjs', import.meta.url));
describe.skipIf(!existsSync(built))('the built probe (skipped where dist/ is not built)', () => {
  it.each(['onnxruntime', 'wasm'] as const)('%s works and is measured', async (name) => {
    const probe = await probeBackend(name, 64);
    expect(probe).toMatchObject({ usable: true, library: expect.stringMatching(/\d+\.\d+\.\d+/) });
    expect(probe.usable && probe.gflops).toBeGreaterThan(0);
  });
});
