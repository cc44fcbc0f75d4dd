import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LearnedStore, type NewRow } from '../completions/learned-store.ts';
import type { Luthier } from '../context.ts';
import { Cancelled } from '../errors.ts';
import { labels, question } from '../testing/pickers.ts';
import * as editor from '../testing/vscode.ts';
import { learnFromCompletions, reviewLearned } from './learn.ts';

let folder: string;
let store: LearnedStore;
let luthier: Luthier;
const inspected = vi.fn();

beforeEach(async () => {
  editor.reset();
  folder = await mkdtemp(join(tmpdir(), 'luthier learn ü-'));
  store = new LearnedStore(folder);
  luthier = {
    extension: { extensionUri: editor.Uri.file('/extension') },
    inspections: { show: inspected },
    completions: {
      learning: {
        store,
        flush: async () => {},
        get isOn() {
          return editor.configured.get('luthier.completions.learn') === true;
        },
      },
    },
  } as unknown as Luthier;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const row = (completion: string, outcome: NewRow['outcome'] = 'accepted', edited = false): NewRow => ({
  ...{ at: '2026-11-27T08:00:00.000Z', outcome, edited, language: 'markdown', model: 'm', file: 'notes.md' },
  ...{ prompt: '# Notes\nThe parcel', suggestion: ' is', completion, after: '' },
});
const ended = (work: Promise<void>) => work.catch((error: unknown) => error);

test('it says plainly what is kept, where and how to delete it, and is turned on only by a yes', async () => {
  expect(await ended(learnFromCompletions(luthier))).toEqual(expect.any(Cancelled));
  expect(editor.configured.get('luthier.completions.learn')).toBeUndefined();
  const [, { modal, detail }] = editor.window.showInformationMessage.mock.lastCall as [
    string,
    { modal: boolean; detail: string },
  ];
  expect(modal).toBe(true);
  for (const word of [store.file, 'Secrets are masked', 'Git ignores', '2,000 characters', 'Nothing leaves', 'deletes'])
    expect(detail).toContain(word);
  editor.window.showInformationMessage.mockResolvedValueOnce('Turn On');
  await learnFromCompletions(luthier);
  expect(editor.configured.get('luthier.completions.learn')).toBe(true);
});

test('it is turned off with or without what is kept', async () => {
  await store.add([row(' is here')]);
  for (const [label, left] of [
    ['$(circle-slash) Turn Off', 1],
    ['$(trash) Turn Off and Delete All…', 0],
  ] as const) {
    editor.configured.set('luthier.completions.learn', true);
    if (left === 0) editor.window.showWarningMessage.mockResolvedValueOnce('Delete');
    const done = learnFromCompletions(luthier);
    (await question('Learning is on; 1 completion is kept: 1 accepted')).accept(label);
    await done;
    expect(editor.configured.get('luthier.completions.learn')).toBe(false);
    expect((await store.read()).rows).toHaveLength(left);
  }
});

test('what is kept is counted, a broken line is named, and rows can be removed', async () => {
  await store.add([row(' is here'), row(' was', 'rejected'), row(' went', 'accepted', true), row(' came', 'partly')]);
  await appendFile(store.file, 'torn\n');
  const done = reviewLearned(luthier);
  const menu = await question('4 completions are kept: 2 accepted, 1 accepted in part, 1 written instead');
  expect(labels(menu)[0]).toBe('Line 5 of learned.jsonl cannot be read and is skipped.');
  menu.accept('$(checklist) Remove Some…');
  const rows = await question('Which completions should be removed?');
  expect(rows.items.map(({ label, description }) => `${label}: ${description?.split(' · ', 2).join(', ')}`)).toEqual([
    'came: accepted in part, notes.md',
    'went: accepted and edited, notes.md',
    'was: written instead, notes.md',
    'is here: accepted, notes.md',
  ]);
  expect(rows.items[0]?.detail).toBe('After: The parcel');
  rows.selectedItems = [rows.items[0]!, rows.items[2]!];
  rows.confirm();
  await done;
  expect((await store.read()).rows.map(({ completion }) => completion)).toEqual([' is here', ' went']);
  expect(editor.window.showInformationMessage).toHaveBeenCalledWith('2 completions were removed.');
});

test('it opens as a dataset or a file, and all of it is deleted after a question', async () => {
  await store.add([row(' is here'), row(' was')]);
  let done = reviewLearned(luthier);
  (await question('2 completions are kept')).accept('$(database) Inspect Dataset');
  await done;
  expect(inspected).toHaveBeenCalledWith(expect.objectContaining({ path: store.file, name: 'learned.jsonl' }));
  done = reviewLearned(luthier);
  (await question('2 completions are kept')).accept('$(go-to-file) Open File');
  await done;
  expect(editor.opened).toEqual([{ path: store.file, line: 1 }]);
  const dismissed = ended(reviewLearned(luthier));
  (await question('2 completions are kept')).accept('$(trash) Delete All…');
  expect(await dismissed).toEqual(expect.any(Cancelled));
  expect((await store.read()).rows).toHaveLength(2);
  editor.window.showWarningMessage.mockResolvedValueOnce('Delete');
  done = reviewLearned(luthier);
  (await question('2 completions are kept')).accept('$(trash) Delete All…');
  await done;
  expect(editor.window.showWarningMessage.mock.lastCall?.[0]).toBe('Delete all 2 learned completions?');
  expect((await store.read()).rows).toEqual([]);
  await reviewLearned(luthier);
  expect(editor.window.showInformationMessage).toHaveBeenLastCalledWith(
    'No completions are kept. Learning from them is off.',
    'Turn On…',
  );
});
