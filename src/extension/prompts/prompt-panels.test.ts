import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as vscode from 'vscode';
import type { PromptPageMessage } from '../../protocol/prompt-page.ts';
import type { ServiceRequestOptions } from '../engine/service.ts';
import { Cancelled } from '../errors.ts';
import { Emitter } from '../events.ts';
import { Page } from '../testing/page.ts';
import * as editor from '../testing/vscode.ts';
import { EndpointKeys } from './endpoint-keys.ts';
import { TemplateModels } from './models.ts';
import { PromptPanels } from './prompt-panels.ts';

const TEMPLATE = `---
model:
  options:
    maxOutputTokens: 16
inputs:
  - name: ticket
    kind: string
sample:
  ticket: Where is my parcel?
---
system:
Be brief.
user:
{{ticket}}
`;

let folder: string;
let page: Page;
let panels: PromptPanels;
let text: string;
let memento: ReturnType<typeof editor.memento>;
let secrets: Map<string, string>;
let logged: string[];
const request = vi.fn();
const runsChanged = new Emitter<void>();

beforeEach(() => {
  editor.reset();
  request.mockReset();
  folder = mkdtempSync(join(tmpdir(), 'luthier prompts-'));
  writeFileSync(join(folder, 'config.json'), '{}');
  text = TEMPLATE;
  memento = editor.memento();
  secrets = new Map();
  logged = [];
  const versions: string[] = [];
  const versionOf = () => versions.indexOf(text) + 1 || versions.push(text);
  editor.workspace.openTextDocument.mockImplementation((async (uri: editor.Uri) => ({
    ...{ uri, languageId: 'prompty', version: versionOf(), lineCount: 20, getText: () => text },
    positionAt: (offset: number) => ({ line: text.slice(0, offset).split('\n').length - 1, character: 0 }),
  })) as never);
  const runs = { all: () => [], get: () => undefined, find: () => undefined, changed: runsChanged };
  const extension = editor.Uri.file(folder);
  const log = (line: unknown) => logged.push(String(line));
  panels = new PromptPanels({
    ...{ extension, service: { request }, runs, memento },
    log: { info: log, warn: log, error: log, debug: log },
    models: new TemplateModels({ extension, runs, memento } as never),
    keys: new EndpointKeys({
      get: async (name: string) => secrets.get(name),
      store: async (name: string, key: string) => void secrets.set(name, key),
      delete: async (name: string) => void secrets.delete(name),
    } as unknown as vscode.SecretStorage),
  } as never);
  request.mockImplementation(async (method: string) => (method === 'prompt/render' ? rendered : answered));
});
afterEach(() => {
  page.close();
  rmSync(folder, { recursive: true });
});

const rendered = {
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Where is my parcel?' },
  ],
  ...{ prompt: 'x', tokens: 9, values: {}, row: null, warnings: [{ message: 'tone is empty', line: 3, range: null }] },
};
const answered = { answer: 'Soon.', tokens: 2, ms: 7, finish_reason: 'end', notes: ['n'], warnings: [] };
const template = () => editor.Uri.file(join(folder, 'reply.prompty')).toString();

async function open(mode: 'try' | 'compare' = 'try') {
  page = new Page();
  const state = { template: template(), mode };
  await panels.deserializeWebviewPanel(page as unknown as vscode.WebviewPanel, state);
  page.received.fire({ type: 'ready' });
  return (await said('snapshot')).at(-1)!;
}
async function said<T extends PromptPageMessage['type']>(type: T): Promise<Extract<PromptPageMessage, { type: T }>[]> {
  return await vi.waitFor(() => {
    const found = (page.posted as PromptPageMessage[]).filter((message) => message.type === type);
    expect(found.length).toBeGreaterThan(0);
    return found as Extract<PromptPageMessage, { type: T }>[];
  });
}
const rows = [{ id: 'tried', title: '', values: { ticket: 'Hi' } }];
const asked = (method: string) => request.mock.calls.filter(([name]) => name === method).map(([, params]) => params);

test('the page learns of inputs, sample and the model that is offered, and why', async () => {
  expect(await open()).toMatchObject({
    ...{ mode: 'try', name: 'reply.prompty', blocked: null, problems: [], options: 'At most 16 tokens' },
    variables: [{ name: 'ticket', kind: 'string', description: null }],
    sample: { ticket: 'Where is my parcel?' },
    columns: [{ name: 'starters/decoder', problem: 'This model is no longer there.' }],
    offered: 'The template names no model, so the starter that writes is offered.',
  });
});

