import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { makeBertFolder } from '../hub/testing/bert-folder.ts';
import { askForRecipe } from './ask.ts';
import { terminal } from './prompts.ts';

const ENTER = '\r';
const DOWN = '\x1b[B';
const CTRL_C = '\x03';

let folder: string;
let said: string;
let keyboard: PassThrough;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier ask ü-'));
  vi.spyOn(process, 'cwd').mockReturnValue(folder);
  said = '';
  keyboard = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => keyboard });
  const screen = new Writable({
    write(chunk, _encoding, done) {
      said += stripVTControlCharacters(String(chunk));
      done();
    },
  });
  Object.assign(terminal, { input: keyboard, output: Object.assign(screen, { isTTY: true, columns: 100, rows: 50 }) });
});
afterEach(async () => {
  delete terminal.input;
  delete terminal.output;
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

/** Presses keys once a question is on the screen; gives what was said since the one before. */
async function press(question: string, ...keys: string[]): Promise<string> {
  await vi.waitFor(() => expect(said).toContain(question), { timeout: 60_000, interval: 20 });
  const before = said;
  said = '';
  for (const key of keys) keyboard.write(key);
  return before;
}

it('asks for what a recipe of a table needs, and saves the answers as one that can be trained', async () => {
  const rows = Array.from({ length: 24 }, (_, i) => `the parcel came ${i} days late,${i % 2 ? 'bad' : 'good'}`);
  await writeFile(join(folder, 'letters.csv'), `text,label\n${rows.join('\n')}\n`);
  await makeBertFolder(join(folder, 'own'), { classes: 0 });
  const asked = askForRecipe([]);
  expect(await press('Which data should the model learn from?', ENTER)).toContain('letters.csv');
  const columns = await press('Are these the right columns?', ENTER);
  expect(columns).toContain('Text classification: 24 rows');
  expect(columns).toMatch(/bad \(12\), good \(12\)|good \(12\), bad \(12\)/);
  await press('Which base model?', ENTER);
  await press('Which parameters should be trained?', ENTER);
  const start = await press('Start training? Only', ENTER);
  expect(start).toMatch(/\d+ training rows, \d held out for validation/);
  // Pairs do not go by the recipe's epochs and learning rate.
  expect(start).toMatch(/\d+ steps, body_learning_rate 0\.00002/);
  expect(start).toContain('Only 2 rows would be held out for validation, which says little.');
  await press('Save these answers as letters.recipe.json?', ENTER);
  const { recipe, folds } = (await asked)!;
  expect(recipe).toMatchObject({ task: 'text-classification', model: 'starters/bert' });
  // What stands first is the cross-validation.
  expect(folds).toBe(5);
  expect(said).toContain('Next time: luthier train letters.recipe.json --folds 5');
  const saved = JSON.parse(await readFile(join(folder, 'letters.recipe.json'), 'utf8'));
  expect(saved).toMatchObject({ dataset: 'letters.csv', columns: { text: 'text', label: 'label' } });
}, 120_000);

it('offers a model for several labels of a row, and says of pairs what their steps go by', async () => {
  const rows = Array.from(
    { length: 24 },
    (_, i) => `the parcel came ${i} days late,${['slow', 'slow|dear', 'dear'][i % 3]}`,
  );
  await writeFile(join(folder, 'letters.csv'), `text,label\n${rows.join('\n')}\n`);
  const asked = askForRecipe(['seed=3']);
  await press('Which data should the model learn from?', ENTER);
  await press('Learn all labels of a row, joined by “|”?', ENTER);
  expect(await press('Are these the right columns?', ENTER)).toContain('Multi-label classification: 24 rows');
  await press('Which parameters should be trained?', ENTER);
  await press('Start training? Only', DOWN, ENTER);
  await press('Save these answers as letters.recipe.json?', ENTER);
  expect((await asked)!.recipe).toMatchObject({
    ...{ problem_type: 'multi_label_classification', label_separator: '|', model: 'starters/bert', seed: 3 },
  });
  expect(said).toContain('Next time: luthier train letters.recipe.json --set seed=3');
}, 120_000);

it('asks for the columns of the layout that a file of conversations has, and starts nothing when it is called off', async () => {
  const row = (i: number) => ({
    topic: `topic ${i}`,
    messages: [
      { role: 'user', content: `Question ${i}?` },
      { role: 'assistant', content: `Answer ${i}.` },
    ],
  });
  const lines = Array.from({ length: 12 }, (_, i) => JSON.stringify(row(i)));
  await writeFile(join(folder, 'chats.jsonl'), `${lines.join('\n')}\n`);
  const asked = askForRecipe([]);
  await press('Which data should the model learn from?', ENTER);
  expect(await press('Are these the right columns?', DOWN, ENTER)).toContain('Conversation: 12 conversations');
  await press('What should the model learn?', ENTER);
  await press('Which column has the messages?', ENTER);
  // Columns of a prompt and its answer are those of another layout.
  const system = await press('Which column has the system message?', ENTER);
  expect(system).not.toContain('prompt');
  await press('Which column has the tools?', ENTER);
  // One model alone can write: which is no question.
  expect(await press('Which parameters should be trained?', ENTER)).not.toContain('base model');
  await press('Start training?', CTRL_C);
  expect(await asked).toBeNull();
  expect(said).toContain('Nothing was started.');
}, 120_000);

it('a file that cannot be read is said to be one, and asked for again', async () => {
  const asked = askForRecipe([]);
  await press('Which file has the labelled texts?', 'none.csv', ENTER);
  const again = await press('Which file has the labelled texts?', CTRL_C);
  expect(again).toMatch(/none\.csv/);
  expect(await asked).toBeNull();
}, 60_000);
