import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../log.ts';
import { configured, Document, reset, Uri, workspace } from '../testing/vscode.ts';
import { Gate } from './gate.ts';
import { IgnoredFiles } from './ignored.ts';
import { CompletionModels } from './models.ts';
import { type CompletionState, parseState, type SharedState } from './state.ts';
import { saidOf } from './status.ts';

let now: CompletionState;
let ignored: Set<string>;
let gate: Gate;

beforeEach(() => {
  reset();
  now = parseState({ models: { '*': 'm' } });
  ignored = new Set();
  const state = {
    ready: async () => {},
    get now() {
      return now;
    },
  } as unknown as SharedState;
  const models = new CompletionModels({ extension: '/ext', runs: { all: () => [] }, state });
  gate = new Gate({ models, state, ignored: { isIgnored: async (path) => ignored.has(path) } });
});

const why = async (uri: Uri, language = 'markdown') =>
  (await gate.whyNot(new Document(uri, language, '') as never))?.kind ?? null;

it('files, new documents and cells of notebooks in the languages that were chosen are completed', async () => {
  expect(await why(Uri.file('/w/a.md'))).toBeNull();
  expect(await why(Uri.file('/w/a.prompty'), 'prompty')).toBeNull();
  expect(await why(Uri.parse('untitled:Untitled-1'), 'plaintext')).toBeNull();
  expect(await why(Uri.parse('vscode-notebook-cell:/w/a.ipynb'))).toBeNull();
  expect(await why(Uri.file('/w/a.py'), 'python')).toBe('language');
  configured.set('luthier.completions.languages', ['python']);
  expect(await why(Uri.file('/w/a.py'), 'python')).toBeNull();
  expect(await why(Uri.parse('output:/log'), 'python')).toBe('place');
});

it('what keeps it from being completed, the gravest reason first', async () => {
  const file = Uri.file('/w/a.md');
  now = parseState({ models: { '*': 'm' }, snoozedUntil: Date.now() + 60_000 });
  expect(await why(file)).toBe('snoozed');
  now = parseState({ ...now, troubles: [{ language: 'markdown', model: 'm', message: 'm is gone.' }] });
  expect(await why(file)).toBe('trouble');
  ignored.add('/w/a.md');
  expect(await why(file)).toBe('ignored');
  now = parseState({});
  expect(await why(file)).toBe('no-model');
  configured.set('luthier.completions.enabled', false);
  expect(await why(file)).toBe('off');
  workspace.isTrusted = false;
  expect(await why(file)).toBe('untrusted');
});

it.each(['/w/.env', '/w/.env.local', '/w/id_rsa', '/home/a/.ssh/config', '/w/server.pem', '/w/credentials.json'])(
  'nothing is completed in %s, whatever its language',
  async (path) => {
    expect(await why(Uri.file(path))).toBe('secret');
    expect(await why(Uri.file(path), 'python')).toBe('secret');
  },
);

it('the status bar says what is the matter in a few words, and more to whoever asks', () => {
  const about = { whyNot: null, model: 'notes', language: 'Markdown', isLoading: false, isTraining: false };
  expect(saidOf(about)).toMatchObject({ words: '', detail: expect.stringContaining('notes completes Markdown.') });
  expect(saidOf({ ...about, isTraining: true }).words).toBe('shorter while a run trains');
  expect(saidOf({ ...about, isLoading: true }).words).toBe('loading the model');
  const whyNot = {
    kind: 'ignored',
    short: 'ignored by Git',
    text: 'Git ignores a.md, so it is never completed.',
  } as const;
  expect(saidOf({ ...about, whyNot, isTraining: true })).toEqual({
    icon: 'circle-slash',
    words: 'ignored by Git',
    detail: 'Git ignores a.md, so it is never completed.',
  });
});

/** A repository of git's own making, where there is a git. */
const hasGit = (() => {
  try {
    execFileSync('git', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier ignored ü-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it.skipIf(!hasGit)('git is asked which files it ignores; what is in the repository is not', async () => {
  const repository = join(folder, 'repository');
  await mkdir(join(repository, 'build'), { recursive: true });
  const git = (...args: string[]) => execFileSync('git', args, { cwd: repository, stdio: 'ignore' });
  git('init');
  await writeFile(join(repository, '.gitignore'), 'build/\n*.draft.md\n');
  for (const name of ['a.md', 'b.draft.md', '-c.draft.md', 'build/d.md', 'kept.draft.md'])
    await writeFile(join(repository, name), '');
  git('add', '--force', '--', 'kept.draft.md');
  // A repository may name a program to be run by whoever looks at it.
  git('config', 'core.fsmonitor', `touch '${join(repository, 'started')}' #`);
  const files = new IgnoredFiles(silentLog);
  const asked = async (name: string) => await files.isIgnored(join(repository, name));
  expect(await asked('a.md')).toBe(false);
  expect(await asked('b.draft.md')).toBe(true);
  expect(await asked('-c.draft.md')).toBe(true);
  expect(await asked('build/d.md')).toBe(true);
  expect(await asked('kept.draft.md')).toBe(false);
  await expect(rm(join(repository, 'started'))).rejects.toMatchObject({ code: 'ENOENT' });
  files.dispose();
});

it('where there is no repository, or no folder, nothing is ignored', async () => {
  const files = new IgnoredFiles(silentLog);
  expect(await files.isIgnored(join(folder, 'a.md'))).toBe(false);
  expect(await files.isIgnored(join(folder, 'gone', 'a.md'))).toBe(false);
  files.dispose();
});
