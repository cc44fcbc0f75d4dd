import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { CompletionAnswer, CompletionRequest } from '../../protocol/index.ts';
import { HostError } from '../errors.ts';
import { silentLog } from '../log.ts';
import {
  commands,
  configured,
  Document,
  InlineCompletionTriggerKind,
  Position,
  Range,
  reset,
  Uri,
  window,
} from '../testing/vscode.ts';
import type { WhyNot } from './gate.ts';
import { JUDGED } from './health.ts';
import { CompletionModels } from './models.ts';
import { CompletionProvider } from './provider.ts';
import type { SharedState } from './state.ts';
import type { Offered } from './tracker.ts';

/** A model that takes its time: what it was asked, and how each request came to its end. */
class Model {
  readonly asked: CompletionRequest[] = [];
  readonly log: { began: number; ended: number; cancelled: boolean }[] = [];
  prepared = 0;
  loadMs = 0;
  answerMs = 5;
  text = ' is in the van.';
  failure: Error | null = null;
  /** Answers that reading leaves no time for. */
  late = 0;
  isRunning = true;
  private working = 0;
  most = 0;

  request = async (method: string, params: unknown, { signal }: { signal?: AbortSignal } = {}): Promise<unknown> => {
    if (method === 'completion/prepare') {
      this.prepared++;
      await sleep(this.loadMs);
      if (this.failure) throw this.failure;
      return {};
    }
    this.asked.push(params as CompletionRequest);
    const entry = { began: performance.now(), ended: Number.NaN, cancelled: false };
    this.log.push(entry);
    this.most = Math.max(this.most, ++this.working);
    try {
      await sleep(this.answerMs, undefined, { signal });
    } catch {
      entry.cancelled = true;
      throw new HostError('cancelled', 'Cancelled.');
    } finally {
      this.working--;
      entry.ended = performance.now();
    }
    if (this.failure) throw this.failure;
    if (this.late > 0) {
      this.late--;
      return { items: [], ms: 5, prompt: 10, reused: 0, stopped: 'budget', middle: false, eightBit: false };
    }
    const texts = [this.text, ' was late.', ' came.'].slice(0, (params as CompletionRequest).candidates ?? 1);
    const items = texts.map((text) => ({ text, tokens: 4, score: -1, stopped: 'line' }));
    return { items, ms: 5, prompt: 10, reused: 0, stopped: 'line', middle: false, eightBit: false } as CompletionAnswer;
  };
}

let model: Model;
let whyNot: WhyNot | null;
let isTraining: boolean;
let provider: CompletionProvider;
const offered = vi.fn((_candidates: readonly Offered[]) => {});
const trouble = vi.fn();
const noModel = vi.fn();

beforeEach(() => {
  reset();
  configured.set('luthier.completions.debounce', 0);
  model = new Model();
  whyNot = null;
  isTraining = false;
  const state = { now: { models: { '*': '/models/own' }, history: [], troubles: [] } } as unknown as SharedState;
  provider = new CompletionProvider({
    gate: { whyNot: async () => whyNot },
    models: new CompletionModels({ extension: '/ext', runs: { all: () => [] }, state }),
    service: model as never,
    mayStart: async () => true,
    isTraining: () => isTraining,
    onNoModel: noModel,
    onTrouble: trouble,
    onOffered: offered,
    log: silentLog,
  });
});
afterEach(() => provider.dispose());

class Token {
  isCancellationRequested = false;
  private readonly listeners: (() => void)[] = [];
  onCancellationRequested = (listener: () => void) => {
    this.listeners.push(listener);
    return { dispose() {} };
  };
  cancel(): void {
    this.isCancellationRequested = true;
    for (const listener of this.listeners) listener();
  }
}

const documentOf = (text: string, language = 'markdown', path = '/w/a.md') =>
  new Document(Uri.file(path), language, text);

