/** The terminal's and the editor's way to start a run give the engine the same arguments, environment and folder. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startRun } from '../../src/engine/runs/start.ts';
import { MALLOC_ENVIRONMENT } from '../../src/engine/tensor/executors/malloc.ts';
import { launchRun, launchService } from '../../src/extension/engine/launch.ts';
import type { NodeChoice } from '../../src/extension/engine/node.ts';
import { silentLog } from '../../src/extension/log.ts';
import { engineEnvironment } from '../../src/protocol/index.ts';

const node: NodeChoice = { path: process.execPath, version: '', origin: 'path', reason: 'test', environment: {} };

interface Seen {
  args: string[];
  cwd: string;
  env: Record<string, string>;
}

let work: string;
let runner: string;

beforeAll(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), 'luthier launch ü-')));
  runner = join(work, 'run.cjs');
  // What a process is told is all that this is about: it writes that down and says that it is ready.
  await writeFile(
    runner,
    `const { writeFileSync, renameSync } = require('node:fs');
     const file = (process.argv[2] ?? __dirname) + '/seen.json';
     writeFileSync(file + '.tmp', JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), env: process.env }));
     renameSync(file + '.tmp', file);
     process.send?.({ ready: true });
     process.disconnect?.();`,
  );
  // As an extension host, or a terminal inside VS Code under a debugger, has them.
  vi.stubEnv('NODE_OPTIONS', '--max-old-space-size=4096');
  vi.stubEnv('VSCODE_IPC_HOOK', '/nowhere');
  vi.stubEnv('ELECTRON_NO_ATTACH_CONSOLE', '1');
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(work, { recursive: true, force: true, maxRetries: 5 });
});

async function seenIn(folder: string): Promise<Seen> {
  const file = join(folder, 'seen.json');
  await vi.waitFor(() => expect(existsSync(file)).toBe(true), { timeout: 20_000 });
  const seen = JSON.parse(readFileSync(file, 'utf8')) as Seen;
  return { ...seen, args: seen.args.map((argument) => argument.replace(folder, 'RUN')) };
}

async function folderOf(name: string): Promise<string> {
  const folder = join(work, name);
  await mkdir(folder);
  return folder;
}

test.each([false, true])(
  'a run is started alike from the terminal and from the editor (resumed: %s)',
  async (resume) => {
    const launch = { resume, since: 1_700_000_000_000.4 };
    const terminal = await folderOf(`terminal-${resume}`);
    const editor = await folderOf(`editor-${resume}`);
    await startRun(terminal, { ...launch, runner });
    await launchRun(node, runner, editor, launch);
    const seen = await seenIn(editor);
    expect(seen).toEqual(await seenIn(terminal));
    expect(seen.args).toEqual(['RUN', ...(resume ? ['--resume'] : []), '--since=1700000000000']);
    expect(seen.cwd).toBe(work);
    expect(seen.env).toMatchObject(MALLOC_ENVIRONMENT);
    for (const name of ['NODE_OPTIONS', 'VSCODE_IPC_HOOK', 'ELECTRON_NO_ATTACH_CONSOLE']) {
      expect(seen.env).not.toHaveProperty(name);
    }
    expect(seen.env.PATH ?? seen.env.Path).toBe(process.env.PATH);
  },
);

test('the service that the editor starts has the same settings of malloc', async () => {
  const folder = await folderOf('service');
  const script = join(folder, 'service.cjs');
  await writeFile(script, readFileSync(runner));
  const service = await launchService(node, script, silentLog, {
    HF_ENDPOINT: 'https://example.org',
    HF_TOKEN: undefined,
  });
  const seen = await seenIn(folder);
  service.kill();
  expect(seen.env).toMatchObject({ ...MALLOC_ENVIRONMENT, HF_ENDPOINT: 'https://example.org' });
  expect(seen.env).not.toHaveProperty('NODE_OPTIONS');
});

test('the settings are Linux’s, win over what is set, and stay away from Electron’s own allocator', () => {
  const malloc = { MALLOC_MMAP_THRESHOLD_: '4000000000', MALLOC_TRIM_THRESHOLD_: '8000000000' };
  const base = { PATH: '/bin', MALLOC_TRIM_THRESHOLD_: '1', EMPTY: undefined, node_options: '-r x' };
  expect(engineEnvironment(base, 'linux')).toEqual({ PATH: '/bin', ...malloc });
  expect(engineEnvironment({ Path: 'C:\\' }, 'win32')).toEqual({ Path: 'C:\\' });
  expect(engineEnvironment({ PATH: '/bin' }, 'darwin', { HF_TOKEN: 'x' })).toEqual({ PATH: '/bin', HF_TOKEN: 'x' });
  expect(engineEnvironment({ PATH: '/bin' }, 'linux', { ELECTRON_RUN_AS_NODE: '1' })).toEqual({
    PATH: '/bin',
    ELECTRON_RUN_AS_NODE: '1',
  });
});
