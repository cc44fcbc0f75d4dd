import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { checkPrompt } from '../../prompts/check.ts';
import { parsePrompt } from '../../prompts/parse.ts';
import type { Luthier } from '../context.ts';
import type { Dataset } from '../datasets/dataset.ts';
import { Cancelled, HostError } from '../errors.ts';
import { silentLog } from '../log.ts';
import * as editor from '../testing/vscode.ts';
import { newPromptTemplate, openPromptingGuide } from './new-prompt.ts';

const { shown } = editor;
let folder: string;
let luthier: Luthier;
let inspect: ReturnType<typeof vi.fn>;
const column = (name: string, ...examples: string[]) => ({ name, examples, distinct: 1, empty: 0, mean_length: 1 });
const tickets = {
  columns: [column('message', 'Where: is "it" {{ now }}?'), column('kind of ticket', 'billing')],
  guess: { text: 'message', label: 'kind of ticket' },
  classes: [{ label: 'billing' }, { label: 'yes' }],
  task: 'text-classification',
};

beforeEach(() => {
  editor.reset();
  folder = mkdtempSync(join(tmpdir(), 'luthier new ü-'));
  writeFileSync(join(folder, 'tickets.csv'), 'a');
  editor.workspace.workspaceFolders = [{ uri: editor.Uri.file(folder), name: 'mine', index: 0 }];
  const dataset = {
    kind: 'found',
    path: join(folder, 'tickets.csv'),
    name: 'tickets.csv',
    record: null,
    summary: null,
  } as Dataset;
  inspect = vi.fn(async () => tickets);
  luthier = {
    extension: { extensionUri: editor.Uri.file('/extension') },
    log: silentLog,
    datasets: { list: async () => [dataset], inspect },
    achieved: vi.fn(),
  } as unknown as Luthier;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function question(text: string): Promise<editor.QuickPick> {
  return await vi.waitFor(() => {
    expect(`${shown.picker?.placeholder}`).toContain(text);
    return shown.picker!;
  });
}
const saveAs = (name: string | undefined) =>
  editor.window.showSaveDialog.mockResolvedValueOnce(
    name === undefined ? undefined : editor.Uri.file(join(folder, name)),
  );
const problemsIn = (text: string) => {
  const file = parsePrompt(text);
  return [...file.problems, ...checkPrompt(text, file).problems].map(({ message }) => message);
};

test('column and labels of a dataset are filled in, and the file is opened', async () => {
  saveAs('mine.prompty');
  const done = newPromptTemplate(luthier);
  (await question('What should the prompt do?')).accept('Classify a text');
  (await question('Which rows')).accept('tickets.csv');
  await done;
  const text = readFileSync(join(folder, 'mine.prompty'), 'utf8');
  expect(problemsIn(text)).toEqual([]);
  const file = parsePrompt(text);
  expect(file).toMatchObject({
    name: 'Classify a text',
    dataset: 'tickets.csv',
    inputs: [{ name: 'message', kind: 'string', sample: 'Where: is "it" {{ now }}?' }],
  });
  expect(text).toContain('\n- billing\n- yes\nAnswer with');
  expect(text).toContain('Text: {{ message }}');
  expect(editor.opened).toEqual([{ path: join(folder, 'mine.prompty'), line: null }]);
  expect(luthier.achieved).toHaveBeenCalledWith('prompted');
  const [{ defaultUri }] = editor.window.showSaveDialog.mock.calls[0] as [{ defaultUri: editor.Uri }];
  expect(defaultUri.fsPath).toBe(join(folder, 'classification-tickets.prompty'));
});

test('labels are keys of a verbalizer; a column that is no name is named, and Chinese comes first where VS Code is', async () => {
  editor.env.language = 'zh-cn';
  try {
    inspect.mockResolvedValue({ ...tickets, guess: { text: 'kind of ticket' } });
    saveAs('a.prompty');
    const done = newPromptTemplate(luthier, editor.Uri.file(join(folder, 'tickets.csv')));
    const picker = await question('What should the prompt do?');
    expect(picker.items[1]?.label).toBe('文本分类');
    picker.accept('用掩码模型分类');
    await done;
    const text = readFileSync(join(folder, 'a.prompty'), 'utf8');
    expect(problemsIn(text)).toEqual([]);
    expect(parsePrompt(text)).toMatchObject({
      inputs: [{ name: 'text' }],
      columns: { text: 'kind of ticket' },
      verbalizer: { billing: ['billing'], yes: ['yes'] },
    });
  } finally {
    editor.env.language = 'en';
  }
});

test('labels are written as they are, whatever a template would make of them', async () => {
  inspect.mockResolvedValue({ ...tickets, classes: [{ label: '{{ now }} and {% if %}' }, { label: 'US$$ $&' }] });
  saveAs('e.prompty');
  const done = newPromptTemplate(luthier);
  (await question('What should the prompt do?')).accept('Classify a text');
  (await question('Which rows')).accept('tickets.csv');
  await done;
  const text = readFileSync(join(folder, 'e.prompty'), 'utf8');
  expect(problemsIn(text)).toEqual([]);
  expect(text).toContain('\n- {{ "{" }}{ now }} and {{ "{" }}% if %}\n- US$$ $&\n');
});

test('Back from a column leads to what the prompt is for where the rows were clicked', async () => {
  const ended = newPromptTemplate(luthier, editor.Uri.file(join(folder, 'tickets.csv'))).catch(
    (error: unknown) => error,
  );
  (await question('What should the prompt do?')).accept('Answer from a context');
  (await question('Which column is the context?')).back();
  (await question('What should the prompt do?')).hide();
  expect(await ended).toBeInstanceOf(Cancelled);
});

test('few-shot examples are drawn from rows that have labels', async () => {
  saveAs('d.prompty');
  const done = newPromptTemplate(luthier);
  (await question('What should the prompt do?')).accept('Learn from examples');
  (await question('Which rows')).accept('tickets.csv');
  await done;
  const text = readFileSync(join(folder, 'd.prompty'), 'utf8');
  expect(problemsIn(text)).toEqual([]);
  expect(parsePrompt(text)).toMatchObject({ dataset: 'tickets.csv', examples: { count: 4 } });
  expect(text).toContain('nothing else:\n- billing\n- yes\n\n{% for example in examples %}');
  expect(text).toContain('{{ example.message }}\n\nassistant:\n{{ example["kind of ticket"] }}');
});

test('a column that is not plain is asked for; without a dataset the example stays', async () => {
  saveAs('b.prompty');
  const done = newPromptTemplate(luthier);
  (await question('What should the prompt do?')).accept('Answer from a context');
  (await question('Which rows')).accept('tickets.csv');
  (await question('Which column is the context?')).accept('kind of ticket');
  await done;
  expect(parsePrompt(readFileSync(join(folder, 'b.prompty'), 'utf8'))).toMatchObject({
    inputs: [{ name: 'context' }, { name: 'message' }],
    columns: { context: 'kind of ticket' },
  });
  saveAs('c.prompty');
  const again = newPromptTemplate(luthier);
  // What was answered before is offered first.
  const picker = await question('What should the prompt do?');
  expect(picker.activeItems[0]?.label).toBe('Answer from a context');
  picker.accept('Think step by step');
  (await question('Which rows')).accept('$(circle-slash) No dataset');
  await again;
  const text = readFileSync(join(folder, 'c.prompty'), 'utf8');
  expect(text).not.toContain('luthier:');
  expect(problemsIn(text)).toEqual([]);
});

test('a file that cannot be read leads back to its question, with the reason; Escape ends it all', async () => {
  inspect.mockRejectedValueOnce(new HostError('data-unreadable', 'tickets.csv is empty.'));
  const ended = newPromptTemplate(luthier).catch((error: unknown) => error);
  (await question('What should the prompt do?')).accept('Classify a text');
  (await question('Which rows')).accept('tickets.csv');
  const again = await vi.waitFor(() => {
    expect(shown.picker?.items[0]?.label).toContain('tickets.csv is empty');
    return shown.picker!;
  });
  expect(again.placeholder).toContain('Which rows');
  again.back();
  (await question('What should the prompt do?')).hide();
  expect(await ended).toBeInstanceOf(Cancelled);
});

test('a place that cannot be written is told, and another one asked for; what is there is kept until it is confirmed', async () => {
  const closed = join(folder, 'closed');
  writeFileSync(closed, 'a file, not a folder');
  chmodSync(closed, 0o444);
  writeFileSync(join(folder, 'there.prompty'), 'mine');
  saveAs('closed/a.prompty');
  saveAs('there');
  editor.window.showErrorMessage.mockResolvedValueOnce('Choose Another Place');
  const ended = newPromptTemplate(luthier).catch((error: unknown) => error);
  (await question('What should the prompt do?')).accept('Fill in a blank');
  (await question('Which rows')).accept('$(circle-slash) No dataset');
  expect(await ended).toBeInstanceOf(Cancelled);
  expect(editor.window.showErrorMessage).toHaveBeenCalledTimes(1);
  expect(editor.window.showWarningMessage.mock.calls[0]?.[0]).toBe('Replace there.prompty?');
  expect(readFileSync(join(folder, 'there.prompty'), 'utf8')).toBe('mine');
});

test('an untrusted workspace is not written to; the guide opens in its language', async () => {
  editor.workspace.isTrusted = false;
  await expect(newPromptTemplate(luthier)).rejects.toThrow('not trusted');
  await openPromptingGuide(luthier);
  const [command, page] = editor.commands.executeCommand.mock.calls.at(-1) as [string, editor.Uri];
  expect([command, page.fsPath]).toEqual(['markdown.showPreview', '/extension/docs/prompting.md']);
});