test('what is changed in the editor is there at once; errors are said with their line', async () => {
  await open();
  text = TEMPLATE.replace('kind: string', 'kind: sting');
  editor.changes.document.fire({ document: { uri: editor.Uri.parse(template()) } });
  await vi.waitFor(async () => expect((await said('snapshot')).at(-1)!.problems[0]).toMatch(/^Line 7: .*sting/));
});

test('a template whose body alone is changed is rendered anew; what a run does is not told where nothing is new', async () => {
  await open();
  runsChanged.fire();
  text = TEMPLATE.replace('Be brief.', 'Be kind.');
  editor.changes.document.fire({ document: { uri: editor.Uri.parse(template()) } });
  await vi.waitFor(async () => expect(await said('snapshot')).toHaveLength(2));
  runsChanged.fire();
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(await said('snapshot')).toHaveLength(2);
});

test('the prompt is rendered in the engine from the text as it is in the editor', async () => {
  await open();
  page.received.fire({ type: 'render', id: 4, values: { ticket: 'Hi' } });
  expect((await said('rendered'))[0]).toMatchObject({ id: 4, tokens: 9, warnings: ['Line 3: tone is empty'] });
  expect(asked('prompt/render')[0]).toMatchObject({
    ...{ text: TEMPLATE, path: join(folder, 'reply.prompty'), values: { ticket: 'Hi' }, undefined_is: 'warning' },
    // The page shows all values: an emptied field has none of the sample.
    cells: {},
  });
  request.mockRejectedValueOnce(new Error('too deep'));
  page.received.fire({ type: 'render', id: 5, values: {} });
  expect((await said('notRendered'))[0]).toMatchObject({ id: 5, error: { message: 'too deep' } });
});

test('a field that shows a reference of the sample has what it refers to', async () => {
  text = '---\nsample: { ticket: "${file:mail.txt}", tone: kind }\n---\nuser:\n{{ ticket }} {{ tone }}';
  await open();
  page.received.fire({ type: 'render', id: 1, values: { ticket: '${file:mail.txt}', tone: 'kind' } });
  await said('rendered');
  expect(asked('prompt/render')[0]).toMatchObject({ values: { tone: 'kind' } });
  expect(asked('prompt/render')[0].values).not.toHaveProperty('ticket');
  expect(asked('prompt/render')[0]).not.toHaveProperty('cells');
});

test('an answer streams, and Stop ends it at once', async () => {
  const { columns } = await open();
  const id = columns[0]!.id;
  request.mockImplementation(async (_method: string, _params: object, options: ServiceRequestOptions) => {
    options.onPart!({ type: 'text', text: 'So', tokens: 1 });
    return answered;
  });
  page.received.fire({ type: 'run', id: 1, rows, columns: [id] });
  expect((await said('answer'))[0]).toMatchObject({ id: 1, row: 'tried', column: id, text: 'Soon.', tokens: 2, ms: 7 });
  expect((await said('part'))[0]).toMatchObject({ text: 'So' });
  expect((await said('ended'))[0]).toMatchObject({ id: 1, cancelled: false });
  request.mockImplementation(
    (_method: string, _params: object, { signal }: ServiceRequestOptions) =>
      new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new Cancelled()))),
  );
  page.received.fire({ type: 'run', id: 2, rows, columns: [id] });
  await vi.waitFor(() => expect(asked('prompt/run')).toHaveLength(2));
  page.received.fire({ type: 'cancel' });
  await vi.waitFor(async () => expect((await said('ended')).at(-1)).toMatchObject({ id: 2, cancelled: true }));
});

test('an answer that fails leaves the others to be answered, and says what leads on', async () => {
  await open('compare');
  const model = { kind: 'folder', path: folder, name: 'mine' };
  await memento.update('luthier.templateColumns', {
    [template()]: [
      { model: { kind: 'run', folder: '/gone', name: 'gone' }, version: null },
      { model, version: null },
    ],
  });
  page.received.fire({ type: 'ready' });
  const { columns } = await vi.waitFor(async () => {
    const last = (await said('snapshot')).at(-1)!;
    expect(last.columns).toHaveLength(2);
    return last;
  });
  expect(columns.map(({ name, problem }) => [name, problem])).toEqual([
    ['gone', 'This run is no longer there.'],
    ['mine', null],
  ]);
  page.received.fire({ type: 'run', id: 3, rows, columns: columns.map(({ id }) => id) });
  expect((await said('cellFailed'))[0]).toMatchObject({
    error: { message: 'The run gone is no longer there.' },
    ways: [{ way: 'chooseTemplateModel', label: 'Choose Model', of: 0 }],
  });
  expect((await said('answer'))[0]).toMatchObject({ column: columns[1]!.id, text: 'Soon.' });
  expect(asked('prompt/run')).toMatchObject([{ model: folder }]);
});

