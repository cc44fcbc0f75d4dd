import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LuthierError, type RecipeEdit, type RecipeProblem } from '../../protocol/index.ts';
import { RecipeChecker } from './check-recipe.ts';
import { checkRecipeText } from './check-recipe-text.ts';
import { parseRecipe } from './recipe.ts';

const recipe = (change: object = {}) =>
  JSON.stringify({ model: 'starters/bert', dataset: 'tickets.csv', ...change }, null, 2);

const apply = (text: string, edits: readonly RecipeEdit[]): string =>
  [...edits]
    .sort((a, b) => b.start - a.start)
    .reduce((now, { start, end, text }) => now.slice(0, start) + text + now.slice(end), text);

/** The one problem of a text, with the words that it stands under. */
function only(text: string, problems: RecipeProblem[]): RecipeProblem & { under: string } {
  expect(problems.map(({ message }) => message)).toHaveLength(1);
  const [problem] = problems;
  return { ...problem!, under: text.slice(problem!.start, problem!.end) };
}

const fixed = (text: string, problem: RecipeProblem, title: string): unknown => {
  const fix = problem.fixes.find((one) => one.title === title);
  expect(problem.fixes.map((one) => one.title)).toContain(title);
  return JSON.parse(apply(text, fix!.edits));
};

describe('a recipe’s own words', () => {
  it('finds nothing in one that is right', () => {
    expect(checkRecipeText(recipe())).toEqual([]);
  });

  it('stands under an unknown key, names the nearest one, and changes to it or takes it out', () => {
    const text = recipe({ lerning_rate: 2e-4, seed: 7 });
    const problem = only(text, checkRecipeText(text));
    expect(problem).toMatchObject({
      severity: 'error',
      code: 'unknown-key',
      under: '"lerning_rate"',
      message: 'Unknown key "lerning_rate"; did you mean "learning_rate"?',
    });
    expect(problem.fixes[0]).toMatchObject({ title: 'Change to "learning_rate"', preferred: true });
    expect(fixed(text, problem, 'Change to "learning_rate"')).toMatchObject({ learning_rate: 2e-4, seed: 7 });
    const rest = fixed(text, problem, 'Remove "lerning_rate"');
    expect(rest).toEqual({ model: 'starters/bert', dataset: 'tickets.csv', seed: 7 });
  });

  it('moves a column that is named at the top into columns', () => {
    const moved = (change: object) => {
      const text = recipe(change);
      return fixed(text, only(text, checkRecipeText(text)), 'Move to "columns.text"');
    };
    const rest = { model: 'starters/bert', dataset: 'tickets.csv' };
    expect(moved({ text_column: 'body' })).toEqual({ ...rest, columns: { text: 'body' } });
    expect(moved({ text: 'body', seed: 7 })).toEqual({ ...rest, columns: { text: 'body' }, seed: 7 });
    expect(moved({ columns: { label: 'topic' }, text_column: 'body' })).toEqual({
      ...{ ...rest, columns: { label: 'topic', text: 'body' } },
    });
    const taken = recipe({ columns: { text: 'subject' }, text_column: 'body' });
    expect(only(taken, checkRecipeText(taken)).fixes.map(({ title }) => title)).toEqual(['Remove "text_column"']);
  });

  it('moves a strategy’s key from the top into the strategy, if that takes it', () => {
    const titles = (text: string) => only(text, checkRecipeText(text)).fixes.map(({ title }) => title);
    const lora = recipe({ strategy: { type: 'lora' }, load_in_8bit: true });
    expect(fixed(lora, only(lora, checkRecipeText(lora)), 'Move to "strategy.load_in_8bit"')).toEqual({
      ...{ model: 'starters/bert', dataset: 'tickets.csv', strategy: { type: 'lora', load_in_8bit: true } },
    });
    expect(titles(recipe({ strategy: { type: 'full' }, load_in_8bit: true }))).toEqual(['Remove "load_in_8bit"']);
    expect(titles(recipe({ load_in_8bit: true }))).toEqual(['Remove "load_in_8bit"']);
  });

  it('does not offer a key that is there already', () => {
    const text = recipe({ learning_rate: 1e-4, lerning_rate: 2e-4 });
    expect(only(text, checkRecipeText(text)).fixes.map(({ title }) => title)).toEqual(['Remove "lerning_rate"']);
  });

  it('finds every unknown key, in nested objects too', () => {
    const text = recipe({ sead: 1, epochs: 3, strategy: { type: 'lora', rank: 4 } });
    const problems = checkRecipeText(text);
    expect(problems.map(({ start, end }) => text.slice(start, end)).sort()).toEqual(['"epochs"', '"rank"', '"sead"']);
    const nested = problems.find(({ start }) => text.slice(start).startsWith('"rank"'))!;
    expect(fixed(text, nested, 'Change to "r"')).toMatchObject({ strategy: { type: 'lora', r: 4 } });
  });

  it('warns under a value that is hardly meant, and offers the default', () => {
    const text = recipe({ learning_rate: 50 });
    const problem = only(text, checkRecipeText(text));
    expect(problem).toMatchObject({ severity: 'warning', code: 'wrong-value', under: '50' });
    expect(problem.message).toContain('learning_rate is 50; ');
    expect(fixed(text, problem, 'Use the default, 0.00005')).toMatchObject({ learning_rate: 5e-5 });
    const warmup = recipe({ warmup_steps: 500, max_steps: 100 });
    expect(only(warmup, checkRecipeText(warmup))).toMatchObject({ severity: 'warning', under: '500' });
  });

  it('stands under a value of the wrong type or out of range, and offers what fits', () => {
    const cases: [object, string, string, unknown][] = [
      [{ learning_rate: '2e-4' }, '"2e-4"', 'Change to 0.0002', { learning_rate: 2e-4 }],
      [{ seed: 1.6 }, '1.6', 'Change to 2', { seed: 2 }],
      [{ validation_split: 1 }, '1', 'Change to 0.9', { validation_split: 0.9 }],
      [{ validation_split: 1 }, '1', 'Use the default, 0.1', { validation_split: 0.1 }],
      [{ learning_rate: 0 }, '0', 'Use the default, 0.00005', { learning_rate: 5e-5 }],
      [{ lr_scheduler_type: 'linea' }, '"linea"', 'Change to "linear"', { lr_scheduler_type: 'linear' }],
      [{ warmup_steps: 2.6 }, '2.6', 'Change to 3', { warmup_steps: 3 }],
      [{ strategy: 'lroa' }, '"lroa"', 'Change to {"type":"lora"}', { strategy: { type: 'lora' } }],
      [{ strategy: { type: 'lroa' } }, '"lroa"', 'Change to "lora"', { strategy: { type: 'lora' } }],
    ];
    for (const [change, under, title, outcome] of cases) {
      const text = recipe(change);
      const problem = only(text, checkRecipeText(text));
      expect(problem).toMatchObject({ code: 'wrong-value', under });
      expect(fixed(text, problem, title)).toMatchObject(outcome as object);
    }
  });

  it('stands under what a key is missing from, and asks for a model', () => {
    const text = '{\n\t"dataset": "tickets.csv"\n}\n';
    const problem = only(text, checkRecipeText(text));
    expect(problem).toMatchObject({ code: 'missing-key', under: '{', message: '"model" is missing.' });
    const [choice] = problem.choices;
    expect(choice).toMatchObject({ what: 'model', title: 'Choose a model…' });
    const dialogues = '{"task": "conversational", "dataset": "chat.jsonl"}';
    expect(only(dialogues, checkRecipeText(dialogues)).choices).toMatchObject([{ task: 'conversational' }]);
    const { start, end, before, after } = choice!;
    const chosen = apply(text, [{ start, end, text: `${before}"starters/bert"${after}` }]);
    expect(JSON.parse(chosen)).toEqual({ dataset: 'tickets.csv', model: 'starters/bert' });
    expect(chosen).toContain('\n\t"model"');
    const frozen = recipe({ strategy: { type: 'freeze' } });
    expect(only(frozen, checkRecipeText(frozen))).toMatchObject({ under: '"strategy"' });
  });

  it('names a key that is given twice, of which only the last counts', () => {
    const text = '{ "model": "m", "dataset": "d", "seed": 1, "seed": 2 }';
    expect(only(text, checkRecipeText(text))).toMatchObject({
      severity: 'warning',
      code: 'duplicate-key',
      start: text.lastIndexOf('"seed"'),
    });
  });

  it('names the place where the text stops being JSON', () => {
    const text = '{ "model": "m" "dataset": "d" }';
    expect(only(text, checkRecipeText(text))).toMatchObject({
      code: 'syntax',
      under: '"dataset"',
      message: 'Not valid JSON: a comma is expected.',
    });
    for (const broken of ['', '{', '{"model": "m",', '[]', '7', 'nul']) {
      for (const { start, end } of checkRecipeText(broken)) {
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(broken.length);
      }
      expect(checkRecipeText(broken).length).toBeGreaterThan(0);
    }
  });

  it('answers to a length that is none', () => {
    for (const length of ['{}', '{ "toString": 1, "valueOf": 1 }', '[]'])
      for (const key of ['model', 'dataset', 'strategy', 'template'])
        expect(checkRecipeText(`{ "${key}": { "length": ${length} } }`).length).toBeGreaterThan(0);
    expect(() => parseRecipe(JSON.parse('{ "dataset": { "length": { "toString": 1, "valueOf": 1 } } }'))).toThrow(
      LuthierError,
    );
  });

  it('finds nothing exactly where a run would find nothing, and every fix leaves JSON', () => {
    const keys = [...Object.keys(parseRecipe({ model: 'm', dataset: 'd' })), 'x', 'lerning_rate', 'warmup_ratio'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), fc.jsonValue()), (input) => {
        const text = JSON.stringify(input, null, 2);
        const problems = checkRecipeText(text);
        let refused = false;
        try {
          parseRecipe(JSON.parse(text));
        } catch {
          refused = true;
        }
        expect(problems.length > 0).toBe(refused);
        for (const { start, end, fixes } of problems) {
          expect(start).toBeLessThan(end);
          for (const { edits } of fixes) JSON.parse(apply(text, edits));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('what a recipe names', () => {
  let folder: string;
  const checker = new RecipeChecker();
  const check = (text: string) => checker.check({ text, base: folder, cacheFolder: join(folder, 'no-cache') });
  const rows = Array.from({ length: 40 }, (_, i) => `the parcel number ${i} came late,${i % 2 ? 'late' : 'price'}`);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'luthier check ü-'));
    await writeFile(join(folder, 'tickets.csv'), `message,intent\n${rows.join('\n')}\n`);
    await writeFile(join(folder, 'one.csv'), `text,label\n${rows.map((row) => row.replace(/,.*/, ',a')).join('\n')}\n`);
    await writeFile(join(folder, 'few.csv'), `text,label\n${rows.slice(0, 6).join('\n')}\n`);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('finds nothing in one that can be trained', async () => {
    expect(await check(recipe())).toEqual([]);
    expect(await check(recipe({ columns: { text: 'message', label: 'intent' } }))).toEqual([]);
  });

  it('says that a model is not there, and offers the starter that is nearly called so, or a choice', async () => {
    const text = recipe({ model: 'starters/brt' });
    const problem = only(text, await check(text));
    expect(problem).toMatchObject({ severity: 'error', code: 'missing-model', under: '"starters/brt"' });
    expect(fixed(text, problem, 'Change to "starters/bert"')).toMatchObject({ model: 'starters/bert' });
    const [choice] = problem.choices;
    const { start, end, before, after } = choice!;
    expect(apply(text, [{ start, end, text: `${before}"mine"${after}` }])).toBe(recipe({ model: 'mine' }));
    const several = { method: 'grid', values: { model: ['starters/bert', 'starters/brt'] } };
    const searched = recipe({ search: several });
    const one = only(searched, await check(searched));
    expect(one).toMatchObject({ severity: 'error', code: 'missing-model', under: '"starters/brt"' });
    expect(fixed(searched, one, 'Change to "starters/bert"')).toMatchObject({
      search: { values: { model: ['starters/bert', 'starters/bert'] } },
    });
    const hub = recipe({ model: 'google-bert/bert-base-uncased' });
    expect(only(hub, await check(hub)).hint).toContain('luthier models download');
  });

  it('says that a file is not there, in each part, and offers the closest name', async () => {
    const text = recipe({ dataset: 'tickts.csv' });
    const problem = only(text, await check(text));
    expect(problem).toMatchObject({
      code: 'missing-file',
      under: '"tickts.csv"',
      message: 'No file or dataset "tickts.csv" found; did you mean "tickets.csv"?',
    });
    expect(problem.fixes[0]).toMatchObject({ preferred: true });
    expect(fixed(text, problem, 'Change to "tickets.csv"')).toMatchObject({ dataset: 'tickets.csv' });
    const parts = recipe({ dataset: { train: 'tickets.csv', validation: './fewer.csv' } });
    const second = only(parts, await check(parts));
    expect(second.under).toBe('"./fewer.csv"');
    expect(fixed(parts, second, 'Change to "few.csv"')).toMatchObject({
      dataset: { train: 'tickets.csv', validation: 'few.csv' },
    });
  });

  it('says that the texts are not there that a prompt is pre-trained on, and what else it lacks', async () => {
    const strategy = { type: 'prompt-tuning', num_virtual_tokens: 20, prompt_tuning_init: 'PRETRAINED' };
    const text = recipe({ strategy: { ...strategy, pretraining_dataset: 'tickts.csv' } });
    const problem = only(text, await check(text));
    expect(problem).toMatchObject({
      ...{ code: 'missing-file', under: '"tickts.csv"' },
      message: 'No file "tickts.csv" found; did you mean "tickets.csv"?',
    });
    expect(fixed(text, problem, 'Change to "tickets.csv"')).toMatchObject({
      strategy: { pretraining_dataset: 'tickets.csv' },
    });
    const none = recipe({ strategy });
    expect(only(none, await check(none)).message).toContain('there is no pretraining_dataset');
  });

  it('says that a column is not there, and offers the closest and all', async () => {
    const text = recipe({ columns: { text: 'mesage', label: 'topic' } });
    const [first, second] = await check(text);
    expect(text.slice(first!.start, first!.end)).toBe('"mesage"');
    expect(first).toMatchObject({
      code: 'missing-column',
      message: 'tickets.csv has no column "mesage"; did you mean "message"?',
    });
    expect(fixed(text, first!, 'Change to "message"')).toMatchObject({ columns: { text: 'message' } });
    expect(second).toMatchObject({ fixes: [], choices: [{ what: 'column', names: ['message', 'intent'] }] });
    const grouped = recipe({ columns: { group: 'customer' } });
    expect(only(grouped, await check(grouped))).toMatchObject({
      message: 'tickets.csv has no column "customer".',
      choices: [{ what: 'column', names: ['message', 'intent'] }],
    });
  });

  it('says that a recipe is of a newer version, and offers this one for what is no version', async () => {
    const newer = recipe({ version: 99 });
    expect(only(newer, await check(newer))).toMatchObject({ code: 'newer-version', under: '99', fixes: [] });
    const none = recipe({ version: 'two' });
    expect(fixed(none, only(none, await check(none)), 'Change to 2')).toMatchObject({ version: 2 });
  });

  it('says what would keep the data from being trained on', async () => {
    const one = recipe({ dataset: 'one.csv' });
    expect(only(one, await check(one))).toMatchObject({ severity: 'error', code: 'data', under: '"one.csv"' });
    const few = recipe({ dataset: 'few.csv', per_device_train_batch_size: 8, validation_split: 0.2 });
    const problem = only(few, await check(few));
    expect(problem).toMatchObject({
      under: '8',
      message: 'per_device_train_batch_size is 8, but few.csv has only 6 rows.',
    });
    expect(fixed(few, problem, 'Set per_device_train_batch_size to 4')).toMatchObject({
      per_device_train_batch_size: 4,
    });
    // The default shrinks to the rows that there are; where it is named, that is said.
    const named = recipe({ dataset: 'few.csv', per_device_train_batch_size: 16, validation_split: 0.2 });
    expect(only(named, await check(named))).toMatchObject({
      severity: 'warning',
      message:
        'per_device_train_batch_size is 16, but few.csv has only 6 rows; each batch will have all training rows.',
    });
    expect(await check(recipe({ dataset: 'few.csv', validation_split: 0.2 }))).toEqual([]);
    await writeFile(join(folder, 'blank.csv'), 'a,b\n1,2\n3,4\n');
    const blank = recipe({ dataset: 'blank.csv', per_device_train_batch_size: 1 });
    const [unknown] = await check(blank);
    const { start, end, before, after } = unknown!.choices[0]!;
    expect(JSON.parse(apply(blank, [{ start, end, text: `${before}"a"${after}` }]))).toMatchObject({
      columns: { text: 'a' },
    });
  });

  it('compares strategy and max_length with the model', async () => {
    const text = recipe({ strategy: { type: 'freeze', num_frozen_layers: 40 }, max_length: 4000 });
    const problems = await check(text);
    expect(problems.map(({ start, end }) => text.slice(start, end))).toEqual(['40', '4000']);
    expect(problems.map(({ severity }) => severity)).toEqual(['error', 'warning']);
    const lora = recipe({ strategy: { type: 'lora', target_modules: ['quary'] } });
    expect(only(lora, await check(lora)).under).toContain('quary');
  });

  it('checks what is right beside what is wrong', async () => {
    const text = recipe({ model: 'none', sead: 1, dataset: 'nowhere.csv' });
    expect((await check(text)).map(({ code }) => code).sort()).toEqual([
      'missing-file',
      'missing-model',
      'unknown-key',
    ]);
  });

  it('says of a large file that it was not read, and stops when it is told to', async () => {
    const big = join(folder, 'big.csv');
    await writeFile(big, 'text,label\n');
    await truncate(big, 100e6);
    const text = recipe({ dataset: 'big.csv' });
    expect(only(text, await check(text))).toMatchObject({
      severity: 'info',
      message: 'big.csv is 100 MB in size: its columns and rows are checked when the run starts.',
    });
    await rm(big);
    const aborted = checker.check({ text: recipe(), base: folder, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toThrow();
  });

  it('says that a template is not there, or broken, or needs a column that the rows lack', async () => {
    await writeFile(join(folder, 'ask.prompty'), '---\ninputs: { mesage: { type: string } }\n---\nuser:\n{{ mesage }}');
    await writeFile(join(folder, 'broken.prompty'), '---\ninputs: 3\n---\nuser:\nhi');
    const text = recipe({ template: 'asks.prompty' });
    const problem = only(text, await check(text));
    expect(problem).toMatchObject({
      code: 'missing-file',
      under: '"asks.prompty"',
      message: 'No template "asks.prompty" found; did you mean "ask.prompty"?',
    });
    expect(fixed(text, problem, 'Change to "ask.prompty"')).toMatchObject({ template: 'ask.prompty' });
    const broken = recipe({ template: 'broken.prompty' });
    expect(only(broken, await check(broken))).toMatchObject({
      under: '"broken.prompty"',
      message: expect.stringMatching(/^broken\.prompty, line 2: inputs: a list of inputs is expected/),
    });
    const lacking = recipe({ template: 'ask.prompty' });
    expect(only(lacking, await check(lacking))).toMatchObject({
      ...{ code: 'missing-column', under: '"ask.prompty"' },
      message: 'ask.prompty needs “mesage”, but tickets.csv has no column “mesage”; did you mean “message”?',
    });
    const named = '---\ninputs: { mesage: {} }\nluthier: { columns: { mesage: message } }\n---\nuser:\n{{ mesage }}';
    await writeFile(join(folder, 'ask.prompty'), named);
    expect(await check(lacking)).toEqual([]);
  });

  it('reads a file again when it has changed', async () => {
    const file = join(folder, 'later.csv');
    await writeFile(file, `text,label\n${rows.map((row) => row.replace(/,.*/, ',a')).join('\n')}\n`);
    const text = recipe({ dataset: 'later.csv' });
    expect(await check(text)).toHaveLength(1);
    await writeFile(file, `text,label\n${rows.join('\n')}\nmore rows than before,late\n`);
    expect(await check(text)).toEqual([]);
    await mkdir(join(folder, 'data'), { recursive: true });
    const folderNamed = recipe({ dataset: 'data' });
    expect(only(folderNamed, await check(folderNamed))).toMatchObject({ code: 'missing-file', under: '"data"' });
  });
});