interface Asking {
  asked?: boolean;
  at?: number;
  token?: Token;
  selected?: { range: Range; text: string };
}
async function ask(document: Document, { asked = false, at, token = new Token(), selected }: Asking = {}) {
  const { Invoke, Automatic } = InlineCompletionTriggerKind;
  const context = { triggerKind: asked ? Invoke : Automatic, selectedCompletionInfo: selected };
  const position = document.positionAt(at ?? document.getText().length);
  const items = await provider.provideInlineCompletionItems(
    ...([document, position, context, token] as unknown as Parameters<typeof provider.provideInlineCompletionItems>),
  );
  return items as unknown as { insertText: string; range: Range; command: { arguments: [number] } }[] | undefined;
}

/** A key, as VS Code tells of it: the document changes, and then the cursor. */
function type(document: Document, text: string): void {
  document.setText(document.getText() + text);
  provider.documentChanged(document as never);
  const active = document.positionAt(document.getText().length);
  provider.moved(document as never, [{ active, isEmpty: true }] as never);
}

/** A document in which VS Code has asked after the last key. */
async function followed(text: string): Promise<Document> {
  const document = documentOf(text);
  type(document, ' ');
  await ask(document);
  return document;
}

it('the text around the cursor is asked about, and the answer stands at the cursor with the command that tells of it', async () => {
  const document = documentOf('# Notes\nThe parcel\n\nBye');
  const items = await ask(document, { at: 18 });
  expect(model.asked[0]).toMatchObject({
    model: '/models/own',
    language: 'markdown',
    before: '# Notes\nThe parcel',
    after: '\n\nBye',
    maxTokens: 24,
    path: '/w/a.md',
  });
  expect(items).toHaveLength(1);
  expect(items![0]).toMatchObject({ insertText: ' is in the van.', range: { start: { line: 1, character: 10 } } });
  expect(items![0]!.command).toMatchObject({ command: 'luthier.completionAccepted' });
  expect(offered).toHaveBeenCalledWith([
    expect.objectContaining({ id: items![0]!.command.arguments[0], offset: 18, text: ' is in the van.' }),
  ]);
});

it('who asks for suggestions gets several, in the middle of a line too, also while it is snoozed', async () => {
  whyNot = { kind: 'snoozed', short: '', text: '' };
  const document = documentOf('The parcel again');
  expect(await ask(document, { at: 10 })).toBeUndefined();
  const items = await ask(document, { at: 10, asked: true });
  expect(items!.map(({ insertText }) => insertText)).toEqual([' is in the van.', ' was late.', ' came.']);
  expect(model.asked).toHaveLength(1);
});

it('nothing suggests itself in the middle of a line, but before brackets and full stops', async () => {
  expect(await ask(documentOf('The parcel again'), { at: 10 })).toBeUndefined();
  expect(await ask(documentOf('The parcel").'), { at: 10 })).toHaveLength(1);
  expect(await ask(documentOf('包裹在）。'), { at: 3 })).toHaveLength(1);
});

it('where the gate says no, nothing is asked; without a model a person may be', async () => {
  whyNot = { kind: 'secret', short: '', text: '' };
  expect(await ask(documentOf('KEY='), { asked: true })).toBeUndefined();
  whyNot = { kind: 'no-model', short: '', text: '' };
  await ask(documentOf('The parcel'));
  expect(model.asked).toEqual([]);
  expect(model.prepared).toBe(0);
  expect(noModel).toHaveBeenCalledExactlyOnceWith('markdown');
});

it('line ends of the document are those of what is put in, and the model sees its own', async () => {
  model.text = ' one\nand two';
  const document = documentOf('# A\r\nThe parcel');
  const items = await ask(document);
  expect(model.asked[0]!.before).toBe('# A\nThe parcel');
  expect(items![0]!.insertText).toBe(' one\r\nand two');
});

