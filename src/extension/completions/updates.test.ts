import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { CompletionReport, Forgetting, RunRecord, RunState } from '../../protocol/index.ts';
import { HostError } from '../errors.ts';
import { Emitter } from '../events.ts';
import { COMMANDS } from '../ids.ts';
import { silentLog } from '../log.ts';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import { reset, window } from '../testing/vscode.ts';
import { ALL_LANGUAGES, CompletionModels } from './models.ts';
import { SharedState } from './state.ts';
import { Updates } from './updates.ts';

const OLD = 'starters/decoder';
let folder: string;
let report: CompletionReport | Error;
const open: { dispose(): void }[] = [];
const command = vi.fn(async () => undefined);

beforeEach(async () => {
  reset();
  command.mockClear();
  for (const show of [window.showInformationMessage, window.showWarningMessage]) show.mockReset();
  folder = await mkdtemp(join(tmpdir(), 'luthier updates ü-'));
  report = measured([2.4, 2.1, 0.1], [2.34, 1.23, 0.5]);
});
afterEach(async () => {
  for (const one of open.splice(0)) one.dispose();
  await rm(folder, { recursive: true, force: true });
});

type Bits = [base: number, model: number, low: number];
const KEPT: Forgetting = { tokens: 700, before: 152.4, after: 160.2 };
function measured(files: Bits, accepted: Bits, forgetting: Forgetting | undefined = KEPT): CompletionReport {
  const bits = ([base, model, low]: Bits) => ({ base, model, interval: { low, high: low + 0.4 } });
  const replay = { lines: 20, files: 3, characters: 900, saved: 90, shown: 9, accepted: 5, interval: null };
  return {
    ...{ format: 1, created_at: '', base: OLD, split: 'test', files: 3, seed: 42 },
    ...{ bits_per_byte: bits(files), replay: { base: replay, model: replay } },
    accepted: { rows: 6, bits_per_byte: bits(accepted) },
    ...(forgetting && { forgetting }),
  };
}

const run = (state: RunState, more: Partial<RunRecord> = {}): Run => ({
  ...{ folder: '/w/.luthier/runs/my-update', home: '/w/.luthier', readOnly: null, damaged: false, state },
  ...{ foreign: false, silent: false, progress: null },
  record: recordOf({
    ...{ id: 'my-update', state, model: state === 'done' ? 'model' : null },
    recipe: { task: 'text-generation' } as RunRecord['recipe'],
    ...more,
  }),
});
const NEW = '/w/.luthier/runs/my-update/model';

/** Processes of other windows: one that lives, and one that has ended. */
const LIVING = process.ppid;
const ended = () => spawnSync(process.execPath, ['--version']).pid;

/** A window of this person, with a run that is under way. */
function windowOf(known: Run[] = [], pid?: number) {
  const state = new SharedState(folder, silentLog);
  const runs = {
    all: () => known,
    get: (path: string) => known.find((one) => one.folder === path),
    ended: new Emitter<Run>(),
  };
  const models = new CompletionModels({ extension: '/ext', runs, state });
  const request = vi.fn(async () => {
    if (report instanceof Error) throw report;
    return report;
  });
  const service = { request } as never;
  const updates = new Updates({ state, models, runs, service, run: command, log: silentLog, ...(pid && { pid }) });
  open.push(updates, state);
  return { state, models, updates, request };
}
async function begun(known: Run[] = [], pid?: number) {
  const made = windowOf(known, pid);
  await made.models.use(OLD, [ALL_LANGUAGES, 'markdown']);
  await made.models.use('other', ['typescript']);
  await made.updates.begin(run('queued').folder, OLD);
  return made;
}
const said = () =>
  [...window.showInformationMessage.mock.calls, ...window.showWarningMessage.mock.calls].map(([text]) => text);

it('a better model takes the place of the other, in its languages alone; both figures are said', async () => {
  const { models, updates, state } = await begun();
  await updates.conclude(run('done'));
  expect(models.choices).toEqual({ '*': NEW, markdown: NEW, typescript: 'other' });
  expect(said()).toEqual([
    'my-update now completes instead of starters/decoder. my-update is better than starters/decoder. It has learned none of what they were compared on, and needs 1.23 bits a byte for 6 completions that you accepted (starters/decoder: 2.34) and 2.10 bits a byte for 3 test files (starters/decoder: 2.40). Its perplexity of a general English text is 160 (starters/decoder: 152).',
  ]);
  expect(state.now.updates).toEqual([]);
  // For who has not seen it.
  expect(state.now.outcome).toEqual({ run: run('done').folder, name: 'my-update', text: said()[0] });
  await updates.conclude(run('done'));
  expect(said()).toHaveLength(1);
});