test('in an untrusted workspace nothing is rendered, run, kept or sent, and the page says so', async () => {
  editor.workspace.isTrusted = false;
  expect((await open()).blocked).toMatch(/not trusted/);
  const [column] = (await said('snapshot'))[0]!.columns;
  page.received.fire({ type: 'render', id: 1, values: {} });
  await said('notRendered');
  page.received.fire({ type: 'run', id: 2, rows, columns: [column!.id] });
  page.received.fire({ type: 'keep', values: {}, answer: 'x' });
  page.received.fire({ type: 'pickRows' });
  await vi.waitFor(async () => expect(await said('failed')).toHaveLength(3));
  expect(request).not.toHaveBeenCalled();
});

test('what keeps prompts from being sent comes with the button that mends it', async () => {
  const ref = { model: { kind: 'endpoint', url: 'ftp://far.example', model: 'small' }, version: null };
  await memento.update('luthier.templateModels', { [template()]: ref.model });
  const { columns } = await open();
  request.mockResolvedValue(rendered);
  page.received.fire({ type: 'run', id: 1, rows, columns: [columns[0]!.id] });
  expect((await said('failed'))[0]).toMatchObject({
    ...{ request: 'run', error: { message: 'The endpoint’s address is not one of http or https.' } },
    ways: [{ way: 'openSettings', label: 'Open Settings', of: 0 }],
  });
  // Its button leads on from it, whatever failed since.
  page.received.fire({ type: 'undoKeep' });
  await vi.waitFor(async () => expect(await said('failed')).toHaveLength(2));
  page.received.fire({ type: 'follow', way: 'openSettings', of: 0 });
  await vi.waitFor(() =>
    expect(editor.commands.executeCommand).toHaveBeenCalledWith(
      'workbench.action.openSettings',
      'luthier.prompts.endpoint.url',
    ),
  );
});

test('votes outlive the page, and are cleared once a person has said so', async () => {
  await open('compare');
  expect((await said('votes')).at(-1)!.votes).toEqual([]);
  const { subject } = (await said('snapshot')).at(-1)!;
  const votes = [
    { row: 'sample', subject, on: 'ab12', choice: 'x' },
    { row: 'r2', subject: 'then', on: 'cd34', choice: '' },
  ];
  page.received.fire({ type: 'vote', votes });
  await vi.waitFor(() => expect(memento.get('luthier.templateVotes')).toEqual({ [template()]: votes }));
  page.close();
  await open('compare');
  expect((await said('votes')).at(-1)!.votes).toEqual(votes);
  page.received.fire({ type: 'clearVotes' });
  await vi.waitFor(() => expect(editor.window.showWarningMessage).toHaveBeenCalledOnce());
  expect(editor.window.showWarningMessage.mock.calls[0]![0]).toBe('Clear 2 votes on reply.prompty?');
  expect(memento.get('luthier.templateVotes')).toEqual({ [template()]: votes });
  editor.window.showWarningMessage.mockResolvedValueOnce('Clear Votes');
  page.received.fire({ type: 'clearVotes' });
  await vi.waitFor(async () => expect((await said('votes')).at(-1)!.votes).toEqual([]));
  expect(memento.get('luthier.templateVotes')).toEqual({});
});

test('votes are about these models with this text of the template, in whatever order they stand', async () => {
  const columns = ['one', 'two'].map((name) => ({ model: { kind: 'folder', path: folder, name }, version: null }));
  const subjectOf = async (refs: object[]) => {
    await memento.update('luthier.templateColumns', { [template()]: refs });
    const { subject } = await open('compare');
    page.close();
    return subject;
  };
  const first = await subjectOf(columns);
  expect(await subjectOf([...columns].reverse())).toBe(first);
  expect(await subjectOf(columns.slice(1))).not.toBe(first);
  text = TEMPLATE.replace('Be brief.', 'Be kind.');
  expect(await subjectOf(columns)).not.toBe(first);
  text = TEMPLATE;
  expect(await subjectOf(columns)).toBe(first);
});

