import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Columns, DataProblem, RecipeInput, RunEstimate } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import type { ServiceRequestOptions } from '../engine/service.ts';
import { Cancelled, HostError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { labels, question } from '../testing/pickers.ts';
import * as editor from '../testing/vscode.ts';
import { fineTuneSelection } from './fine-tune.ts';

const { shown } = editor;

let project: string;
let file: string;
/** What the service answers; a test changes it. */
let answers: Record<string, (params: never, options: never) => unknown>;
let luthier: Luthier;

const estimate = (change: Partial<RunEstimate> = {}): RunEstimate => ({
  rows: 4,
  validation_rows: 1,
  classes: [],
  truncated_rows: 0,
  max_length: 128,
  unknown_token_share: 0,
  total_steps: 3,
  seconds: 2,
  peak_memory_bytes: 1,
  free_memory_bytes: 2,
  disk_bytes: 1,
  free_disk_bytes: 2,
  problems: [],
  columns: {},
  model_languages: ['en'],
  ...change,
});

const column = (name: string) => ({ name, distinct: 4, empty: 0, mean_length: 9, examples: [] });

/** As the engine's, for a file of the columns “text” and “label”. */
function inspect({ columns = {} }: { columns?: Columns }) {
  const guess = { text: 'text', label: 'label', ...columns };
  const problems: DataProblem[] =
    guess.label === 'text'
      ? [
          {
            severity: 'error',
            code: 'all-classes-single',
            column: 'text',
            message: 'Each of the 4 rows has a different label in “text”, so there is nothing to learn.',
          },
        ]
      : [];
  const classes = guess.label === 'text' ? [] : [...'abcdefgh'].map((label, i) => ({ label, count: i + 1 }));
  return {
    file,
    task: 'text-classification',
    format: 'csv',
    encoding: 'utf-8',
    rows: 36,
    columns: ['text', 'label'].map(column),
    guess,
    guess_reason: 'The text is “text” and the label is “label”.',
    classes,
    problems,
  };
}

beforeEach(() => {
  editor.reset();
  project = mkdtempSync(join(tmpdir(), 'luthier flow ü-'));
  file = join(project, 'films.csv');
  writeFileSync(file, 'text,label\nx,a\n');
  answers = {
    'data/inspect': inspect,
    'models/list': () =>
      ['first', 'second'].map((name) => ({
        name,
        source: 'starter',
        path: `/models/${name}`,
        languages: null,
        problem: null,
        model_type: 'bert',
        bytes: 1,
        num_parameters: 1,
        labels: null,
        tasks: ['text-classification'],
      })),
    'strategies/suggest': ({ model }: { model: string }) => [
      { title: 'Fine-tune everything', detail: '', strategy: { type: 'full' }, isRecommended: true },
      {
        title: 'Freeze the lower layers',
        detail: `The lower ${model === 'first' ? '6 layers keep their' : '1 layer keeps its'} weights.`,
        strategy: { type: 'freeze', num_frozen_layers: model === 'first' ? 6 : 1 },
        isRecommended: false,
      },
      { title: 'LoRA', detail: '', strategy: { type: 'lora' }, isRecommended: false, learning_rate: 1e-3 },
    ],
    'run/estimate': () => estimate(),
  };
  const request = vi.fn(async (method: string, params: never, options: never) => answers[method]!(params, options));
  luthier = {
    extension: { extensionUri: editor.Uri.file('/extension') },
    log: silentLog,
    engine: { service: { request } },
    datasets: { list: async () => [], refresh() {} },
    homes: { projectFor: async () => project },
  } as unknown as Luthier;
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(project, { recursive: true });
});

const start = () => fineTuneSelection(luthier, editor.Uri.file(file)).catch((error: unknown) => error);
const ESCAPED = expect.any(Cancelled);

test('columns the wrong way round lead back to their question, which says why and offers other ones', async () => {
  const ended = start();
  (await question('which column')).accept('$(list-selection) Choose other columns…');
  (await question('column contains the text')).accept('label');
  (await question('column contains the label')).accept('text');
  const again = await vi.waitFor(() => {
    expect(labels(shown.picker!)[0]).toMatch(/^films\.csv: Each of the 4 rows has a different label/);
    return shown.picker!;
  });
  expect(again.items[0]).toMatchObject({ detail: expect.stringContaining('the wrong way round') });
  // The next Enter does not confirm what was refused.
  expect(again.activeItems.map(({ label }) => label)).toEqual(['$(list-selection) Choose other columns…']);
  again.accept();
  (await question('column contains the text')).accept('text');
  (await question('column contains the label')).accept('label');
  (await question('Which base model')).hide();
  expect(await ended).toEqual(ESCAPED);
});

test('where there are more columns, a second text is offered, and none is the answer of an Enter', async () => {
  const asked: unknown[] = [];
  answers['data/inspect'] = ({ columns = {} }: { columns?: Columns }) => {
    asked.push(columns);
    return { ...inspect({ columns }), columns: ['text', 'label', 'reply'].map(column) };
  };
  const ended = start();
  (await question('which column')).accept('$(list-selection) Choose other columns…');
  (await question('column contains the text')).accept('text');
  const second = await question('column contains the second text');
  expect(labels(second)).toEqual(['$(circle-slash) None', 'label', 'reply']);
  expect(second.activeItems.map(({ label }) => label)).toEqual(['$(circle-slash) None']);
  second.accept('reply');
  const label = await question('column contains the label');
  expect(labels(label)).toEqual(['label']);
  label.accept();
  (await question('Which base model')).hide();
  expect(await ended).toEqual(ESCAPED);
  expect(asked.at(-1)).toEqual({ text: 'text', text_pair: 'reply', label: 'label' });
});

test('a label column with nearly as many classes as rows is doubted once, and taken when it is confirmed', async () => {
  answers['data/inspect'] = ({ columns = {} }: { columns?: Columns }) => ({
    ...inspect({}),
    rows: 6,
    guess: { text: 'text', label: 'label', ...columns },
    classes: ['v', 'w', 'x', 'y', 'z'].map((label) => ({ label, count: 1 })),
  });
  const ended = start();
  (await question('which column')).accept();
  const doubted = await vi.waitFor(() => {
    expect(labels(shown.picker!)[0]).toBe('films.csv: The column “label” has 5 classes in 6 rows.');
    return shown.picker!;
  });
  expect(doubted.activeItems.map(({ label }) => label)).toEqual(['$(list-selection) Choose other columns…']);
  doubted.accept('$(check) Learn “label” from “text”');
  (await question('Which base model')).hide();
  expect(await ended).toEqual(ESCAPED);
});

test('what can be learnt of the classes’ names is asked for with the ways to learn', async () => {
  const suggest = answers['strategies/suggest']!;
  const askedFor = async (...names: string[]) => {
    let asked: unknown;
    answers['data/inspect'] = () => ({ ...inspect({}), classes: names.map((label) => ({ label, count: 18 })) });
    answers['strategies/suggest'] = (params) => {
      asked = params;
      return suggest(params, undefined as never);
    };
    const ended = start();
    (await question('which column')).accept();
    (await question('Which base model')).accept();
    (await question('Which parameters')).hide();
    expect(await ended).toEqual(ESCAPED);
    return asked;
  };
  expect(await askedFor('billing', 'refund')).toMatchObject({ classes: 2, rows: 36, named: true });
  expect(await askedFor('0', '1')).toMatchObject({ classes: 2, rows: 36, named: false });
});

test('too few rows are told with the first question, before any other is asked', async () => {
  answers['data/inspect'] = () => ({ ...inspect({}), rows: 2 });
  const ended = start();
  const first = await question('which column');
  expect(first.items[0]).toMatchObject({
    label: 'films.csv: 2 rows are too few to learn from.',
    detail: 'At least 5 rows are needed. A few dozen for each class are a good start.',
  });
  first.accept('$(check) Learn “label” from “text”');
  const again = await vi.waitFor(() => {
    expect(shown.picker).not.toBe(first);
    expect(shown.picker!.busy).toBe(false);
    return shown.picker!;
  });
  expect(labels(again)[0]).toBe('films.csv: 2 rows are too few to learn from.');
  again.hide();
  expect(await ended).toEqual(ESCAPED);
});

test('a long reason goes over lines that show it whole', async () => {
  const guess_reason = `The text is “text” (a common name, 16 words on average) and the label is “label” (a common name, 8 different values in 691 rows).`;
  answers['data/inspect'] = (params: never) => ({ ...inspect(params), guess_reason });
  const ended = start();
  const picker = await question('which column');
  const [first, second] = picker.items;
  expect([first!.detail, second!.description].join(' ')).toBe(guess_reason);
  expect(Math.max(first!.detail!.length, second!.description!.length)).toBeLessThanOrEqual(81);
  picker.hide();
  await ended;
});

test('an error of a line leads to that line', async () => {
  answers['data/inspect'] = (params: never) => ({
    ...inspect(params),
    problems: [{ severity: 'error', code: 'ragged-row', message: 'The row has 2 cells.', line: 18 }],
  });
  expect(await start()).toMatchObject({
    message: 'films.csv, line 18: The row has 2 cells.',
    actions: ['goToLine'],
    place: { uri: editor.Uri.file(file).toString(), line: 18 },
  });
});

test('the first question shows every class with its rows', async () => {
  const ended = start();
  const picker = await question('which column');
  expect(labels(picker).slice(3)).toEqual(['8 classes', ...[...'abcdefgh'].map((label) => `$(tag) ${label}`)]);
  expect(picker.items.at(-1)).toMatchObject({ description: '8 rows' });
  picker.hide();
  await ended;
});

test('a folder dialog that is cancelled and a download that fails lead back to the model, and nothing is lost', async () => {
  const ended = start();
  (await question('which column')).accept();
  (await question('Which base model')).accept('$(folder-opened) Choose a folder…');
  await vi.waitFor(() => expect(editor.window.showOpenDialog).toHaveBeenCalledOnce());
  const again = await vi.waitFor(() => {
    expect(shown.picker!.step).toBe(2);
    expect(shown.history.filter(({ placeholder }) => placeholder.includes('base model')).length).toBe(2);
    return shown.picker!;
  });
  editor.window.showInputBox.mockResolvedValueOnce('nobody/nothing');
  answers['models/download'] = () => {
    throw new HostError('download-failed', 'There is no model nobody/nothing.', 'Check its name.');
  };
  again.accept('$(cloud-download) Download from Hugging Face by name…');
  const failed = await vi.waitFor(() => {
    expect(labels(shown.picker!)[0]).toBe('There is no model nobody/nothing.');
    return shown.picker!;
  });
  failed.accept('second');
  (await question('Which parameters should be trained?')).hide();
  expect(await ended).toEqual(ESCAPED);
});

test('too few rows lead back to the columns; after the file was mended the answers are still there', async () => {
  answers['run/estimate'] = () => {
    throw new HostError('data-invalid', '2 rows are too few to hold out a share of 0.1 for validation.', 'Add rows.');
  };
  const ended = start();
  (await question('which column')).accept();
  (await question('Which base model')).accept('second');
  (await question('Which parameters should be trained?')).accept('LoRA');
  const refused = await vi.waitFor(() => {
    expect(labels(shown.picker!)[0]).toMatch(/^2 rows are too few/);
    return shown.picker!;
  });
  expect(refused.step).toBe(1);
  refused.hide();
  expect(await ended).toEqual(ESCAPED);
  expect(readdirSync(project), 'nothing was left behind').toEqual(['films.csv']);

  answers['run/estimate'] = () => estimate();
  const second = start();
  (await question('which column')).accept();
  const model = await question('Which base model');
  expect(model.activeItems.map(({ label }) => label)).toEqual(['second']);
  model.accept();
  const method = await question('Which parameters should be trained?');
  expect(method.activeItems.map(({ label }) => label)).toEqual(['LoRA']);
  method.accept();
  (await question('Press Enter to start')).hide();
  await second;
});

test('warnings stand first and are coloured; a model for another language is not started by Enter', async () => {
  answers['run/estimate'] = () =>
    estimate({
      problems: [
        { severity: 'warning', code: 'language-mismatch', message: 'The texts are Chinese, the model is English.' },
        { severity: 'info', code: 'x', message: 'A note.' },
      ],
    });
  const ended = start();
  (await question('which column')).accept();
  (await question('Which base model')).accept('first');
  (await question('Which parameters should be trained?')).accept();
  const summary = await question('may not fit');
  expect(summary.activeItems.map(({ label }) => label)).toEqual(['$(library) Choose another model…']);
  const said = summary.items.slice(labels(summary).indexOf('Problem') + 1);
  expect(said[0]).toMatchObject({
    label: 'The texts are Chinese, the model is English.',
    iconPath: { light: { path: '/extension/media/warning-light.svg' } },
  });
  summary.accept();
  (await question('Which base model')).hide();
  await ended;
});

test('a few words that the model does not know are a warning, and no reason to stop', async () => {
  answers['run/estimate'] = () =>
    estimate({
      unknown_token_share: 0.12,
      problems: [{ severity: 'warning', code: 'unknown-tokens', message: '12 % of the pieces are unknown.' }],
    });
  const ended = start();
  (await question('which column')).accept();
  (await question('Which base model')).accept('first');
  (await question('Which parameters should be trained?')).accept();
  const summary = await question('Press Enter to start');
  expect(summary.activeItems.map(({ label }) => label)).toEqual(['$(play) Start fine-tuning']);
  expect(labels(summary).filter((label) => label.includes('12 %'))).toEqual(['12 % of the pieces are unknown.']);
  summary.hide();
  await ended;
});

test('an encoding that cannot be told for sure is asked for by what it makes of some words, and goes into the recipe', async () => {
  const asked: unknown[] = [];
  answers['data/inspect'] = (params: { columns?: Columns; encoding?: string }) => {
    asked.push(params.encoding);
    if (params.encoding === 'nonsense') throw new HostError('usage', '“nonsense” is not a known encoding.');
    if (params.encoding) return { ...inspect(params), encoding: params.encoding };
    const alternatives = [{ encoding: 'windows-1252', sample: 'ïðèâåò' }];
    return {
      ...inspect(params),
      encoding: 'windows-1251',
      encoding_guess: { is_sure: false, sample: 'привет', alternatives },
    };
  };
  const ended = start();
  const picker = await question('Which of these reads correctly?');
  expect(picker.items.map(({ label, description }) => `${label} ${description ?? ''}`.trim())).toEqual([
    '“привет” windows-1251',
    '“ïðèâåò” windows-1252',
    '$(edit) Another encoding…',
  ]);
  editor.window.showInputBox.mockResolvedValueOnce('nonsense');
  picker.accept('$(edit) Another encoding…');
  await vi.waitFor(() => expect(labels(shown.picker!)[0]).toBe('“nonsense” is not a known encoding.'));
  shown.picker!.accept('“привет”');
  (await question('which column')).accept();
  (await question('Which base model')).accept('first');
  (await question('Which parameters should be trained?')).accept();
  (await question('Press Enter to start')).accept('$(edit) Edit the recipe first');
  expect(await ended).toBeUndefined();
  expect(asked).toEqual([undefined, 'nonsense', 'windows-1251', 'windows-1251']);
  expect(JSON.parse(readFileSync(join(project, 'films.recipe.json'), 'utf8'))).toMatchObject({
    dataset: 'films.csv',
    encoding: 'windows-1251',
  });
});

test('a long reading says how far it is, then that the rows are checked, and ends with Escape', async () => {
  let told: ServiceRequestOptions = {};
  answers['data/inspect'] = (_: unknown, options: ServiceRequestOptions) => {
    told = options;
    return new Promise(() => {});
  };
  const ended = start();
  const says = (text: string) =>
    vi.waitFor(() => expect(shown.picker).toMatchObject({ placeholder: text, busy: true }));
  await says('Reading films.csv…');
  await vi.waitFor(() => expect(told.onProgress).toBeDefined());
  told.onProgress!({ message: 'bytes', done: 42_900, total: 100_000 });
  await says('Reading films.csv… 42 %');
  told.onProgress!({ message: 'bytes', done: 100_000, total: 100_000 });
  await says('Checking the rows…');
  shown.picker!.hide();
  expect(await ended).toEqual(ESCAPED);
  expect(told.signal!.aborted).toBe(true);
});

test('without a document a dataset, a file or example data is offered', async () => {
  luthier.datasets.list = async () => [{ kind: 'found', path: file, name: 'films.csv', record: null, summary: null }];
  const ended = fineTuneSelection(luthier).catch((error: unknown) => error);
  const picker = await question('Which data should the model learn from?');
  expect(labels(picker)).toEqual([
    'Datasets',
    'films.csv',
    'Others',
    '$(folder-opened) Choose a file…',
    '$(beaker) Try with example data…',
  ]);
  picker.accept('films.csv');
  (await question('which column')).hide();
  expect(await ended).toEqual(ESCAPED);
});

test('few rows to validate on are said with a cross-validation, which is offered first and starts with its folds', async () => {
  const recipe = join(project, 'films.recipe.json');
  const created: unknown[] = [];
  answers['run/estimate'] = () => estimate({ rows: 40, validation_rows: 4, seconds: 90 });
  answers['run/create'] = (params) => {
    created.push(params);
    throw new HostError('disk-full', 'The disk is full.');
  };
  Object.assign(luthier, { runs: { all: () => [] }, dashboards: { open: () => ({ closeIfEmpty() {} }) } });
  const ended = start();
  (await question('which column')).accept();
  (await question('Which base model')).accept('first');
  (await question('Which parameters should be trained')).accept();
  const summary = await question('Press Enter to start');
  const offer = '$(layers) Cross-validate with 5 folds';
  expect(summary.activeItems.map(({ label }) => label)).toEqual([offer]);
  expect(labels(summary).slice(0, 2)).toEqual([offer, '$(play) Start fine-tuning']);
  expect(summary.items.find(({ label }) => label === offer)?.detail).toBe(
    'Only 4 rows would be held out for validation, which says little; in folds, all 40 rows are measured. About 8 min for training 6 times',
  );
  summary.accept();
  expect(await ended).toMatchObject({ code: 'disk-full' });
  expect(created).toMatchObject([{ recipe_path: recipe, folds: { count: 5, final: true } }]);

  answers['run/estimate'] = () => estimate({ rows: 400, validation_rows: 40 });
  const second = start();
  (await question('which column')).accept();
  (await question('Which base model')).accept('first');
  (await question('Which parameters should be trained')).accept();
  const plenty = await question('Press Enter to start');
  expect(labels(plenty)).not.toContain(offer);
  plenty.hide();
  await second;
});

test('half of the layers of the chosen model are offered to be frozen', async () => {
  const ended = start();
  for (const [model, layers] of [
    ['first', '6 layers keep their weights'],
    ['second', '1 layer keeps its weights'],
  ] as const) {
    if (model === 'first') (await question('which column')).accept();
    (await question('Which base model')).accept(model);
    const how = await question('Which parameters');
    const freeze = how.items.find(({ label }) => label === 'Freeze the lower layers');
    expect(freeze).toMatchObject({ detail: expect.stringContaining(layers) });
    if (model === 'second') how.hide();
    else how.back();
  }
  expect(await ended).toEqual(ESCAPED);
});

test('a task is offered the starter that was made for it, even where the usual base model was not', async () => {
  const starter = (name: string, tasks: string[]) => ({
    ...{ name: `starters/${name}`, source: 'starter', path: `/models/${name}`, languages: ['en'], problem: null },
    ...{ model_type: name, bytes: 1, num_parameters: 1, labels: null, tasks },
  });
  answers['models/list'] = () => [
    starter('decoder', ['text-generation', 'text-classification']),
    starter('bert', ['text-classification']),
  ];
  vi.spyOn(editor.workspace, 'getConfiguration').mockReturnValue({
    get: (name) => (name === 'luthier.defaultModel' ? 'starters/decoder' : undefined),
  });
  const ended = start();
  (await question('which column')).accept();
  const picker = await question('Which base model');
  expect(labels(picker).filter((label) => label.startsWith('starters/'))).toEqual(['starters/bert']);
  expect(picker.activeItems).toMatchObject([{ label: 'starters/bert', detail: 'Reads text, for classification' }]);
  picker.hide();
  expect(await ended).toEqual(ESCAPED);
});

test('labels in a cell are asked about, and are learnt as the person says', async () => {
  const other = { problem_type: 'multi_label_classification', label_separator: '|' } as const;
  const problem: DataProblem = {
    ...{ severity: 'warning', code: 'list-labels', column: 'label', other },
    message: '1 of the 3 labels in “label” is a list of other labels, joined by “|”.',
  };
  const asked: object[] = [];
  answers['data/inspect'] = ({ file: _, ...params }: { file: string; task?: string; columns?: Columns }) => {
    asked.push(params);
    const isOther = params.task === other.problem_type;
    return { ...inspect(params), ...(isOther ? { task: params.task } : { problems: [problem] }) };
  };
  const recipes: RecipeInput[] = [];
  answers['run/estimate'] = ({ recipe }: { recipe: RecipeInput }) => {
    recipes.push(recipe);
    return estimate();
  };
  const models = answers['models/list']!;
  answers['models/list'] = (...params) =>
    (models(...params) as object[]).map((model) => ({ ...model, tasks: ['text-classification', other.problem_type] }));

  const several = start();
  const ask = await question('Learn all labels of a row, joined by “|”?');
  expect(labels(ask)[0]).toContain('films.csv: 1 of the 3 labels in “label” is a list');
  ask.accept('$(check) Learn all labels of a row');
  const columns = await question('which column is the text');
  expect(columns.items[0]).toMatchObject({ description: 'Multi-label classification' });
  columns.accept();
  (await question('Which base model')).accept();
  (await question('Which parameters')).accept();
  (await question('Press Enter')).hide();
  expect(await several).toEqual(ESCAPED);
  const { problem_type: task, ...how } = other;
  expect(asked).toEqual([{}, { ...how, task }, { ...how, task, columns: { text: 'text', label: 'label' } }]);
  expect(recipes[0]).toMatchObject({ task: 'text-classification', ...other });

  const single = start();
  (await question('Learn all labels of a row')).accept('$(tag) Learn one label for each row');
  (await question('which column is the text')).accept();
  (await question('Which base model')).accept();
  (await question('Which parameters')).accept();
  (await question('Press Enter')).hide();
  expect(await single).toEqual(ESCAPED);
  expect(recipes[1]).toMatchObject({ task: 'text-classification' });
  expect(recipes[1]).not.toHaveProperty('problem_type');
  expect(recipes[1]).not.toHaveProperty('label_separator');
});

test('columns of 0 and 1 are asked about, and named as what is learnt', async () => {
  const other = { problem_type: 'multi_label_classification', label_columns: ['late', 'rude'] } as const;
  const problem: DataProblem = {
    ...{ severity: 'warning', code: 'indicator-columns', column: 'late' },
    ...{
      message: '“late” and “rude” each contain only 0 and 1.',
      other: { ...other, label_columns: ['late', 'rude'] },
    },
  };
  answers['data/inspect'] = (params: { task?: string; columns?: Columns }) => ({
    ...inspect(params),
    ...{ columns: ['text', 'late', 'rude'].map(column), guess: { text: 'text', label: 'late' } },
    ...(params.task === other.problem_type ? { task: params.task } : { problems: [problem] }),
  });
  const ended = start();
  (await question('Learn all labels of a row, from late, rude?')).accept('$(check) Learn all labels of a row');
  const columns = await question('which column is the text');
  expect(columns.items[0]).toMatchObject({ label: '$(check) Learn late, rude from “text”' });
  columns.hide();
  expect(await ended).toEqual(ESCAPED);
});

test('numbers are asked about where another column is chosen', async () => {
  const other = { problem_type: 'regression' } as const;
  const problem: DataProblem = {
    ...{ severity: 'error', code: 'numeric-labels', column: 'score', other },
    message: 'The labels in “score” are decimal numbers from 0 to 5.',
  };
  answers['data/inspect'] = (params: { task?: string; columns?: Columns }) => ({
    ...inspect(params),
    columns: ['text', 'label', 'score'].map(column),
    ...(params.task === 'regression' && { task: 'regression', classes: [] }),
    ...(params.task !== 'regression' && params.columns?.label === 'score' && { problems: [problem] }),
  });
  const ended = start();
  (await question('which column')).accept('$(list-selection) Choose other columns…');
  (await question('column contains the text')).accept('text');
  (await question('second text')).accept();
  (await question('column contains the label')).accept('score');
  (await question('Learn the numbers (regression)?')).accept('$(check) Learn the numbers');
  const columns = await question('which column is the text, and which is the value?');
  expect(columns.items[0]).toMatchObject({ label: '$(check) Learn “score” from “text”', description: 'Regression' });
  columns.hide();
  expect(await ended).toEqual(ESCAPED);
});

test('sentences with tags are recognised, named in the question, and another task can be chosen', async () => {
  const asked: unknown[] = [];
  answers['data/inspect'] = (params: { task?: string; columns?: Columns }) => {
    asked.push(params.task);
    if (params.task === 'text-classification') return inspect(params);
    return {
      ...inspect({}),
      task: 'token-classification',
      format: 'conll',
      rows: 320,
      columns: ['tokens', 'tags'].map(column),
      guess: { tokens: 'tokens', tags: 'tags' },
      classes: [{ label: 'O', count: 3000 }],
    };
  };
  let recipe: RecipeInput | undefined;
  answers['run/estimate'] = (params: { recipe: RecipeInput }) => {
    recipe = params.recipe;
    return estimate();
  };
  const ended = start();
  const first = await question('320 sentences: which column has the words, and which has the tags?');
  expect(first.items[0]).toMatchObject({
    label: '$(check) Learn “tags” from “tokens”',
    description: 'Token classification',
  });
  expect(labels(first).slice(-2)).toEqual(['1 tag', '$(tag) O']);
  expect(first.items.at(-1)).toMatchObject({ description: '3,000 words' });
  first.accept('$(arrow-swap) Learn another task…');
  (await question('What should the model learn?')).accept('Text classification');
  const other = await question('36 rows: which column is the text, and which is the label?');
  other.accept('$(arrow-swap) Learn another task…');
  (await question('What should the model learn?')).accept('Token classification');
  (await question('320 sentences')).accept();
  (await question('Which base model')).accept();
  (await question('Which parameters')).accept();
  const summary = await question('Press Enter');
  expect(labels(summary).join()).toContain('training sentences');
  expect(asked).toEqual([undefined, 'text-classification', 'token-classification', 'token-classification']);
  expect(recipe).toMatchObject({ task: 'token-classification', columns: { tokens: 'tokens', tags: 'tags' } });
  summary.hide();
  expect(await ended).toEqual(ESCAPED);
});

test('a task for which there are too few columns is refused where it was chosen, and the one before stands', async () => {
  answers['data/inspect'] = ({ task = 'conversational' }: { task?: string }) => ({
    ...inspect({}),
    ...{ task, format: 'jsonl', rows: 224, columns: [column('messages')], classes: [] },
    guess: task === 'conversational' ? { messages: 'messages' } : {},
  });
  const ended = start();
  const first = await question('224 conversations: are these the right columns?');
  expect(first.items[0]).toMatchObject({ label: '$(check) Learn “messages”', description: 'Conversation' });
  first.accept('$(arrow-swap) Learn another task…');
  const tasks = await question('What should the model learn?');
  expect(Object.fromEntries(tasks.items.map(({ label, description }) => [label, description]))).toMatchObject({
    'Text classification': 'text and label',
    'Text generation': 'text or completion',
    Conversation: 'messages or answer',
  });
  tasks.accept('Text classification');
  const again = await question('224 conversations: are these the right columns?');
  expect(labels(again)[0]).toBe('There is only one column, “messages”: fine-tuning needs texts and their labels.');
  again.accept('$(check) Learn “messages”');
  (await question('Which base model')).hide();
  expect(await ended).toEqual(ESCAPED);
});

test('where rows are written in one of several ways, no columns are asked for of the others', async () => {
  const asked: (Columns | undefined)[] = [];
  answers['data/inspect'] = ({ columns }: { columns?: Columns }) => {
    asked.push(columns);
    return {
      ...inspect({}),
      ...{ task: 'conversational', format: 'jsonl', rows: 224, classes: [] },
      columns: ['messages', 'topic', 'reply'].map(column),
      guess: columns ?? { messages: 'messages' },
    };
  };
  const other = '$(list-selection) Choose other columns…';
  const ended = start();
  (await question('224 conversations')).accept(other);
  (await question('column contains the messages')).accept('messages');
  const system = await question('column contains the system message');
  system.accept('$(circle-slash) None');
  (await question('column contains the tools')).accept('$(circle-slash) None');
  await question('Which base model');
  expect(asked.at(-1)).toEqual({ messages: 'messages' });
  shown.picker!.back();
  (await question('224 conversations')).accept(other);
  (await question('column contains the messages')).accept('$(circle-slash) None');
  (await question('column contains the prompt')).accept('topic');
  (await question('column contains the input')).back();
  (await question('column contains the prompt')).back();
  (await question('column contains the messages')).accept('messages');
  (await question('column contains the system message')).hide();
  expect(await ended).toEqual(ESCAPED);
});

test('too few rows of a task without labels are told without a word of labels', async () => {
  answers['data/inspect'] = () => ({
    ...inspect({}),
    ...{ task: 'conversational', rows: 2, columns: [column('messages')], guess: { messages: 'messages' }, classes: [] },
  });
  const ended = start();
  const first = await question('2 conversations');
  expect(first.items[0]).toMatchObject({
    label: 'films.csv: 2 conversations are too few to learn from.',
    detail: 'At least 5 conversations are needed. A few hundred are a good start.',
  });
  first.hide();
  expect(await ended).toEqual(ESCAPED);
});
