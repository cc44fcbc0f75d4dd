import { appendFile, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LEARNED_LIMITS } from '../../completions/learned.ts';
import { silentLog } from '../log.ts';
import { changes, configured, Position, type Range, reset, Uri, workspace } from '../testing/vscode.ts';
import { LearnedStore, type NewRow } from './learned-store.ts';
import { Learning } from './learning.ts';
import type { Ended } from './tracker.ts';

let folder: string;
let ignored: Set<string>;
let open: Learning[];

beforeEach(async () => {
  reset();
  folder = await mkdtemp(join(tmpdir(), 'luthier learning ü-'));
  ignored = new Set();
  open = [];
  configured.set('luthier.completions.learn', true);
});
afterEach(async () => {
  for (const one of open) one.dispose();
  workspace.textDocuments = [];
  await rm(folder, { recursive: true, force: true });
});

function learning(): Learning {
  const made = new Learning({ folder, log: silentLog, ignored: { isIgnored: async (path) => ignored.has(path) } });
  open.push(made);
  return made;
}

/** A document of one line, as VS Code has it. */
function documentOf(path: string, text: string) {
  const document = {
    uri: Uri.file(path),
    positionAt: (offset: number) => new Position(0, Math.max(0, Math.min(text.length, offset))),
    getText: ({ start, end }: Range) => text.slice(start.character, end.character),
  };
  workspace.textDocuments.push(document);
  return document;
}
const ended = (path: string, more: Partial<Ended> = {}): Ended => ({
  suggestion: {
    ...{ id: 1, uri: Uri.file(path).toString(), language: 'markdown', model: 'm', path: path.slice(1) },
    ...{ offset: 10, text: ' is here', isLed: false, before: 'The parcel', after: '' },
  },
  ...{ outcome: 'accepted', characters: 8, offset: 10, written: ' is here', ...more },
});
const row = (more: Partial<NewRow> = {}): NewRow => ({
  ...{ at: '2026-11-27T08:00:00.000Z', outcome: 'accepted', edited: false, language: 'markdown', model: 'm' },
  ...{ prompt: 'The ', suggestion: 'end', completion: 'end', after: '', ...more },
});

it('keeps what stands there, for nobody else to read', async () => {
  const one = learning();
  documentOf('/notes.md', 'The parcel is here already.');
  one.ended(ended('/notes.md'));
  await one.flush();
  const { rows, broken } = await one.store.read();
  expect(rows).toEqual([
    {
      ...{ id: expect.stringMatching(/^[0-9a-f]{12}$/), at: expect.stringMatching(/^20\d\d-.*Z$/) },
      ...{ outcome: 'accepted', edited: false, language: 'markdown', model: 'm', file: 'notes.md' },
      ...{ prompt: 'The parcel', suggestion: ' is here', completion: ' is here already.', after: '' },
    },
  ]);
  expect(broken).toEqual([]);
  if (process.platform !== 'win32') expect((await stat(one.store.file)).mode & 0o777).toBe(0o600);
});

it('keeps nothing unless it is turned on, of secret or ignored files, or in a workspace that is not trusted', async () => {
  const one = learning();
  for (const path of ['/notes.md', '/.env', '/ignored.md']) documentOf(path, 'The parcel is here');
  ignored.add('/ignored.md');
  one.ended(ended('/.env'));
  one.ended(ended('/ignored.md'));
  workspace.isTrusted = false;
  one.ended(ended('/notes.md'));
  workspace.isTrusted = true;
  configured.set('luthier.completions.learn', false);
  one.ended(ended('/notes.md'));
  await one.flush();
  // What was followed is dropped when it is turned off, too.
  configured.set('luthier.completions.learn', true);
  one.ended(ended('/notes.md'));
  configured.set('luthier.completions.learn', false);
  changes.settings.fire({ affectsConfiguration: (name) => name === 'luthier.completions.learn' });
  configured.set('luthier.completions.learn', true);
  await one.flush();
  expect(await readdir(folder)).toEqual([]);
});

it('a document that is closed is read once more, which VS Code lists no longer', async () => {
  const one = learning();
  const document = documentOf('/notes.md', 'The parcel is here');
  one.ended(ended('/notes.md'));
  workspace.textDocuments = [];
  changes.closed.fire(document);
  await one.flush();
  expect((await one.store.read()).rows).toHaveLength(1);
});

it('two windows that write at once lose nothing and break nothing', async () => {
  const [a, b] = [new LearnedStore(folder), new LearnedStore(folder)];
  const texts = Array.from({ length: 20 }, (_, i) => `completion ${i} ${'x'.repeat(2000)}`);
  await Promise.all(texts.map((completion, i) => (i % 2 ? a : b).add([row({ completion })])));
  const { rows, broken } = await a.read();
  expect(rows.map(({ completion }) => completion).sort()).toEqual([...texts].sort());
  expect(broken).toEqual([]);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(20);
  await Promise.all([a.remove([rows[0]!.id]), b.remove([rows[1]!.id]), b.add([row({ completion: 'new' })])]);
  expect((await b.read()).rows).toHaveLength(19);
  expect((await readdir(folder)).filter((name) => /\.(?:lock|tmp)$/.test(name))).toEqual([]);
});

it('a torn line breaks no other, is named, and stays until somebody deletes it', async () => {
  const store = new LearnedStore(folder);
  await store.add([row({ completion: 'one' })]);
  await appendFile(store.file, '{"id":"torn","at":"2026');
  await store.add([row({ completion: 'two' })]);
  const { rows, broken } = await store.read();
  expect(rows.map(({ completion }) => completion)).toEqual(['one', 'two']);
  expect(broken).toEqual([2]);
  expect(await store.remove([rows[0]!.id])).toBe(1);
  expect(await store.read()).toMatchObject({ rows: [{ completion: 'two' }], broken: [1] });
  await store.delete();
  expect(await store.read()).toEqual({ rows: [], broken: [] });
});

it('the oldest go where there are too many, and it is told how many', async () => {
  const store = new LearnedStore(folder);
  const line = `${JSON.stringify({ id: 'old', ...row({ prompt: 'x'.repeat(2000) }) })}\n`;
  await writeFile(store.file, line.repeat(Math.floor(LEARNED_LIMITS.bytes / line.length)));
  const gone = await store.add([row({ prompt: 'y'.repeat(2000) }), row({ completion: 'last' })]);
  expect(gone).toBeGreaterThan(100);
  expect((await stat(store.file)).size).toBeLessThan(LEARNED_LIMITS.bytes);
  expect((await store.read()).rows.at(-1)?.completion).toBe('last');
  expect(await store.add([row()])).toBe(0);
});

it.skipIf(process.platform === 'win32')('a link in its place is neither written to nor read', async () => {
  const elsewhere = join(folder, 'elsewhere');
  await writeFile(elsewhere, '');
  const store = new LearnedStore(folder);
  await symlink(elsewhere, store.file);
  await expect(store.add([row()])).rejects.toThrow();
  await expect(store.read()).rejects.toThrow(/cannot be read/);
  expect(await readFile(elsewhere, 'utf8')).toBe('');
});