test('a result is kept as an expected example beside the template, and taken out again', async () => {
  await open();
  const file = join(folder, 'reply.examples.jsonl');
  writeFileSync(file, '{"inputs":{},"answer":"first"}');
  page.received.fire({ type: 'keep', values: { ticket: 'Hi' }, answer: 'Soon.' });
  expect((await said('kept'))[0]).toEqual({ type: 'kept', file: 'reply.examples.jsonl', line: 2 });
  expect(readFileSync(file, 'utf8')).toBe(
    '{"inputs":{},"answer":"first"}\n{"inputs":{"ticket":"Hi"},"answer":"Soon."}\n',
  );
  page.received.fire({ type: 'undoKeep' });
  await said('unkept');
  expect(readFileSync(file, 'utf8')).toBe('{"inputs":{},"answer":"first"}');
  page.received.fire({ type: 'keep', values: {}, answer: 'again' });
  await vi.waitFor(async () => expect(await said('kept')).toHaveLength(2));
  writeFileSync(file, 'mine');
  page.received.fire({ type: 'undoKeep' });
  expect((await said('failed'))[0]!.error.message).toContain('has changed since');
  expect(readFileSync(file, 'utf8')).toBe('mine');
});

test('rows of a dataset are picked by their values', async () => {
  await open('compare');
  const values = (ticket: string) => ({ ticket, label: 'shipping' });
  request.mockResolvedValue({
    columns: ['ticket', 'label'],
    total: 2,
    rows: [
      { row: 1, values: values('Where?') },
      { row: 2, values: values('When?') },
    ],
  });
  editor.window.showOpenDialog.mockResolvedValueOnce([editor.Uri.file('/data/tickets.csv')]);
  editor.window.showQuickPick.mockImplementationOnce(async (items) => (items as unknown[]).slice(1));
  page.received.fire({ type: 'pickRows' });
  expect((await said('rows'))[0]!.rows).toEqual([
    { id: 'tickets.csv 2', title: 'tickets.csv, row 2', values: values('When?') },
  ]);
  expect(asked('prompt/rows')[0]).toMatchObject({ text: TEMPLATE, data: '/data/tickets.csv' });
  const options = () => (editor.window.showQuickPick.mock.lastCall as unknown[])[1] as { placeHolder: string };
  expect(options().placeHolder).toBe('Type to search');
  // Rows that are not in the list are said to be missing, above it.
  request.mockResolvedValue({
    ...{ columns: ['ticket', 'label'], total: 900, left_out: 3 },
    rows: [{ row: 1, values: values('Where?') }],
  });
  editor.window.showOpenDialog.mockResolvedValueOnce([editor.Uri.file('/data/tickets.csv')]);
  page.received.fire({ type: 'pickRows' });
  await vi.waitFor(() => expect(editor.window.showQuickPick).toHaveBeenCalledTimes(2));
  expect(options().placeHolder).toBe('The first 1 of 900 rows · 3 broken rows left out (Inspect Dataset says why)');
});

test('a row of a dataset is compared as a row: the sample fills what was typed alone', async () => {
  await open('compare');
  await memento.update('luthier.templateColumns', {
    [template()]: [{ model: { kind: 'folder', path: folder, name: 'mine' }, version: null }],
  });
  page.received.fire({ type: 'ready' });
  const { columns } = await vi.waitFor(async () => {
    const last = (await said('snapshot')).at(-1)!;
    expect(last.columns).toMatchObject([{ name: 'mine' }]);
    return last;
  });
  const values = { ticket: 'Hi' };
  const both = [
    { id: 'tickets.csv 2', title: 'tickets.csv, row 2', values },
    { id: 'sample', title: 'sample', values },
  ];
  page.received.fire({ type: 'run', id: 1, rows: both, columns: columns.map(({ id }) => id) });
  await said('ended');
  expect(asked('prompt/run').map(({ cells }) => cells)).toEqual([values, undefined]);
});