it('beside the list of suggestions its selected entry is gone on from, with its own range', async () => {
  model.text = '(parcel);';
  const document = documentOf('  con', 'typescript');
  const range = new Range(new Position(0, 2), new Position(0, 5));
  const items = await ask(document, { selected: { range, text: 'console.log' } });
  expect(model.asked[0]!.before).toBe('  console.log');
  expect(items![0]).toMatchObject({ insertText: 'console.log(parcel);', range });
  expect(offered).toHaveBeenCalledWith([expect.objectContaining({ text: '(parcel);', isLed: true })]);
});

it('who types on along a suggestion sees its rest, without a further question', async () => {
  await ask(documentOf('The parcel'));
  const items = await ask(documentOf('The parcel is'));
  expect(items!.map(({ insertText }) => insertText)).toEqual([' in the van.']);
  await ask(documentOf('The parcel'));
  expect(model.asked).toHaveLength(1);
  provider.forget();
  await ask(documentOf('The parcel'));
  expect(model.asked).toHaveLength(2);
});

it('a newer request calls the older off, and an older one’s answer is none', async () => {
  model.answerMs = 60_000;
  const first = ask(documentOf('The parcel'));
  await vi.waitFor(() => expect(model.asked).toHaveLength(1));
  model.answerMs = 5;
  const second = ask(documentOf('The letter'));
  expect(await first).toBeUndefined();
  expect(await second).toHaveLength(1);
  expect(model.log.map(({ cancelled }) => cancelled)).toEqual([true, false]);
  expect(model.most).toBe(1);
});

it('the model begins with the key, and VS Code’s question joins it', async () => {
  const document = documentOf('The parcel');
  // Whether VS Code asks here is not known yet.
  type(document, 's');
  await sleep(10);
  expect(model.asked).toEqual([]);
  await ask(document);
  expect(model.asked).toHaveLength(1);

  model.answerMs = 50;
  type(document, ' a');
  await vi.waitFor(() => expect(model.asked).toHaveLength(2));
  expect(offered).toHaveBeenCalledTimes(1);
  expect(await ask(document)).toHaveLength(1);
  expect(offered).toHaveBeenCalledTimes(2);
  // It may have been answered by then.
  model.answerMs = 1;
  type(document, 'n');
  await sleep(30);
  expect(await ask(document)).toHaveLength(1);
  expect(model.asked.map(({ before }) => before)).toEqual(['The parcels', 'The parcels a', 'The parcels an']);
});

it('what was begun is called off by the next key, by VS Code, and where something else is asked', async () => {
  const document = await followed('The parcel');
  model.answerMs = 60_000;
  type(document, 'a');
  await vi.waitFor(() => expect(model.asked).toHaveLength(2));
  type(document, 'n');
  await vi.waitFor(() => expect(model.asked).toHaveLength(3));
  const token = new Token();
  const joined = ask(document, { token });
  token.cancel();
  expect(await joined).toBeUndefined();
  type(document, 'd');
  await vi.waitFor(() => expect(model.asked).toHaveLength(4));
  model.answerMs = 1;
  expect(await ask(document, { asked: true })).toHaveLength(3);
  expect(model.log.map(({ cancelled }) => cancelled)).toEqual([false, true, true, true, false]);
  expect(model.most).toBe(1);
});

it('nothing is begun where VS Code does not ask, asks beside its list, or a run trains; once it asks again it is', async () => {
  const document = await followed('The parcel');
  type(document, 'a');
  await vi.waitFor(() => expect(model.asked).toHaveLength(2));
  await sleep(300);
  type(document, 'b');
  await sleep(10);
  expect(model.asked).toHaveLength(2);
  await ask(document);
  expect(model.asked).toHaveLength(3);

  const end = document.positionAt(document.getText().length);
  await ask(document, { selected: { range: new Range(end, end), text: 'c' } });
  expect(model.asked).toHaveLength(4);
  type(document, 'd');
  await sleep(10);
  expect(model.asked).toHaveLength(4);
  await ask(document);
  type(document, 'e');
  await vi.waitFor(() => expect(model.asked).toHaveLength(6));

  await ask(document);
  isTraining = true;
  type(document, 'f');
  // The cursor alone is no key, nor is a selection.
  provider.moved(document as never, [{ active: end, isEmpty: true }] as never);
  document.setText('The parcels');
  provider.documentChanged(document as never);
  provider.moved(document as never, [{ active: end, isEmpty: false }] as never);
  await sleep(10);
  expect(model.asked).toHaveLength(6);
});

