import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ModelEntry, RunRecord, TaskName } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { Cancelled } from '../errors.ts';
import { COMMANDS } from '../ids.ts';
import { silentLog } from '../log.ts';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import {
  commands,
  configured,
  Document,
  memento,
  type QuickPick,
  reset,
  shown,
  Uri,
  window,
} from '../testing/vscode.ts';
import { chooseModelFor } from './choose.ts';
import { CompletionCounter } from './counts.ts';
import { Gate } from './gate.ts';
import { openMenu } from './menu.ts';
import { CompletionModels } from './models.ts';
import { SharedState } from './state.ts';

const entry = (name: string, tasks: string[], change: Partial<ModelEntry> = {}): ModelEntry => ({
  ...{ name, source: 'folder', path: `/models/${name}`, model_type: 'llama', bytes: 1e7, num_parameters: 1e6 },
  ...{ labels: null, languages: null, problem: null, answers: null, tasks: tasks as TaskName[] },
  ...change,
});
const WRITES = ['text-generation', 'conversational', 'text-classification'];
const listed = [
  entry('starters/bert', ['text-classification'], { source: 'starter' }),
  entry('starters/decoder', WRITES, { source: 'starter', path: '/ext/starters/decoder' }),
  entry('qwen', WRITES),
  entry('intents', ['text-classification'], { labels: ['a', 'b'] }),
  entry('torn', [], { problem: 'config.json is not JSON.' }),
  entry('notes', WRITES, { source: 'run', path: '/w/.luthier/runs/notes/model' }),
];

const run = (id: string, task: string): Run => ({
  ...{ folder: `/w/.luthier/runs/${id}`, home: '/w/.luthier', state: 'done', readOnly: null, damaged: false },
  ...{ foreign: false, silent: false, progress: null },
  record: recordOf({ id, state: 'done', model: 'model', recipe: { task } as RunRecord['recipe'] }),
});

let folder: string;
let luthier: Luthier;
let state: SharedState;

beforeEach(async () => {
  reset();
  folder = await mkdtemp(join(tmpdir(), 'luthier choose ü-'));
  state = new SharedState(folder, silentLog);
  const runs = { all: () => [run('notes', 'text-generation'), run('intents', 'text-classification')] };
  const models = new CompletionModels({ extension: '/ext', runs, state });
  const counts = new CompletionCounter(folder, silentLog);
  const gate = new Gate({ models, state, ignored: { isIgnored: async () => false } });
  const snooze = vi.fn();
  luthier = {
    ...{
      completions: { state, models, counts, gate, snooze, learning: { isOn: false } },
      runs,
      load: async () => {},
      memento: memento(),
    },
    engine: { service: { request: async () => listed } },
  } as unknown as Luthier;
});
afterEach(async () => {
  state.dispose();
  await luthier.completions.counts.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** The next question that is asked. */
const question = async (placeholder: RegExp): Promise<QuickPick> =>
  await vi.waitFor(() => {
    if (!shown.picker || !placeholder.test(shown.picker.placeholder)) throw new Error(shown.picker?.placeholder);
    return shown.picker;
  });

it('own runs that write come first, then others that do; what reads is not offered', async () => {
  const choosing = chooseModelFor(luthier, 'markdown');
  const picker = await question(/Which model completes what you write/);
  expect(picker.items.map(({ label }) => label)).toEqual([
    ...['Trained here', 'notes', 'On this machine', 'qwen', 'Comes with Luthier', 'starters/decoder', 'Others'],
    '$(folder-opened) Choose a folder…',
  ]);
  picker.accept('notes');
  await choosing;
  expect(state.now.models).toEqual({ '*': '/w/.luthier/runs/notes/model' });
  expect(window.showInformationMessage.mock.calls[0]![0]).toBe(
    'notes now completes prompty, prompt, Plain Text and markdown. Alt+\\ asks for suggestions.',
  );
});

it('a language may have another model, which turns it on, and may give it up again', async () => {
  await luthier.completions.models.use('starters/decoder', ['*']);
  let choosing = chooseModelFor(luthier, 'python');
  (await question(/which languages/)).accept('Only python');
  (await question(/Which model completes python/)).accept('qwen');
  await choosing;
  expect(state.now.models).toEqual({ '*': 'starters/decoder', python: '/models/qwen' });
  expect(configured.get('luthier.completions.languages')).toContain('python');
  choosing = chooseModelFor(luthier, 'python');
  (await question(/which languages/)).accept('Only python');
  const picker = await question(/Which model completes python/);
  expect(picker.activeItems[0]!.label).toBe('qwen');
  picker.accept('The same as for all other languages');
  await choosing;
  expect(state.now.models).toEqual({ '*': 'starters/decoder' });
});

it('escape changes nothing', async () => {
  const choosing = chooseModelFor(luthier, undefined);
  (await question(/Which model completes/)).hide();
  await expect(choosing).rejects.toBeInstanceOf(Cancelled);
  expect(state.now.models).toEqual({});
});

it('the menu turns off and on, for all and for the language at hand, tries again and takes back', async () => {
  const { models } = luthier.completions;
  await models.use('starters/decoder', ['*']);
  window.activeTextEditor = { document: new Document(Uri.file('/w/a.md'), 'markdown', '') };
  const choose = async (label: string) => {
    const opening = openMenu(luthier);
    const picker = await vi.waitFor(() => {
      if (shown.picker?.title !== 'Completions') throw new Error('no menu yet');
      return shown.picker;
    });
    const labels = picker.items.map((item) => item.label);
    picker.accept(label);
    await opening;
    return labels;
  };
  await choose('$(circle-slash) Turn Off');
  expect(configured.get('luthier.completions.enabled')).toBe(false);
  await choose('$(check) Turn On');
  expect(configured.get('luthier.completions.enabled')).toBe(true);
  await choose('$(circle-slash) Turn Off for markdown');
  expect(configured.get('luthier.completions.languages')).not.toContain('markdown');
  await choose('$(check) Turn On for markdown');
  expect(configured.get('luthier.completions.languages')).toContain('markdown');
  await choose('$(bell-slash) Snooze for 5 Minutes');
  expect(luthier.completions.snooze).toHaveBeenCalledWith(5);
  await models.switchOff({ language: 'markdown', model: 'starters/decoder', message: 'It is too slow.' });
  const labels = await choose('$(refresh) Try starters/decoder Again');
  expect(labels).toContain('$(graph) Show Counts');
  expect(models.troubleOf('markdown')).toBeNull();
  await choose('$(discard) Undo the Last Change of Models');
  expect(state.now.models).toEqual({});
  const run = '/w/.luthier/runs/my-update';
  await state.update(() => ({ outcome: { run, name: 'my-update', text: 'starters/decoder still completes.' } }));
  expect(await choose('$(history) Last Update: my-update')).not.toEqual(labels);
  expect(commands.executeCommand).toHaveBeenCalledWith(COMMANDS.openDashboard, run);
});
