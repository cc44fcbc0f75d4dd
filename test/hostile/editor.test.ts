import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { removeBroken } from '../../src/extension/commands/broken.ts';
import { copyExamples } from '../../src/extension/commands/example.ts';
import { deleteRun } from '../../src/extension/commands/run-record.ts';
import { duplicateRecipe } from '../../src/extension/commands/run-use.ts';
import type { Luthier } from '../../src/extension/context.ts';
import { silentLog } from '../../src/extension/log.ts';
import { describeRunItem, endMessage, statusText, tooltipLines } from '../../src/extension/runs/present.ts';
import { describeRun, RunStarter } from '../../src/extension/runs/starter.ts';
import { RunStore } from '../../src/extension/runs/store.ts';
import { reset, Uri, window } from '../../src/extension/testing/vscode.ts';
import { tell } from '../../src/extension/ui.ts';
import { diskUse } from '../../src/files/folders.ts';
import { rememberRun } from '../../src/guard/index.ts';
import { changeQueue } from '../../src/runs/queue.ts';
import { type Hostile, LINKED_RUNS, makeHostileRepository } from './repository.ts';

let place: string;
let hostile: Hostile;
let before: string;
let home: string;
let store: RunStore;
let starter: RunStarter;
const launched: string[] = [];
const failures: string[] = [];
const isWindows = process.platform === 'win32';

beforeEach(async () => {
  reset();
  place = await mkdtemp(join(tmpdir(), 'luthier hostile ü-'));
  hostile = await makeHostileRepository(place);
  before = await hostile.state();
  home = join(hostile.repository, '.luthier');
  launched.length = 0;
  failures.length = 0;
  // A trusted window on the folder, as VS Code opens it: everything is looked at, and the queue is read.
  store = new RunStore({ log: silentLog, client: 'test', mayConnect: () => true });
  starter = new RunStarter({
    store,
    log: silentLog,
    mayStart: () => true,
    launch: async (folder) => {
      launched.push(folder);
      return { pid: 1, early: new Promise(() => {}) };
    },
    onFailure: (_, error) => void failures.push(error.message),
  });
  await store.setHomes([home, join(hostile.repository, 'sub', '.luthier')]);
  await starter.reload([home, join(hostile.repository, 'sub', '.luthier')]);
  await starter.pump();
});
afterEach(async () => {
  store.dispose();
  starter.dispose();
  expect(await hostile.state()).toBe(before);
  expect(hostile.connections()).toBe(0);
  expect(existsSync(join(hostile.repository, 'pwned'))).toBe(false);
  await hostile.close();
  await rm(place, { recursive: true, force: true });
});

const find = (id: string) => store.find(join(home, 'runs', id))!;

