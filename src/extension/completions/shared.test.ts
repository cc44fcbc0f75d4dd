import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { silentLog } from '../log.ts';
import { reset, window } from '../testing/vscode.ts';
import { CompletionCounter, parseCounts } from './counts.ts';
import { FIRST_USE_BUTTONS, FirstUse } from './first-use.ts';
import { ALL_LANGUAGES, CompletionModels } from './models.ts';
import { parseState, SharedState } from './state.ts';

/** What two windows of one person share. */
let folder: string;
const open: { dispose(): unknown }[] = [];

beforeEach(async () => {
  reset();
  folder = await mkdtemp(join(tmpdir(), 'luthier shared ü-'));
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.dispose();
  await rm(folder, { recursive: true, force: true });
});

function windowOf(): { state: SharedState; models: CompletionModels } {
  const state = new SharedState(folder, silentLog);
  open.push(state);
  return { state, models: new CompletionModels({ extension: '/ext', runs: { all: () => [] }, state }) };
}

it('a model for each language, one for the rest, and what all windows know of it', async () => {
  const [a, b] = [windowOf(), windowOf()];
  await Promise.all([a.state.ready(), b.state.ready()]);
  const heard = vi.fn();
  b.models.changed.on(heard);
  await a.models.use('starters/decoder', [ALL_LANGUAGES]);
  await a.models.use('/runs/notes/model', ['markdown']);
  expect(a.models.chosen('markdown')).toBe('/runs/notes/model');
  expect(a.models.chosen('plaintext')).toBe('starters/decoder');
  // A name that every object has is no language that was chosen for.
  expect(a.models.chosen('constructor')).toBe('starters/decoder');
  await vi.waitFor(() => expect(b.models.chosen('markdown')).toBe('/runs/notes/model'), 5000);
  expect(heard).toHaveBeenCalled();
  expect(a.models.folderOf('starters/decoder')).toBe(join('/ext', 'starters/decoder'));
  expect(a.models.nameOf('/runs/notes/model')).toBe('notes');
  expect((await readdir(folder)).filter((name) => name.endsWith('.lock') || name.endsWith('.tmp'))).toEqual([]);
});

it('a change can be taken back, one step after another; what changes nothing is no step', async () => {
  const { models } = windowOf();
  await models.use('a', [ALL_LANGUAGES]);
  await models.use('a', [ALL_LANGUAGES]);
  await models.use('b', [ALL_LANGUAGES, 'markdown']);
  await models.use(null, ['markdown']);
  expect(models.previous?.models).toEqual({ '*': 'b', markdown: 'b' });
  expect(await models.rollback()).toEqual({ '*': 'b', markdown: 'b' });
  expect(await models.rollback()).toEqual({ '*': 'a' });
  expect(await models.rollback()).toEqual({});
  expect(await models.rollback()).toBeNull();
  expect(models.chosen('markdown')).toBeNull();
});

it('two windows that change it at once lose nothing', async () => {
  const windows = [windowOf(), windowOf(), windowOf()];
  await Promise.all(windows.map(({ models }, i) => models.use(`model ${i}`, [`language${i}`])));
  const { state } = windowOf();
  await state.ready();
  expect(Object.keys(state.now.models).sort()).toEqual(['language0', 'language1', 'language2']);
  expect(state.now.history).toHaveLength(3);
});

it('a model is switched off for a language once, whichever window notices it, until another is chosen', async () => {
  const [a, b] = [windowOf(), windowOf()];
  await a.models.use('m', [ALL_LANGUAGES]);
  const trouble = { language: 'markdown', model: 'm', message: 'm is gone.' };
  const told = await Promise.all([a.models.switchOff(trouble), b.models.switchOff(trouble)]);
  expect(told.filter(Boolean)).toHaveLength(1);
  await vi.waitFor(() => expect(b.models.troubleOf('markdown')?.message).toBe('m is gone.'), 5000);
  expect(b.models.troubleOf('plaintext')).toBeNull();
  await b.models.switchOn('markdown');
  expect(b.models.troubleOf('markdown')).toBeNull();
  await b.models.switchOff(trouble);
  await b.models.use('n', [ALL_LANGUAGES]);
  expect(b.state.now.troubles).toEqual([]);
});

