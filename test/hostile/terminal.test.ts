import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildEngine, Program, removeEngine } from '../faults/engine.ts';
import { type Hostile, LINKED_RUNS, makeHostileRepository } from './repository.ts';

let place: string;
let hostile: Hostile;
let cli: string;
let before: string;
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier hostile ü-'));
  [{ cli }, hostile] = await Promise.all([buildEngine(), makeHostileRepository(place)]);
  before = await hostile.state();
});
afterEach(async () => {
  expect(await hostile.state()).toBe(before);
  expect(hostile.connections()).toBe(0);
  expect(existsSync(join(hostile.repository, 'pwned'))).toBe(false);
});
afterAll(async () => {
  await hostile.close();
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});

const luthier = (...args: string[]) => new Program(process.execPath, [cli, ...args], hostile.repository).finished;
const isWindows = process.platform === 'win32';
// biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may reach a terminal
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe('a repository with runs, played against the terminal', () => {
  it('`runs list` shows every run, the odd ones with their reasons, and what is not theirs', async () => {
    const { code, stdout, stderr } = await luthier('runs', 'list');
    expect(stderr).not.toMatch(/\n\s+at |internal/);
    expect(code).toBe(0);
    for (const id of [
      'evil',
      'by-model',
      'odd-date',
      'odd-metric',
      'done',
      ...(isWindows ? [] : ['pipe', 'endless', 'key']),
    ]) {
      expect(stdout).toContain(id);
    }
    expect(stdout).toMatch(/evil +queued, not started here/);
    expect(stdout).toMatch(/odd-date +run-invalid/);
    expect(stderr).toMatch(/odd-date: .*created_at is not a time/);
    expect(stderr).toMatch(/odd-metric: .*accuracy is not a finite number/);
    // Another project's runs are not listed through the link, and that is said.
    expect(stdout).not.toContain('theirs');
    expect(stderr).toMatch(/Skipped: .*sub.*is a link/);
    // A file of the person's that a record leads to is not quoted.
    expect(stdout + stderr).not.toContain('secret');
    expect(stdout + stderr).not.toMatch(CONTROLS);
  });

  it('`runs list --json` is whole, and nothing in it acts on a terminal', async () => {
    const { code, stdout, events } = await luthier('runs', 'list', '--json');
    expect(code).toBe(0);
    expect(events.length).toBe((await readdir(join(hostile.repository, '.luthier', 'runs'))).length);
    expect(stdout).not.toMatch(CONTROLS);
    const markup = events.find((run) => 'id' in run && run.id === 'markup') as unknown as { note: string };
    expect(markup.note).toContain('\u001b]0;owned');
  });

  it('a run that came with it does not resume unless somebody says so', async () => {
    const { code, stderr } = await luthier('runs', 'resume', 'evil');
    expect(code).toBe(1);
    expect(stderr).toMatch(/not known on this machine/);
    expect(stderr).toMatch(/--yes.*--new/s);
    expect(await readdir(join(hostile.repository, '.luthier', 'runs', 'evil'))).toEqual(['run.json']);
  });

  it.skipIf(isWindows).each([...LINKED_RUNS])('%s does not resume, whatever is said', async (id) => {
    const { code, stderr } = await luthier('runs', 'resume', id, '--yes');
    expect(code).toBe(1);
    expect(stderr).toMatch(/is a link, and runs do not write or delete through links|is not a file/);
  });

  it('an endpoint that is a port is not connected to', async () => {
    for (const id of ['by-port', 'by-number']) {
      const shown = await luthier('runs', 'show', id, '--json');
      expect(shown.events[0]).toMatchObject({ state: 'interrupted' });
      expect((await luthier('runs', 'stop', id)).code).toBe(1);
    }
  });

  it.skipIf(isWindows)('a pipe and a device without an end are refused at once', async () => {
    for (const id of ['pipe', 'endless']) {
      const { code, stderr } = await luthier('runs', 'show', id);
      expect(code).toBe(1);
      expect(stderr).toMatch(/is a (pipe|device), not a file|is a link/);
    }
  });

  it.skipIf(isWindows)('rows, recipes and datasets without an end are refused at once', async () => {
    for (const args of [
      ['data', 'inspect', 'zero.csv'],
      ['data', 'inspect', 'pipe.csv'],
      ['train', 'zero.recipe.json'],
      ['train', 'pipe.recipe.json'],
      ['train', 'plain.recipe.json', '--set', 'dataset=zero.csv'],
      ['train', 'plain.recipe.json', '--set', 'dataset=pipe.csv'],
      ['train', 'plain.recipe.json', '--set', 'dataset=endless'],
    ]) {
      const { code, stderr } = await luthier(...args);
      expect([args, code === 0]).toEqual([args, false]);
      expect([args, stderr]).toEqual([args, expect.stringMatching(/is a (device|pipe)/)]);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
  });

  it('a run that was resumed and cannot begin stays on the disk', async () => {
    const { code, stderr } = await luthier('runs', 'resume', 'no-rows', '--yes');
    expect(code).toBe(1);
    // What it reads outside of its project is said, whatever folder the record says that its recipe stood in.
    expect(stderr).toMatch(/reads a dataset outside its project: .*own.*nowhere\.csv/);
    expect(await readFile(join(hostile.repository, '.luthier', 'runs', 'no-rows', 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('a model that leads out of a run is none, and nothing is exported into it', async () => {
    for (const args of [
      ['export', 'done', '--format', 'onnx'],
      ['predict', 'done', '--text', 'x'],
      ['runs', 'show', 'done'],
    ]) {
      const { code, stderr } = await luthier(...args);
      expect([args[0], code, stderr]).toEqual([args[0], 1, expect.stringContaining('model is not a folder')]);
    }
  });

  it('ONNX is not written through a link that stands for a run’s model', async () => {
    const { code, stderr } = await luthier('export', 'linked-model', '--format', 'onnx');
    expect(code).toBe(1);
    expect(stderr).toMatch(/model is a link/);
  });

  it('names and notes are shown as text', async () => {
    const { code, stdout, stderr } = await luthier('runs', 'show', 'markup');
    expect(code).toBe(0);
    expect(stdout + stderr).not.toMatch(CONTROLS);
    expect(stdout).toContain('\\u001b]0;owned\\u0007');
  });

  it('what its recipe reads elsewhere is said before it starts', async () => {
    const { stderr } = await luthier('train', 'reads.recipe.json');
    expect(stderr).toMatch(/the recipe reads a dataset outside its project: .*own.*key/);
  });

  it('a link as `.luthier` takes no run, and `runs clean` and `runs remove` delete through none', async () => {
    const sub = join(hostile.repository, 'sub');
    const inSub = (...args: string[]) => new Program(process.execPath, [cli, ...args], sub).finished;
    const removed = await inSub('runs', 'remove', '.luthier/runs/theirs', '--yes');
    expect(removed.code).toBe(1);
    expect(removed.stderr).toMatch(/runs is a link/);
    expect((await inSub('runs', 'remove', 'theirs', '--yes')).code).toBe(1);
    expect((await luthier('runs', 'clean', '--yes')).code).toBe(0);
    expect((await luthier('runs', 'remove', 'by-checkpoints', '--yes')).code).toBe(0);
    const recipe = join(sub, 'x.recipe.json');
    const { cp } = await import('node:fs/promises');
    await cp(join(hostile.repository, 'plain.recipe.json'), recipe);
    const trained = await inSub('train', recipe, '--set', 'model=../tiny', '--set', 'dataset=../rows.csv');
    expect(trained.code).toBe(1);
    expect(trained.stderr).toMatch(/runs is a link/);
  });

  it('starts as a new run of this machine, which writes to its own folder alone', async () => {
    const { code, stderr } = await luthier('runs', 'resume', 'evil', '--new', '--json');
    expect(stderr).toMatch(/New run with the recipe of evil/);
    expect(code).toBe(0);
    expect(await readdir(join(hostile.repository, '.luthier', 'runs', 'evil'))).toEqual(['run.json']);
  });
});