describe('a repository with runs, opened in the editor', () => {
  it('starts nothing by itself, and shows what came with it as that', async () => {
    expect(launched).toEqual([]);
    expect(failures).toEqual([]);
    const evil = find('evil');
    expect(evil).toMatchObject({ foreign: true, state: 'queued', damaged: false });
    expect(starter.position(evil)).toBeNull();
    expect(describeRunItem(evil, null)).toBe('came with this folder');
    expect(tooltipLines(evil).join('\n')).toContain('Not started on this machine');
    await expect(starter.enqueue(evil)).rejects.toMatchObject({ code: 'run-untrusted' });
    expect(await readdir(evil.folder)).toEqual(['run.json']);
  });

  it.skipIf(isWindows)('a run with links starts by nobody’s word', async () => {
    for (const id of LINKED_RUNS) {
      const run = find(id);
      // Even one that the person has said is theirs.
      await rememberRun(run.folder, run.record);
      await store.refreshRun(run.folder);
      expect(run.foreign).toBe(false);
      await starter.pump();
      await expect(starter.enqueue(run)).rejects.toMatchObject({ code: 'run-untrusted' });
    }
    expect(launched).toEqual([]);
  });

  it('shows odd records with their reasons beside the others', () => {
    expect(find('odd-date').readOnly).toMatch(/created_at is not a time/);
    expect(find('odd-metric').readOnly).toMatch(/accuracy is not a finite number/);
    expect(find('done').readOnly).toMatch(/model is not a folder/);
    for (const id of isWindows ? [] : ['pipe', 'endless', 'key']) {
      expect(find(id).readOnly).toMatch(/is a (pipe|device|socket|folder), not a file|is a link/);
      expect(JSON.stringify(find(id))).not.toContain('secret');
    }
    // Another project's runs, which a link leads to, are not among them.
    expect(store.all().some((run) => run.record.id === 'theirs')).toBe(false);
    // Every one of them can be drawn.
    for (const run of store.all()) {
      expect([describeRunItem(run, null), tooltipLines(run), endMessage(run), statusText([run], 0)]).toBeDefined();
    }
  });

  it('text from its files is markup nowhere', async () => {
    const run = find('markup');
    const tip = tooltipLines(run).join('\n\n');
    expect(tip.replace(/\\[!-/:-@[-`{-~]/g, '')).not.toMatch(/[![\]()<>]/);
    await tell('warning', endMessage(run).text);
    const [said] = window.showWarningMessage.mock.lastCall as [string];
    expect(said).not.toMatch(/\]\(|\$\(/);
    expect(statusText([run], 0)).not.toMatch(/\$\(trash/);
  });

  it('an endpoint that is a port is not connected to, and no process is asked or ended for it', async () => {
    await vi.waitFor(() => {
      expect([find('by-port').state, find('by-number').state]).toEqual(['interrupted', 'interrupted']);
    });
    expect(store.connection(find('by-port'))).toBeNull();
  });

  it('a recipe is duplicated into its project, wherever the run says that it stood', async () => {
    const run = find('recipe-elsewhere');
    const luthier = { runs: store, log: silentLog, load: async () => {}, selectedRuns: async () => [] };
    await duplicateRecipe(luthier as unknown as Luthier, run);
    const made = (await readdir(hostile.repository)).filter((name) => name.startsWith('recipe-elsewhere'));
    expect(made).toEqual(['recipe-elsewhere.recipe.json']);
    expect(await readFile(join(hostile.repository, made[0]!), 'utf8')).not.toContain('mine');
  });

  it('the disk that a run takes is not looked for behind links', async () => {
    expect(await diskUse(join(find('by-checkpoints').folder, 'checkpoints'))).toBe(0);
  });

  it('a queue is not removed, and examples are not copied, through a link', async () => {
    const linked = join(place, 'linked');
    await mkdir(linked);
    await symlink(hostile.own, join(linked, '.luthier'), 'junction');
    await symlink(hostile.own, join(linked, 'luthier-examples'), 'junction');
    window.showWarningMessage.mockResolvedValueOnce('Delete');
    const luthier = { datasets: { refresh() {} }, refreshRuns: async () => {} } as unknown as Luthier;
    // A file in the place of one that cannot be read.
    const broken = { path: join(linked, '.luthier', 'key'), problem: 'damaged.' };
    await expect(removeBroken(luthier, broken)).rejects.toMatchObject({ message: expect.stringMatching(/is a link/) });
    const extension = { extensionUri: Uri.file(join(import.meta.dirname, '../..')) };
    await expect(copyExamples({ extension } as unknown as Luthier, linked, 'tickets')).rejects.toThrow(/is a link/);
  });

  it('what is deleted or renamed stays within it', async () => {
    const luthier = { runs: store, starter, log: silentLog, load: async () => {}, find: async () => [] };
    window.showWarningMessage.mockResolvedValue('Delete');
    const doomed = find('by-checkpoints');
    await deleteRun(luthier as unknown as Luthier, doomed);
    expect(existsSync(doomed.folder)).toBe(false);
    await describeRun(store, find('by-model'), { name: 'renamed' });
    // The folder becomes a link while it is shown.
    const replaced = find('by-model');
    await rm(replaced.folder, { recursive: true });
    await symlink(join(hostile.own, 'project', '.luthier', 'runs', 'theirs'), replaced.folder, 'junction');
    await deleteRun(luthier as unknown as Luthier, replaced);
    await expect(describeRun(store, replaced, { name: 'x' })).rejects.toMatchObject({ code: 'run-untrusted' });
    await symlink(join(hostile.own, 'project', '.luthier'), join(place, '.luthier'), 'junction');
    await expect(changeQueue(join(place, '.luthier'), () => ['x'])).rejects.toMatchObject({ code: 'run-untrusted' });
  });
});