it('the debounce counts from the key, whoever asks', async () => {
  configured.set('luthier.completions.debounce', 80);
  const document = documentOf('The parcel');
  type(document, ' a');
  const key = performance.now();
  await sleep(40);
  await ask(document);
  expect(model.log[0]!.began - key).toBeGreaterThan(70);
  type(document, 'n');
  const next = performance.now();
  await vi.waitFor(() => expect(model.log).toHaveLength(2));
  expect(model.log[1]!.began - next).toBeGreaterThan(70);
});

it('a text whose reading takes all of the time is asked about again at once, and not for ever', async () => {
  model.late = 2;
  expect(await ask(documentOf('The parcel'))).toHaveLength(1);
  expect(model.asked).toHaveLength(3);
  model.late = 100;
  expect(await ask(documentOf('The letter'))).toEqual([]);
  expect(model.asked).toHaveLength(7);
});

it('what was typed while the model was loaded is suggested by itself, also where VS Code waits no longer', async () => {
  const { executeCommand } = commands;
  const document = documentOf('The parcel');
  model.loadMs = 40;
  expect(await ask(document)).toHaveLength(1);
  expect(executeCommand).not.toHaveBeenCalled();

  const given = async (cursor: number) => {
    model.isRunning = false;
    const token = new Token();
    window.activeTextEditor = { document, selection: { active: document.positionAt(cursor) } };
    const waiting = ask(document, { token });
    await sleep(10);
    token.cancel();
    model.isRunning = true;
    expect(await waiting).toBeUndefined();
    await sleep(60);
  };
  document.setText('The letter');
  await given(3);
  expect(executeCommand).not.toHaveBeenCalled();
  await given(10);
  expect(executeCommand).toHaveBeenCalledExactlyOnceWith('editor.action.inlineSuggest.trigger');
  // VS Code then asks as if somebody had asked; it is a suggestion like any other.
  expect(await ask(document, { asked: true })).toHaveLength(1);
  expect(model.asked.at(-1)).toMatchObject({ before: 'The letter', maxTokens: 24 });
  expect(await ask(document, { asked: true })).toHaveLength(3);
});

it('VS Code’s cancellation is heard at once, also while a model is loaded, which goes on', async () => {
  model.loadMs = 60;
  const token = new Token();
  const first = ask(documentOf('The parcel'), { token });
  await vi.waitFor(() => expect(model.prepared).toBe(1));
  token.cancel();
  expect(await first).toBeUndefined();
  expect(model.asked).toEqual([]);
  // A request that comes while it is still being loaded waits for it.
  expect(await ask(documentOf('The parcel'))).toHaveLength(1);
  expect(model.prepared).toBe(1);
  // A service that has ended has forgotten it.
  model.isRunning = false;
  await ask(documentOf('The other parcel'));
  expect(model.prepared).toBe(2);
});

it('while a run trains less is suggested', async () => {
  isTraining = true;
  await ask(documentOf('The parcel'));
  expect(model.asked[0]).toMatchObject({ maxTokens: 8, budgetMs: 500 });
});

it('a document that is typed on in while the gate decides is left to the next request', async () => {
  const document = documentOf('The parcel');
  const asking = ask(document);
  document.setText('The parcel i');
  expect(await asking).toBeUndefined();
  expect(model.asked).toEqual([]);
});