it('a torn or strange file is as if nothing had been chosen, part by part', async () => {
  await writeFile(join(folder, 'completions.json'), '{"models": {"*": "m"');
  const { state } = windowOf();
  await state.ready();
  expect(state.now.models).toEqual({});
  const strange = parseState({
    models: { '*': 'm', markdown: 7 },
    history: [{ at: 1, models: { a: 'b' } }, 'x', { at: 'y' }],
    troubles: [{ language: 'a', model: 'b', message: 'c' }, {}, null],
    asked: { at: 5, never: 'yes' },
    snoozedUntil: 'tomorrow',
    updates: [{ run: '/r', model: 'm', by: 12 }, { run: '/s', model: 'm', by: -1 }, { run: 1 }, 'x'],
    outcome: { run: '/r', name: 'r' },
  });
  expect(strange).toEqual({
    models: { '*': 'm' },
    history: [{ at: 1, models: { a: 'b' } }],
    troubles: [{ language: 'a', model: 'b', message: 'c' }],
    asked: { at: 5, never: false },
    snoozedUntil: 0,
    updates: [
      { run: '/r', model: 'm', by: 12 },
      { run: '/s', model: 'm' },
    ],
    outcome: null,
  });
  const outcome = { run: '/r', name: 'r', text: 'r now completes.' };
  expect(parseState({ outcome }).outcome).toEqual(outcome);
  expect(parseState([]).models).toEqual({});
});

const WEEK = 7 * 24 * 3600 * 1000;

it('it is asked once, in one of two windows, and once more a week after “not now”', async () => {
  const choose = vi.fn(async () => {});
  const first = () => new FirstUse(windowOf().state, choose);
  window.showInformationMessage.mockResolvedValue(FIRST_USE_BUTTONS.later);
  const [a, b] = [first(), first()];
  await Promise.all([a.ask('markdown', 1000), b.ask('markdown', 1000), a.ask('markdown', 1000)]);
  expect(window.showInformationMessage).toHaveBeenCalledTimes(1);
  await first().ask('markdown', 1000 + WEEK - 1);
  expect(window.showInformationMessage).toHaveBeenCalledTimes(1);
  await first().ask('markdown', 1000 + WEEK);
  expect(window.showInformationMessage).toHaveBeenCalledTimes(2);
  await first().ask('markdown', 1000 + 9 * WEEK);
  expect(window.showInformationMessage).toHaveBeenCalledTimes(2);
  expect(choose).not.toHaveBeenCalled();
});

it('“don’t ask again” is for good, and “choose” chooses for the language at hand', async () => {
  const choose = vi.fn(async (_language: string) => {});
  window.showInformationMessage.mockResolvedValueOnce(FIRST_USE_BUTTONS.choose);
  await new FirstUse(windowOf().state, choose).ask('markdown', 1000);
  expect(choose).toHaveBeenCalledWith('markdown');
  window.showInformationMessage.mockResolvedValueOnce(FIRST_USE_BUTTONS.never);
  const asked = new FirstUse(windowOf().state, choose);
  await asked.ask('markdown', 1000 + WEEK);
  expect(asked.isDeclined).toBe(true);
  await new FirstUse(windowOf().state, choose).ask('markdown', 1000 + 5 * WEEK);
  expect(window.showInformationMessage).toHaveBeenCalledTimes(2);
});

it('counts of all windows are one file of sums, and hold no texts', async () => {
  const [a, b] = [new CompletionCounter(folder, silentLog), new CompletionCounter(folder, silentLog)];
  open.push(a, b);
  const day = new Date(2026, 10, 27, 12);
  const of = { model: 'm', language: 'markdown' };
  a.add(of, { shown: 1 }, day);
  a.add(of, { accepted: 1, characters: 12 }, day);
  b.add(of, { shown: 2, rejected: 2 }, day);
  b.add({ ...of, language: 'plaintext' }, { shown: 1 }, new Date(2026, 10, 28, 1));
  await Promise.all([a.flush(), b.flush()]);
  const expected = {
    day: '2026-11-27',
    ...of,
    shown: 3,
    accepted: 1,
    partly: 0,
    rejected: 2,
    edited: 0,
    characters: 12,
  };
  const all = await a.all();
  expect(all[1]).toEqual(expected);
  expect(all.map(({ day }) => day)).toEqual(['2026-11-28', '2026-11-27']);
  await a.delete();
  expect(await b.all()).toEqual([]);
});

it('a long file is written anew as sums, and torn lines are left out', async () => {
  const line = JSON.stringify({ day: '2026-01-01', model: 'm', language: 'l', shown: 1 });
  const file = join(folder, 'completion-counts.jsonl');
  await writeFile(
    file,
    `${`${line}\n`.repeat(5000)}{"day":"2026-01-01","mo\n[1]\n{"day":1}\n${line.replace('1}', '-1}')}\n`,
  );
  const counts = new CompletionCounter(folder, silentLog);
  open.push(counts);
  counts.add({ model: 'm', language: 'l' }, { shown: 1 }, new Date(2026, 0, 1));
  await counts.flush();
  expect(parseCounts(await readFile(file, 'utf8'))).toMatchObject([{ shown: 5001, accepted: 0 }]);
  expect((await readFile(file, 'utf8')).length).toBeLessThan(300);
});