it('one click rolls it back', async () => {
  window.showInformationMessage.mockResolvedValueOnce('Roll Back');
  const { models, updates, state } = await begun();
  await updates.conclude(run('done'));
  expect(models.choices).toEqual({ '*': OLD, markdown: OLD, typescript: 'other' });
  expect(said().at(-1)).toBe('starters/decoder completes again.');
  expect(state.now.outcome?.text).toBe('starters/decoder completes again.');
});

it('what was chosen after the update stays when it is rolled back', async () => {
  const { models, updates } = await begun();
  window.showInformationMessage.mockImplementationOnce(async () => {
    await models.use('mine', ['markdown']);
    return 'Roll Back';
  });
  await updates.conclude(run('done'));
  expect(models.choices).toEqual({ '*': OLD, markdown: 'mine', typescript: 'other' });
});

it.each<[string, Bits, Bits]>([
  ['the files are foretold worse', [2.1, 2.2, -0.3], [2.34, 1.23, 0.5]],
  ['the completions are foretold worse', [2.4, 2.1, 0.1], [1.2, 1.3, -0.3]],
  ['it may be chance', [2.4, 2.3, -0.1], [2.34, 2.3, -0.2]],
])('nothing is switched where %s', async (_, files, accepted) => {
  report = measured(files, accepted);
  const { models, updates, state } = await begun();
  await updates.conclude(run('done'));
  expect(models.choices['*']).toBe(OLD);
  expect(said()[0]).toMatch(
    /^my-update is not clearly better than starters\/decoder\..*starters\/decoder still completes\.$/,
  );
  expect(state.now.outcome?.text).toMatch(/^starters\/decoder still completes\. my-update is not clearly better/);
});

it('one that is better and has forgotten much takes no place by itself: that is said with both figures, and it can be used anyway', async () => {
  report = measured([2.4, 2.1, 0.1], [2.34, 1.23, 0.5], { tokens: 700, before: 152.4, after: 17_719.4 });
  const { models, updates } = await begun();
  await updates.conclude(run('done'));
  expect(models.choices['*']).toBe(OLD);
  expect(said()).toEqual([
    'my-update is better than starters/decoder only on what is like the texts that it has learned. It has learned none of what they were compared on, and needs 1.23 bits a byte for 6 completions that you accepted (starters/decoder: 2.34) and 2.10 bits a byte for 3 test files (starters/decoder: 2.40). It has forgotten much of what starters/decoder knew: its perplexity of a general English text is 17,719 (starters/decoder: 152). A lower learning rate, fewer epochs, more text or LoRA keep more. starters/decoder still completes.',
  ]);
  // In the languages of the other one, with the same way back.
  window.showWarningMessage.mockResolvedValueOnce('Use It Anyway');
  window.showInformationMessage.mockImplementationOnce(async () => {
    expect(models.choices).toEqual({ '*': NEW, markdown: NEW, typescript: 'other' });
    return 'Roll Back';
  });
  await updates.begin(run('done').folder, OLD);
  await updates.conclude(run('done'));
  expect(window.showInformationMessage.mock.calls.map(([text]) => text)).toEqual([
    'my-update now completes instead of starters/decoder.',
    'starters/decoder completes again.',
  ]);
  expect(models.choices).toEqual({ '*': OLD, markdown: OLD, typescript: 'other' });
});

it('where nobody has measured what was forgotten nothing is switched, and that is said', async () => {
  const { forgetting: _, ...without } = measured([2.4, 2.1, 0.1], [2.34, 1.23, 0.5]);
  report = without;
  const { models, updates } = await begun();
  await updates.conclude(run('done'));
  expect(models.choices['*']).toBe(OLD);
  expect(said()[0]).toMatch(
    /How much it has forgotten of what starters\/decoder knew was not measured\..*starters\/decoder still completes\.$/,
  );
});

it('a run that fails or is cancelled switches nothing, and says so; one that was interrupted may go on', async () => {
  const { models, updates, state } = await begun();
  await updates.conclude(run('interrupted'));
  await updates.conclude(run('running'));
  expect(said()).toEqual([]);
  await updates.conclude(run('failed', { error: { code: 'disk-full', message: 'The disk is full.' } }));
  await updates.begin(run('queued').folder, OLD);
  await updates.conclude(run('cancelled'));
  expect(said().sort()).toEqual([
    'my-update failed: The disk is full. The model was not updated; starters/decoder still completes.',
    'my-update was discarded. The model was not updated; starters/decoder still completes.',
  ]);
  expect(models.choices['*']).toBe(OLD);
  expect(state.now.updates).toEqual([]);
});

