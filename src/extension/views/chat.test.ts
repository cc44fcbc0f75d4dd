import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as vscode from 'vscode';
import { type ChatPageMessage, parseChatPageMessage } from '../../protocol/chat-page.ts';
import type { ServiceRequestOptions } from '../engine/service.ts';
import { Cancelled } from '../errors.ts';
import { Emitter } from '../events.ts';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import { Page } from '../testing/page.ts';
import * as editor from '../testing/vscode.ts';
import { Chats } from './chat.ts';
import type { TryoutOptions } from './tryout.ts';

let folder: string;
let page: Page;
let chats: Chats;
let run: Run;
const request = vi.fn();

beforeEach(async () => {
  editor.reset();
  request.mockReset();
  folder = mkdtempSync(join(tmpdir(), 'luthier chat-'));
  mkdirSync(join(folder, 'base'));
  writeFileSync(join(folder, 'base/config.json'), '{"architectures":["LlamaForCausalLM"]}');
  run = {
    folder: join(folder, '.luthier/runs/one'),
    home: join(folder, '.luthier'),
    state: 'done',
    record: recordOf({
      id: 'one',
      name: 'one',
      state: 'done',
      model: 'model',
      recipe: { model: 'base', task: 'conversational' } as never,
    }),
  } as Run;
  chats = new Chats({
    extension: editor.Uri.file('/extension'),
    store: { get: () => run, changed: new Emitter() },
    service: { request, isRunning: true },
    log: { info() {}, warn() {}, error() {}, debug() {} },
    find: async () => [run],
  } as unknown as TryoutOptions);
  page = new Page();
  await chats.deserializeWebviewPanel(page as unknown as vscode.WebviewPanel, { run: 'one' });
  page.received.fire({ type: 'ready' });
  await said('snapshot');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function said<T extends ChatPageMessage['type']>(type: T): Promise<Extract<ChatPageMessage, { type: T }>[]> {
  return await vi.waitFor(() => {
    const found = (page.posted as ChatPageMessage[]).filter((message) => message.type === type);
    expect(found.length).toBeGreaterThan(0);
    return found as Extract<ChatPageMessage, { type: T }>[];
  });
}
const ask = { type: 'generate', id: 1, prompt: [{ role: 'user', content: 'Hi' }], settings: { max_new_tokens: 4 } };
const answered = {
  generated_text: 'Hello',
  token_ids: [1, 2],
  tokens_per_second: 9,
  finish_reason: 'end',
  notes: ['n'],
};

test('the page learns of the model, its base and that it answers dialogues', async () => {
  expect(await said('snapshot')).toEqual([{ type: 'snapshot', run: 'one', name: 'one', base: 'base', dialogue: true }]);
});

test('a model that learned its rows through a prompt template says what becomes of what is typed', async () => {
  const text = '---\ninputs:\n  - name: ticket\n    kind: string\n---\nuser:\n{{ ticket }}\n';
  run.record.template = { path: '/elsewhere/reply.prompty', text };
  page.posted.length = 0;
  page.received.fire({ type: 'ready' });
  const [told] = await said('snapshot');
  expect(told!.template_note).toBe(
    'This model learned its rows through reply.prompty, and is asked through the run’s copy of it. The first message is the value of “ticket”. base gets it as it is.',
  );
  expect(parseChatPageMessage(told)).toEqual({ ok: true, message: told });
});

test('text is passed on as it is written, then the answer, the base’s after the tuned model’s', async () => {
  request.mockImplementation(
    async (_method: string, { model }: { model: string }, { onPart }: ServiceRequestOptions) => {
      onPart!({ type: 'text', text: model.endsWith('base') ? 'b' : 't', tokens: 1 });
      return answered;
    },
  );
  page.received.fire({ ...ask, compare: true });
  await vi.waitFor(async () => expect(await said('answer')).toHaveLength(2));
  expect((await said('part')).map(({ writer, text }) => [writer, text])).toEqual([
    ['tuned', 't'],
    ['base', 'b'],
  ]);
  expect((await said('answer'))[0]).toEqual({
    ...{ type: 'answer', id: 1, writer: 'tuned', text: 'Hello', tokens: 2, rate: 9, reason: 'end', notes: ['n'] },
  });
  expect(request.mock.calls.map(([, { model }]) => model)).toEqual([
    join(folder, '.luthier/runs/one/model'),
    join(folder, 'base'),
  ]);
});

test('Stop ends the answer, and the base is not asked any more', async () => {
  request.mockImplementation(
    (_method: string, _params: object, { signal }: ServiceRequestOptions) =>
      new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new Cancelled()))),
  );
  page.received.fire({ ...ask, compare: true });
  await vi.waitFor(() => expect(request).toHaveBeenCalled());
  page.received.fire({ type: 'cancel' });
  expect(await said('cancelled')).toEqual([{ type: 'cancelled', id: 1 }]);
  expect(request).toHaveBeenCalledTimes(1);
});

test('what fails is said in the page', async () => {
  request.mockRejectedValue(new Error('no'));
  page.received.fire({ ...ask, compare: false });
  expect((await said('failed'))[0]).toMatchObject({ request: 'generate', id: 1 });
});

test('a base model that writes is talked to as it is', async () => {
  page = new Page();
  const known = { name: 'starters/decoder', answers: 'conversational', problem: null, mask: null };
  request.mockImplementation(async (method: string) => (method === 'models/describe' ? known : answered));
  const id = '{"path":"/starters/decoder","name":"starters/decoder"}';
  await chats.deserializeWebviewPanel(page as unknown as vscode.WebviewPanel, { run: id });
  page.received.fire({ type: 'ready' });
  expect(await said('snapshot')).toEqual([
    { type: 'snapshot', run: id, name: 'starters/decoder', base: null, dialogue: true },
  ]);
  page.received.fire({ ...ask, compare: true });
  expect(await said('answer')).toHaveLength(1);
  expect(request).toHaveBeenLastCalledWith(
    'generate',
    { model: '/starters/decoder', prompt: ask.prompt, settings: ask.settings },
    expect.anything(),
  );
});
