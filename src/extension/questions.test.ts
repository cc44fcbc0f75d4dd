import { beforeEach, expect, test } from 'vitest';
import { Cancelled } from './errors.ts';
import { BACK, choose, Questions } from './questions.ts';
import * as editor from './testing/vscode.ts';

const { shown } = editor;
const items = (...labels: string[]) => labels.map((label) => ({ label, value: label }));
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(() => editor.reset());

test('Enter takes what is preselected, Back goes back, Escape calls off', async () => {
  const questions = new Questions('A title');
  const [a, b] = items('a', 'b');
  const first = questions.ask({ placeholder: 'Which?', items: [a!, b!], active: b, step: 1, totalSteps: 2 });
  expect(shown.picker).toMatchObject({ title: 'A title', placeholder: 'Which?', ignoreFocusOut: true });
  shown.picker!.accept();
  expect(await first).toBe('b');
  const second = questions.ask({ placeholder: 'And?', items: items('c'), canGoBack: true });
  shown.picker!.back();
  expect(await second).toBe(BACK);
  const third = questions.ask({ placeholder: 'Once more?', items: items('d') });
  shown.picker!.hide();
  await expect(third).rejects.toThrow(Cancelled);
});

test('from the first question to the last there is always a picker for a key to land in', async () => {
  const questions = new Questions('A title');
  const first = questions.ask({ placeholder: 'first', items: items('a') });
  const before = shown.picker!;
  before.accept();
  await first;
  expect(shown.picker, 'after the answer').toBe(before);
  let end: (value: string) => void = () => {};
  const work = questions.work('Reading…', () => new Promise<string>((resolve) => (end = resolve)));
  const busy = shown.picker!;
  expect(busy).toMatchObject({ busy: true, placeholder: 'Reading…', items: [], visible: true });
  busy.accept();
  end('read');
  expect(await work).toBe('read');
  const last = questions.ask({ placeholder: 'last', items: items('b') });
  expect(shown.picker!.placeholder).toBe('last');
  shown.picker!.accept();
  expect(await last).toBe('b');
  questions.dispose();
  expect(shown.picker).toBeNull();
});

test('a second Enter on an answered question does not answer the next one', async () => {
  const questions = new Questions('A title');
  const first = questions.ask({ placeholder: 'first', items: items('a') });
  const before = shown.picker!;
  before.accept();
  await first;
  let answered = false;
  const second = questions.ask({ placeholder: 'Press Enter to start', items: items('start') }).then((answer) => {
    answered = true;
    return answer;
  });
  // It was on its way when the question changed.
  before.accept();
  await turn();
  expect(answered).toBe(false);
  shown.picker!.accept();
  expect(await second).toBe('start');
});

test('Escape while the engine works ends the work', async () => {
  const questions = new Questions('A title');
  let signal: AbortSignal | undefined;
  const work = questions.work('Reading…', (given) => {
    signal = given;
    return new Promise<never>(() => {});
  });
  shown.picker!.hide();
  await expect(work).rejects.toThrow(Cancelled);
  expect(signal!.aborted).toBe(true);
});

test('a dialog of another kind between two questions calls nothing off', async () => {
  const questions = new Questions('A title');
  const first = questions.ask({ placeholder: 'model', items: items('download') });
  shown.picker!.accept();
  await first;
  const input = new editor.QuickPick();
  input.show();
  input.dispose();
  const second = questions.ask({ placeholder: 'next', items: items('b') });
  shown.picker!.accept();
  expect(await second).toBe('b');
});

test('lines that only inform cannot be chosen', async () => {
  const answer = choose({ title: 'T', placeholder: 'P', items: [{ label: 'About 3 min' }, ...items('start')] });
  shown.picker!.accept('About 3 min');
  await turn();
  expect(shown.picker).not.toBeNull();
  shown.picker!.accept('start');
  expect(await answer).toBe('start');
  expect(shown.picker).toBeNull();
});