test('prompts go elsewhere after a yes, the first time alone; the key is in nothing but the request', async () => {
  const KEY = 'sk-very-secret';
  const sent: { key: string | undefined; path: string; body: Record<string, unknown> }[] = [];
  const server: Server = createServer((asking, response) => {
    let body = '';
    asking.on('data', (piece) => (body += piece));
    asking.on('end', () => {
      sent.push({ key: asking.headers.authorization, path: asking.url!, body: JSON.parse(body) });
      response.writeHead(sent.length < 3 ? 200 : 401, { 'content-type': 'application/json' });
      response.end(
        sent.length < 3 ? '{"choices":[{"message":{"content":"Far."}}]}' : `{"error":{"message":"bad key ${KEY}"}}`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const ref = { model: { kind: 'endpoint', url, model: 'small' }, version: null };
    await memento.update('luthier.templateModels', { [template()]: ref.model });
    secrets.set(`luthier.endpointQuery:${url}`, `?api-version=1&code=${KEY}`);
    secrets.set(`luthier.endpointKey:${new URL(url).origin}`, KEY);
    secrets.set('luthier.endpointKey:https://elsewhere.example', 'sk-other');
    const { columns } = await open();
    expect(columns[0]).toMatchObject({ name: 'small', remote: new URL(url).host });
    const run = (id: number) => page.received.fire({ type: 'run', id, rows, columns: [columns[0]!.id] });

    editor.window.showWarningMessage.mockResolvedValueOnce(undefined);
    run(1);
    await vi.waitFor(async () => expect((await said('ended')).at(-1)).toMatchObject({ id: 1, cancelled: true }));
    expect(sent).toHaveLength(0);
    const [question, { detail }] = editor.window.showWarningMessage.mock.calls[0] as [string, { detail: string }];
    expect(question).toBe(`Send 1 prompt to ${new URL(url).host}?`);
    expect(detail).toMatch(/^1 call with about 8 tokens/);

    editor.window.showWarningMessage.mockResolvedValueOnce('Send');
    run(2);
    expect((await said('answer'))[0]).toMatchObject({ text: 'Far.', tokens: null });
    run(3);
    await vi.waitFor(async () => expect(await said('answer')).toHaveLength(2));
    expect(editor.window.showWarningMessage).toHaveBeenCalledTimes(2);
    expect(sent[0]).toMatchObject({
      key: `Bearer ${KEY}`,
      path: `/v1/chat/completions?api-version=1&code=${KEY}`,
      body: { model: 'small', messages: rendered.messages, max_tokens: 16 },
    });
    run(4);
    expect((await said('cellFailed'))[0]!.ways).toMatchObject([{ way: 'setEndpointKey', label: 'Set API Key' }]);
    const everything = JSON.stringify([page.posted, logged, request.mock.calls, memento.get('luthier.templateModels')]);
    expect(everything).not.toContain(KEY);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a program that asks the same is copied for a model of this machine, and what it lacks is said', async () => {
  await open();
  const made = { code: 'print("Hi")\n', needs_onnx: false };
  request.mockImplementation(async () => made);
  page.received.fire({ type: 'copyCode', language: 'python', values: { ticket: 'Hi' } });
  await vi.waitFor(() => expect(editor.env.clipboard.writeText).toHaveBeenLastCalledWith(made.code));
  expect(asked('prompt/code')[0]).toMatchObject({
    ...{ text: TEMPLATE, path: join(folder, 'reply.prompty'), values: { ticket: 'Hi' }, language: 'python' },
    ...{ model: join(folder, 'starters/decoder'), model_name: 'starters/decoder' },
  });
  await vi.waitFor(() =>
    expect(editor.window.showInformationMessage).toHaveBeenLastCalledWith(
      'Copied as Python, for transformers and starters/decoder.',
    ),
  );
  made.needs_onnx = true;
  const document = await editor.workspace.openTextDocument(editor.Uri.parse(template()) as never);
  await panels.copyCode(document as never, 'javascript');
  // With the sample, as the template has it.
  expect(asked('prompt/code')[1]).toMatchObject({ language: 'javascript' });
  expect(asked('prompt/code')[1]).not.toHaveProperty('values');
  expect(editor.window.showWarningMessage.mock.calls.at(-1)![0]).toMatch(/ONNX format, which its folder does not have/);
});

test('no program asks a model elsewhere', async () => {
  const model = { kind: 'endpoint', url: 'http://localhost:1/v1', model: 'm' } as const;
  await memento.update('luthier.templateModels', { [template()]: model });
  await open();
  page.received.fire({ type: 'copyCode', language: 'python', values: {} });
  const [failed] = await said('failed');
  expect(failed).toMatchObject({
    error: { message: 'm answers elsewhere.' },
    ways: [{ way: 'chooseTemplateModel', label: 'Choose Model' }],
  });
  expect(asked('prompt/code')).toEqual([]);
});
