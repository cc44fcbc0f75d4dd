import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as vscode from 'vscode';
import type { DatasetMessage } from '../../protocol/index.ts';
import type { Dataset } from '../datasets/dataset.ts';
import { Cancelled } from '../errors.ts';
import { Page } from '../testing/page.ts';
import * as editor from '../testing/vscode.ts';
import { type InspectionOptions, Inspections } from './inspection.ts';

const log = { info() {}, warn() {}, error() {}, debug() {} };
const summary = { task: 'conversational', guess: { messages: 'messages' } };

let folder: string;
let request: ReturnType<typeof vi.fn>;
let askModel: ReturnType<typeof vi.fn>;
let inspect: ReturnType<typeof vi.fn>;
let page: Page;

beforeEach(async () => {
  editor.reset();
  folder = mkdtempSync(join(tmpdir(), 'luthier inspection ü-'));
  const path = join(folder, 'chat.jsonl');
  writeFileSync(path, '{"messages":[]}\n');
  request = vi.fn(async () => ({ rows: [] }));
  inspect = vi.fn(async () => summary);
  askModel = vi.fn(async () => 'owner/model');
  const dataset = { kind: 'found', path, name: 'chat.jsonl', record: null, summary: null } as Dataset;
  const inspections = new Inspections({
    extension: editor.Uri.file('/extension'),
    datasets: { list: async () => [dataset], inspect },
    service: { request },
    log,
    askModel,
  } as unknown as InspectionOptions);
  page = new Page();
  const state = { version: 1, path, view: { search: '', label: null, offset: 0 } };
  await inspections.deserializeWebviewPanel(page as unknown as vscode.WebviewPanel, state);
  page.received.fire({ type: 'ready' });
  await said('snapshot');
});
afterEach(() => rmSync(folder, { recursive: true }));

const said = <T extends DatasetMessage['type']>(type: T, nth = 1) =>
  vi.waitFor(() => {
    const found = (page.posted as DatasetMessage[]).filter((message) => message.type === type);
    expect(found.length).toBeGreaterThanOrEqual(nth);
    return found[nth - 1] as Extract<DatasetMessage, { type: T }>;
  });

test('what is learnt is shown as the starter sees it, and as another model that is picked', async () => {
  page.received.fire({ type: 'preview', choose: false });
  expect(await said('preview')).toEqual({ type: 'preview', preview: { rows: [] }, problem: null });
  const asked = {
    ...{ data: join(folder, 'chat.jsonl'), base: folder },
    ...{ task: 'conversational', columns: { messages: 'messages' } },
  };
  expect(request).toHaveBeenLastCalledWith('data/preview', asked, expect.anything());
  page.received.fire({ type: 'preview', choose: true });
  await said('preview', 2);
  expect(askModel).toHaveBeenLastCalledWith('conversational', undefined);
  expect(request).toHaveBeenLastCalledWith('data/preview', { ...asked, model: 'owner/model' }, expect.anything());
  // The model stays when the page asks again, and when no other is picked.
  askModel.mockRejectedValueOnce(new Cancelled());
  page.received.fire({ type: 'preview', choose: true });
  page.received.fire({ type: 'preview', choose: false });
  await said('preview', 3);
  expect(request).toHaveBeenCalledTimes(3);
  expect(request).toHaveBeenLastCalledWith('data/preview', { ...asked, model: 'owner/model' }, expect.anything());
});

test('why it cannot be shown stands in its place', async () => {
  request.mockRejectedValueOnce(new Error('No such model.'));
  page.received.fire({ type: 'preview', choose: false });
  const { preview, problem } = await said('preview');
  expect(preview).toBeNull();
  expect(problem).toContain('No such model.');
});

test('rows are read as the person says, and as they look again', async () => {
  const other = { problem_type: 'multi_label_classification', label_separator: '|' } as const;
  page.received.fire({ type: 'readAs', other });
  expect(await said('snapshot', 2)).toMatchObject({ otherwise: true });
  expect(inspect).toHaveBeenLastCalledWith(expect.anything(), { other });
  const rows = { type: 'rows', id: 1, offset: 0, limit: 100, search: '', label: null } as const;
  page.received.fire(rows);
  await vi.waitFor(() =>
    expect(request).toHaveBeenLastCalledWith(
      'data/rows',
      expect.objectContaining({ label_separator: '|' }),
      expect.anything(),
    ),
  );
  page.received.fire({ type: 'readAs', other: null });
  expect(await said('snapshot', 3)).toMatchObject({ otherwise: false });
  page.received.fire({ ...rows, id: 2 });
  await said('rows', 2);
  expect(request.mock.lastCall![1]).not.toHaveProperty('label_separator');
});
