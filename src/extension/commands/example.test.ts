import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Luthier } from '../context.ts';
import { Cancelled } from '../errors.ts';
import { silentLog } from '../log.ts';
import * as editor from '../testing/vscode.ts';
import { resumeExample, tryExample } from './example.ts';

const { shown } = editor;
const root = join(import.meta.dirname, '../../..');

let folder: string;
let luthier: Luthier;

beforeEach(() => {
  editor.reset();
  folder = mkdtempSync(join(tmpdir(), 'luthier example ü-'));
  const summary = {
    rows: 9,
    columns: [{ name: 'review' }, { name: 'sentiment' }].map((column) => ({ ...column, examples: [] })),
    guess: { text: 'review', label: 'sentiment' },
    task: 'text-classification',
    guess_reason: '',
    classes: [],
    problems: [],
  };
  luthier = {
    extension: { extensionUri: editor.Uri.file(root), globalState: editor.memento() },
    log: silentLog,
    engine: { service: { request: async () => summary } },
    datasets: { list: async () => [], refresh: vi.fn() },
    homes: { projectFor: async () => expect.unreachable('the folder is known') },
  } as unknown as Luthier;
});
afterEach(() => rmSync(folder, { recursive: true }));

async function question(text: string): Promise<editor.QuickPick> {
  return await vi.waitFor(() => {
    expect(`${shown.picker?.placeholder}`).toContain(text);
    return shown.picker!;
  });
}

test('the examples go into the open folder beside what is there, and the first question follows', async () => {
  editor.workspace.workspaceFolders = [{ uri: editor.Uri.file(folder), name: 'mine', index: 0 }];
  const ended = tryExample(luthier).catch((error: unknown) => error);
  (await question('Which texts')).accept('$(thumbsup) Reviews');
  (await question('Where should the folder')).accept('$(folder) mine');
  (await question('which column')).hide();
  expect(await ended).toBeInstanceOf(Cancelled);
  const rows = join(folder, 'luthier-examples/reviews.csv');
  expect(editor.opened).toEqual([{ path: rows, line: null }]);
  for (const name of ['tickets.csv', 'reviews.recipe.json', 'README.md'])
    expect(existsSync(join(folder, 'luthier-examples', name)), name).toBe(true);

  // What a person has changed is left alone the next time.
  writeFileSync(rows, 'review,sentiment\nmine,positive\n');
  const again = tryExample(luthier).catch((error: unknown) => error);
  (await question('Which texts')).accept('$(thumbsup) Reviews');
  (await question('Where should the folder')).accept('$(folder) mine');
  (await question('which column')).hide();
  await again;
  expect(readFileSync(rows, 'utf8')).toBe('review,sentiment\nmine,positive\n');
});

test('each example is a file that is copied, and says what it shows', async () => {
  editor.workspace.workspaceFolders = [{ uri: editor.Uri.file(folder), name: 'mine', index: 0 }];
  const files = ['tickets.csv', 'reviews.csv', 'feedback.jsonl', 'names.conll', 'support.jsonl', 'commits.jsonl'];
  for (const [i, file] of files.entries()) {
    const ended = tryExample(luthier).catch((error: unknown) => error);
    const picker = await question('Which texts');
    expect(picker.items).toHaveLength(files.length);
    const { label, description, detail } = picker.items[i]!;
    expect(description && detail, label).toBeTruthy();
    picker.accept(label);
    (await question('Where should the folder')).accept('$(folder) mine');
    (await question('which column')).hide();
    expect(await ended).toBeInstanceOf(Cancelled);
    const path = join(folder, 'luthier-examples', file);
    expect(editor.opened.at(-1)?.path).toBe(path);
    expect(existsSync(path), file).toBe(true);
  }
});

test('without a folder one is chosen and opened, and fine-tuning begins in the window that starts over', async () => {
  editor.window.showOpenDialog.mockResolvedValueOnce([editor.Uri.file(folder)]);
  const done = tryExample(luthier);
  (await question('Which texts')).accept('$(thumbsup) Reviews');
  (await question('Where should the folder')).accept('$(folder-opened) Choose a folder…');
  await done;
  const examples = join(folder, 'luthier-examples');
  expect(editor.commands.executeCommand).toHaveBeenLastCalledWith(
    'vscode.openFolder',
    expect.objectContaining({ path: examples }),
  );
  // Not in another window.
  await resumeExample(luthier);
  expect(editor.opened).toEqual([]);
  editor.workspace.workspaceFolders = [{ uri: editor.Uri.file(examples), name: 'luthier-examples', index: 0 }];
  const resumed = resumeExample(luthier).catch((error: unknown) => error);
  (await question('which column')).hide();
  expect(await resumed).toBeInstanceOf(Cancelled);
  // And once.
  await resumeExample(luthier);
  expect(editor.opened).toEqual([{ path: join(examples, 'reviews.csv'), line: null }]);
});
