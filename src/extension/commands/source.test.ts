import { beforeEach, expect, test, vi } from 'vitest';
import type { Luthier } from '../context.ts';
import { Cancelled } from '../errors.ts';
import * as editor from '../testing/vscode.ts';
import { findSource } from './source.ts';

const luthier = {} as Luthier;

/** Shows a document with all of it, or its second line, selected. */
function show(text: string, { uri = editor.Uri.file('/work/latin.csv'), isDirty = false, secondLine = false } = {}) {
  const at = secondLine ? 1 : 0;
  const lines = text.split('\n');
  const document = {
    uri,
    isDirty,
    isUntitled: uri.scheme === 'untitled',
    fileName: uri.fsPath,
    getText: (range?: unknown) => (range ? lines.slice(at).join('\n') : text),
  };
  const selection = {
    isEmpty: !secondLine,
    start: { line: at, character: 0 },
    end: { line: lines.length - 1, character: lines.at(-1)!.length },
  };
  editor.window.activeTextEditor = { document, selection };
}

const answer = (button: string | undefined) => editor.window.showWarningMessage.mockResolvedValueOnce(button);

beforeEach(() => editor.reset());

test('a selection in the wrong encoding is asked about, and read again after it was reopened', async () => {
  show('text,label\nsch\ufffdn,gut', { secondLine: true });
  answer('Reopen with Encoding…');
  editor.commands.executeCommand.mockImplementationOnce(async () => {
    show('text,label\nschön,gut', { secondLine: true });
  });
  const source = await findSource(luthier, []);
  expect(editor.commands.executeCommand).toHaveBeenCalledWith('workbench.action.editor.changeEncoding');
  expect(editor.window.showWarningMessage).toHaveBeenCalledOnce();
  expect(editor.window.showWarningMessage.mock.lastCall).toMatchObject([
    'Is latin.csv open in the wrong encoding?',
    { modal: true, detail: expect.stringMatching(/^Line 2 contains “\ufffd”/) },
    'Reopen with Encoding…',
    'Use as It Is',
  ]);
  expect(source.data.selection).toMatchObject({ text: 'schön,gut', start_line: 2 });
});

test('it is taken as it is, or not at all, when the person says so', async () => {
  show('text,label\nsch\ufffdn,gut', { isDirty: true });
  answer('Use as It Is');
  expect((await findSource(luthier, [])).data.text).toContain('sch\ufffdn');
  answer(undefined);
  await expect(findSource(luthier, [])).rejects.toThrow(Cancelled);
  // Still wrong, or not reopened after all: the question comes again.
  answer('Reopen with Encoding…');
  answer(undefined);
  await expect(findSource(luthier, [])).rejects.toThrow(Cancelled);
  expect(editor.window.showWarningMessage).toHaveBeenCalledTimes(4);
});

test('a file that is read whole from disk, and an untitled document, are not asked about', async () => {
  show('text,label\nsch\ufffdn,gut');
  expect((await findSource(luthier, [])).data).toEqual({ file: '/work/latin.csv' });
  const untitled = Object.assign(editor.Uri.file('Untitled-1'), { scheme: 'untitled' });
  show('sch\ufffdn,gut', { uri: untitled });
  expect((await findSource(luthier, [])).data.text).toBe('sch\ufffdn,gut');
  expect(vi.mocked(editor.window.showWarningMessage)).not.toHaveBeenCalled();
});