it('where they cannot be compared, as when the model of before is gone, nothing is switched and it can be tried again', async () => {
  report = new HostError('model-not-found', 'There is no model starters/decoder.');
  const { models, updates } = await begun();
  window.showWarningMessage.mockImplementationOnce(async () => {
    report = measured([2.4, 2.1, 0.1], [2.34, 1.23, 0.5]);
    return 'Compare Again';
  });
  await updates.conclude(run('done'));
  expect(window.showWarningMessage.mock.calls[0]?.[0]).toBe(
    'my-update could not be compared: There is no model starters/decoder. The model was not updated; starters/decoder still completes.',
  );
  expect(models.choices['*']).toBe(NEW);
});

it('what came of an update is told where it was asked for, while that window lives', async () => {
  const a = await begun([], LIVING);
  const b = windowOf();
  await b.updates.conclude(run('done'));
  expect([b.request.mock.calls, said()]).toEqual([[], []]);
  // Nor does any other window say that the run has ended.
  expect(b.updates.isPending(run('done').folder)).toBe(true);
  await a.updates.conclude(run('done'));
  expect(a.request).toHaveBeenCalledTimes(1);
  await b.updates.look();
  expect([b.request.mock.calls, b.updates.isPending(run('done').folder)]).toEqual([[], false]);
});

it('where that window is gone, or has not told it for long, another one does: one of two', async () => {
  await begun([], ended());
  const [a, b] = [windowOf([run('done')]), windowOf([run('done')], LIVING)];
  await Promise.all([a.updates.look(), b.updates.look()]);
  expect(a.request.mock.calls.length + b.request.mock.calls.length).toBe(1);
  expect(said()).toHaveLength(1);
  // A process of its number lives, which is not to say that it is the window's.
  await b.updates.begin('/w/.luthier/runs/my-update', NEW);
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  await windowOf([run('done', { finished_at: ago(10) })]).updates.look();
  expect(said()).toHaveLength(1);
  await windowOf([run('done', { finished_at: ago(70) })]).updates.look();
  expect(said()).toHaveLength(2);
});

it('a window that is closed in the middle of the comparison leaves it to the next', async () => {
  const { updates, request, state } = await begun([], ended());
  let close: (error: Error) => void = () => {};
  request.mockImplementationOnce(() => new Promise<CompletionReport>((_, reject) => (close = reject)));
  const concluded = updates.conclude(run('done'));
  await vi.waitFor(() => expect(request).toHaveBeenCalled());
  updates.dispose();
  close(new HostError('cancelled', 'The engine was stopped.'));
  await concluded;
  expect([said(), state.now.outcome]).toEqual([[], null]);
  const next = windowOf([run('done')]);
  await next.updates.look();
  expect(next.models.choices['*']).toBe(NEW);
  expect(said()).toHaveLength(1);
});

it('one that opens later concludes all that has ended, though nobody answers what it tells', async () => {
  const other = { ...run('done', { id: 'other' }), folder: '/w/.luthier/runs/other' };
  const { updates } = await begun();
  await updates.begin(other.folder, 'other');
  window.showInformationMessage.mockImplementation(() => new Promise(() => {}));
  void windowOf([run('done'), other]).updates.look();
  await vi.waitFor(() => expect(said()).toHaveLength(2));
  expect(
    said()
      .map((text) => String(text).split(' ')[0])
      .sort(),
  ).toEqual(['my-update', 'other']);
});

it('a run whose folder was deleted can become no model any more', async () => {
  const { updates, state } = windowOf();
  await updates.begin(join(folder, 'gone'), NEW);
  await updates.look();
  expect(said()).toEqual(['my-update was not updated. Its run was deleted.']);
  expect(state.now.outcome).toEqual({ run: join(folder, 'gone'), name: 'gone', text: said()[0] });
});

it('a model that completes nothing any more is not replaced, and one that is no better can be used anyway', async () => {
  const { models, updates } = await begun();
  await models.use('mine', [ALL_LANGUAGES, 'markdown']);
  window.showInformationMessage.mockResolvedValueOnce('Use It Anyway');
  await updates.conclude(run('done'));
  expect(said()[0]).toMatch(/starters\/decoder completes nothing any more, so nothing was switched\.$/);
  expect(command).toHaveBeenCalledWith(COMMANDS.useForCompletions, run('done').folder);
  expect(models.choices['*']).toBe('mine');
});
