import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { whyUnreadable } from '../files/broken.ts';
import { removeBroken, revealBroken } from './commands/broken.ts';
import type { Luthier } from './context.ts';
import { silentLog } from './log.ts';
import { RunStarter } from './runs/starter.ts';
import { RunStore } from './runs/store.ts';
import { makeRun } from './testing/fake-run.ts';
import { temporaryFolder } from './testing/programs.ts';
import { commands, reset, window } from './testing/vscode.ts';
import { RunsTree } from './trees/runs-tree.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: string;
beforeEach(() => {
  reset();
  folder = temporaryFolder();
  home = join(folder.path, '.luthier');
});
afterEach(() => folder.remove());

test('a run without its record, a torn one and a queue that cannot be read stand in the tree beside the others', async () => {
  makeRun(home, { id: 'good', state: 'done' });
  const torn = makeRun(home, { id: 'torn', state: 'done' });
  writeFileSync(join(torn, 'run.json'), '{"id": "torn", "sta');
  const lost = makeRun(home, { id: 'lost', state: 'done' });
  rmSync(join(lost, 'run.json'));
  utimesSync(lost, 1e9, 1e9);
  // Just being made: nothing is wrong with it.
  mkdirSync(join(home, 'runs', 'making'));
  writeFileSync(join(home, 'queue.json'), '{"order": ["go');
  const store = new RunStore({ log: silentLog, client: 'test', mayConnect: () => true });
  const starter = new RunStarter({
    store,
    log: silentLog,
    launch: () => Promise.reject(new Error('nothing is to start')),
    mayStart: () => false,
    onFailure: () => {},
  });
  const tree = new RunsTree(store, starter);
  const drawn = vi.fn();
  tree.onDidChangeTreeData(drawn);
  await store.setHomes([home]);
  await starter.reload([home]);
  await vi.waitFor(() => expect(drawn).toHaveBeenCalled());
  const lines = tree.getChildren().flatMap((node) => ('group' in node ? tree.getChildren(node) : [node]));
  const shown = lines
    .map((node) => tree.getTreeItem(node))
    .map((item) => [item.label, item.description, item.contextValue]);
  expect(shown).toEqual(
    expect.arrayContaining([
      ['queue.json', 'queue.json is damaged: it is not complete JSON.', 'broken'],
      ['lost', 'run.json is missing.', 'broken'],
      ['torn', 'its run.json is not JSON.', expect.stringMatching(/^run\.failed\.readonly$/)],
      ['good', expect.any(String), expect.stringMatching(/^run\.done/)],
    ]),
  );
  expect(shown).toHaveLength(4);
  tree.dispose();
  starter.dispose();
  store.dispose();
});

test('what is broken is revealed, and removed only after a question', async () => {
  const path = join(home, 'queue.json');
  mkdirSync(home, { recursive: true });
  writeFileSync(path, '{');
  const node = { path, problem: 'queue.json is damaged: it is not complete JSON.' };
  const refreshed = vi.fn();
  const luthier = { datasets: { refresh: refreshed }, refreshRuns: async () => {} } as unknown as Luthier;
  await revealBroken(luthier, node);
  expect(commands.executeCommand.mock.calls[0]?.[0]).toMatch(/^reveal/);
  await expect(removeBroken(luthier, node)).rejects.toMatchObject({ name: 'Cancelled' });
  window.showWarningMessage.mockResolvedValueOnce('Delete');
  await removeBroken(luthier, node);
  expect(window.showWarningMessage.mock.calls[1]?.[0]).toBe('Delete queue.json?');
  expect(refreshed).toHaveBeenCalledTimes(1);
  expect(existsSync(path)).toBe(false);
});

test('reasons are sentences', () => {
  const failure = (code: string) => Object.assign(new Error(`${code}: no, open '/x'`), { code });
  expect(whyUnreadable('/a/run.json', failure('EACCES'))).toBe('run.json cannot be read: permission denied.');
  expect(whyUnreadable('/a/run.json', failure('ENOENT'))).toBe('run.json is missing.');
  expect(whyUnreadable('/a/run.json', new SyntaxError('x'))).toBe('run.json is damaged: it is not complete JSON.');
  expect(whyUnreadable('/a/run.json', new Error('It is a pipe.'))).toBe('run.json cannot be read: It is a pipe.');
});