it('a model that is not there is told of once by its code, what may pass after the third time', async () => {
  model.failure = new HostError('model-not-found', 'There is no model in /models/own.');
  expect(await ask(documentOf('a'))).toBeUndefined();
  expect(trouble).toHaveBeenCalledExactlyOnceWith({
    language: 'markdown',
    model: '/models/own',
    message: 'own no longer completes markdown: There is no model in /models/own.',
  });
  model.failure = new HostError('engine-stopped', 'The engine stopped.');
  for (let i = 0; i < 3; i++) await ask(documentOf(`b${i}`));
  expect(trouble).toHaveBeenCalledTimes(2);
});

it('a model that is too slow is told of, by what it took and by what was given up after as long', async () => {
  configured.set('luthier.completions.slowMilliseconds', 1);
  for (let i = 0; i < JUDGED - 1; i++) await ask(documentOf(`text ${i}`));
  expect(trouble).not.toHaveBeenCalled();
  model.answerMs = 1000;
  const token = new Token();
  const last = ask(documentOf('the last'), { token });
  await vi.waitFor(() => expect(model.asked).toHaveLength(JUDGED));
  await sleep(5);
  token.cancel();
  await last;
  expect(trouble).toHaveBeenCalledTimes(1);
  expect(trouble.mock.calls[0]![0].message).toMatch(/^own no longer completes markdown: half of its last 20/);
});

it('of a large file, and of a line of 100,000 characters, a window is read', async () => {
  const line = 'The parcel is in the van. '.repeat(4000);
  const document = documentOf(`${'A line of a large file.\n'.repeat(420_000)}${line}`);
  const read = vi.spyOn(document, 'lineAt');
  const end = new Position(document.lineCount - 1, line.length);
  vi.spyOn(document, 'positionAt').mockReturnValue(end);
  await ask(document);
  expect(model.asked[0]!.before.length).toBeLessThanOrEqual(8000);
  expect(model.asked[0]!.before.endsWith('van. ')).toBe(true);
  expect(read.mock.calls.length).toBeLessThan(1000);
});

/** Keys as a person pressed them (field/next/N17): five quick ones, a pause, one more. */
const keys = {
  document: 'The parcel ',
  keystrokes_ms: [0, 60, 120, 180, 240, 900, 2000],
  typed: ['i', 's', ' ', 'i', 'n', ' ', 't'],
};
const shared = join(import.meta.dirname, '../../../../shared/field/next/N17-inline-completion/keys.json');

const fields = existsSync(shared) ? [JSON.parse(readFileSync(shared, 'utf8')) as typeof keys] : [];

it.each([keys, ...fields])(
  'keys in a row: one request at a time, none of the quick ones is answered, that after the pause is',
  async (play) => {
    configured.set('luthier.completions.debounce', 40);
    model.loadMs = 100;
    model.text = 'n the van';
    const answers: Promise<unknown[] | undefined>[] = [];
    let text = play.document;
    let token = new Token();
    const began = performance.now();
    for (const [i, key] of play.typed.entries()) {
      await sleep(Math.max(0, play.keystrokes_ms[i]! - (performance.now() - began)));
      token.cancel();
      token = new Token();
      text += key;
      // Those of the quick keys would take longer than the pause between them.
      model.answerMs = i < 5 ? 60_000 : 5;
      answers.push(ask(documentOf(text), { token }));
    }
    const items = await Promise.all(answers);
    expect(model.most).toBe(1);
    expect(model.prepared).toBe(1);
    expect(items.slice(0, 5)).toEqual(Array(5).fill(undefined));
    expect(items.at(-1)).toHaveLength(1);
    // Whoever was called off had ended by then.
    for (const [i, { ended }] of model.log.entries())
      if (model.log[i + 1]) expect(ended).toBeLessThanOrEqual(model.log[i + 1]!.began);
  },
);
