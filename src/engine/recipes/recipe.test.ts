import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LuthierError } from '../../protocol/index.ts';
import { applySets, checkRecipe, InvalidRecipe, loadRecipe, parseRecipe, resolveRecipe } from './recipe.ts';
import { recipeEditorSchemaText, recipeSchemaText, withMetricTable, withRecipeTable } from './recipe-docs.ts';

const minimal = { model: 'starters/bert', dataset: 'tickets.csv' };

function refusal(input: unknown): string {
  try {
    parseRecipe(input);
  } catch (error) {
    if (error instanceof LuthierError) return error.message;
    throw error;
  }
  throw new Error('accepted');
}

describe('parseRecipe', () => {
  it('fills in every default', () => {
    expect(parseRecipe(minimal)).toMatchInlineSnapshot(`
      {
        "adam_beta1": 0.9,
        "adam_beta2": 0.999,
        "adam_epsilon": 1e-8,
        "backend": "auto",
        "columns": {},
        "dataset": "tickets.csv",
        "early_stopping_patience": 0,
        "eval_steps": 0,
        "gradient_accumulation_steps": 1,
        "keep_checkpoints": false,
        "label_smoothing_factor": 0,
        "learning_rate": 0.00005,
        "logging_steps": 1,
        "lr_scheduler_type": "linear",
        "max_grad_norm": 1,
        "max_length": 128,
        "max_steps": -1,
        "metric_for_best_model": "f1_macro",
        "model": "starters/bert",
        "num_train_epochs": 3,
        "per_device_eval_batch_size": 64,
        "per_device_train_batch_size": 16,
        "save_steps": 0,
        "save_total_limit": 2,
        "seed": 42,
        "strategy": {
          "type": "full",
        },
        "task": "text-classification",
        "validation_split": 0.1,
        "version": 2,
        "warmup_steps": 0.06,
        "weight_decay": 0.01,
      }
    `);
  });

  it('names an unknown key and the nearest one', () => {
    expect(refusal({ ...minimal, learning_rat: 1e-4 })).toMatchInlineSnapshot(
      `"The recipe: unknown key "learning_rat"; did you mean "learning_rate"?"`,
    );
    expect(refusal({ ...minimal, epochs: 3 })).toMatchInlineSnapshot(
      `"The recipe: unknown key "epochs"; did you mean "num_train_epochs"?"`,
    );
    expect(refusal({ ...minimal, strategy: { type: 'freeze', num_frozen_layer: 3 } })).toMatchInlineSnapshot(
      `
      "The recipe: unknown key "strategy.num_frozen_layer"; did you mean "strategy.num_frozen_layers"?
      The recipe: "strategy.num_frozen_layers" is missing."
    `,
    );
    expect(refusal({ ...minimal, dataset: { trian: 'a.csv' } })).toMatchInlineSnapshot(
      `"The recipe: unknown key "dataset.trian"; did you mean "dataset.train"?"`,
    );
    expect(refusal({ ...minimal, columns: { texts: 'body' } })).toMatchInlineSnapshot(
      `"The recipe: unknown key "columns.texts"; did you mean "columns.text"?"`,
    );
  });

  it('says what is wrong as data, too', () => {
    const wrong = () => parseRecipe({ ...minimal, strategy: { type: 'full', r: 8 } });
    expect(wrong).toThrow(InvalidRecipe);
    expect(wrong).toThrow(expect.objectContaining({ issues: [expect.objectContaining({ code: 'unknown-key' })] }));
    expect(() => parseRecipe({ ...minimal, fp16: true, strategy: { type: 'head' } })).toThrow(
      expect.objectContaining({ issues: [expect.objectContaining({ code: 'wrong-value', keys: ['fp16'] })] }),
    );
  });

  it('points a column that is named at the top to columns', () => {
    for (const [unknown, key] of Object.entries({
      ...{ text: 'text', label: 'label', text_column: 'text', Label_Column: 'label' },
      ...{ text_pair_column: 'text_pair', label_column_name: 'label', group: 'group' },
    }))
      expect(refusal({ ...minimal, [unknown]: 'body' })).toBe(
        `The recipe: unknown key "${unknown}"; did you mean "columns.${key}"?`,
      );
    expect(checkRecipe({ ...minimal, label_column: 'body' })).toMatchObject({
      issues: [{ hint: 'Columns are named together, as in {"columns": {"label": "body"}}.' }],
    });
  });

  it('points a strategy’s key at the top to the strategy, and says which strategies have it', () => {
    expect(refusal({ ...minimal, load_in_4bit: true })).toBe(
      'The recipe: unknown key "load_in_4bit"; did you mean "strategy.load_in_4bit"?',
    );
    expect(refusal({ ...minimal, toString: true })).not.toContain('strategy');
    expect(checkRecipe({ ...minimal, load_in_4bit: true })).toMatchObject({
      issues: [
        {
          hint: 'It is a key of "strategy". It works only with {"type": "freeze"}, {"type": "lora"}, {"type": "prompt-tuning"} and {"type": "prefix-tuning"}.',
        },
      ],
    });
  });

  it('names key and range of a value out of it', () => {
    expect(refusal({ ...minimal, learning_rate: 0 })).toMatchInlineSnapshot(
      `"The recipe: "learning_rate" is 0 and must be more than 0."`,
    );
    expect(refusal({ ...minimal, learning_rate: '1e-4' })).toMatchInlineSnapshot(
      `"The recipe: "learning_rate" is "1e-4" and must be a number."`,
    );
    expect(refusal({ ...minimal, validation_split: 1 })).toMatchInlineSnapshot(
      `"The recipe: "validation_split" is 1 and must be at most 0.9."`,
    );
    expect(refusal({ ...minimal, num_train_epochs: -1, seed: 1.5 })).toMatchInlineSnapshot(
      `
      "The recipe: "num_train_epochs" is -1 and must be more than 0.
      The recipe: "seed" is 1.5 and must be a whole number."
    `,
    );
    expect(refusal({ ...minimal, adam_beta1: 1 })).toMatchInlineSnapshot(
      `"The recipe: "adam_beta1" is 1 and must be less than 1."`,
    );
    expect(refusal({ ...minimal, lr_scheduler_type: 'linea' })).toMatchInlineSnapshot(
      `"The recipe: "lr_scheduler_type" is "linea" and must be "linear", "cosine", "constant", "constant_with_warmup" or "slanted_triangular". Did you mean "linear"?"`,
    );
    expect(refusal({ ...minimal, strategy: { type: 'frozen' } })).toMatchInlineSnapshot(
      `"The recipe: "strategy.type" is "frozen" and must be "full", "freeze", "gradual-unfreeze", "lora", "bitfit", "prompt-tuning", "prefix-tuning", "few-shot" or "head"."`,
    );
    expect(refusal({ ...minimal, strategy: { type: 'freeze' } })).toMatchInlineSnapshot(
      `"The recipe: "strategy.num_frozen_layers" is missing."`,
    );
    expect(refusal({ ...minimal, dataset: 7 })).toMatchInlineSnapshot(
      `"The recipe: "dataset" is 7 and must be a string or an object."`,
    );
    expect(refusal({ ...minimal, warmup_steps: 2.5 })).toMatchInlineSnapshot(
      `"The recipe: warmup_steps is 2.5; it must be a share below 1 or a whole number of steps."`,
    );
    expect(refusal({ dataset: 'a.csv' })).toMatchInlineSnapshot(`"The recipe: "model" is missing."`);
    expect(refusal([])).toMatchInlineSnapshot(`"The recipe: a recipe must be a JSON object."`);
  });

  it.each([
    ['class_weight', 'balanced'],
    ['label_smoothing_factor', 0.1],
  ])('refuses %s where no single class is chosen', (key, value) => {
    const of = (problem_type: string) => refusal({ ...minimal, problem_type, [key]: value });
    expect(of('multi_label_classification')).toBe(
      `The recipe: ${key} is of a loss that chooses one class, and multi_label_classification learns by a loss for each label by itself.`,
    );
    expect(of('regression')).toBe(
      `The recipe: ${key} is of a loss that chooses one class, and regression learns by a squared error.`,
    );
    expect(parseRecipe({ ...minimal, problem_type: 'single_label_classification', [key]: value })).toHaveProperty(key);
    expect(parseRecipe({ ...minimal, problem_type: 'regression', label_smoothing_factor: 0 }).problem_type).toBe(
      'regression',
    );
  });

  it('takes fp16 with what computes gradients of layers in float, and refuses it elsewhere', () => {
    expect(parseRecipe({ ...minimal, fp16: true }).fp16).toBe(true);
    expect(parseRecipe(minimal)).not.toHaveProperty('fp16');
    expect(refusal({ ...minimal, fp16: true, strategy: { type: 'head' } })).toContain('trains the classifier alone');
    const narrow = { type: 'freeze', num_frozen_layers: 4, load_in_8bit: true };
    expect(refusal({ ...minimal, fp16: true, strategy: narrow })).toContain('fp16 and load_in_8bit are both given');
    const narrowest = { type: 'freeze', num_frozen_layers: 4, load_in_4bit: true };
    expect(refusal({ ...minimal, fp16: true, strategy: narrowest })).toContain('fp16 and load_in_4bit are both given');
    expect(parseRecipe({ ...minimal, fp16: false, strategy: { type: 'head' } }).fp16).toBe(false);
  });

  it('takes frozen layers in 8 or in 4 bits, and not in both', () => {
    const strategy = { type: 'lora', load_in_4bit: true };
    expect(parseRecipe({ ...minimal, strategy }).strategy).toMatchObject(strategy);
    expect(parseRecipe({ ...minimal, strategy: { ...strategy, load_in_8bit: false } }).strategy).toMatchObject(
      strategy,
    );
    expect(refusal({ ...minimal, strategy: { ...strategy, load_in_8bit: true } })).toContain(
      'load_in_8bit and load_in_4bit are both given',
    );
    expect(refusal({ ...minimal, strategy: { type: 'full', load_in_4bit: true } })).toContain(
      'unknown key "strategy.load_in_4bit"',
    );
  });

  it('takes focal_gamma for classifiers, and refuses it elsewhere and beside what it contradicts', () => {
    for (const more of [{}, { task: 'token-classification' }, { problem_type: 'multi_label_classification' }])
      expect(parseRecipe({ ...minimal, ...more, focal_gamma: 2 }).focal_gamma).toBe(2);
    expect(parseRecipe({ ...minimal, focal_gamma: 2, class_weight: 'balanced' }).class_weight).toBe('balanced');
    expect(parseRecipe(minimal)).not.toHaveProperty('focal_gamma');
    expect(refusal({ ...minimal, problem_type: 'regression', focal_gamma: 2 })).toBe(
      'The recipe: focal_gamma is of classifiers, and the task is regression.',
    );
    expect(refusal({ ...minimal, task: 'conversational', focal_gamma: 2 })).toContain('focal_gamma is of classifiers');
    expect(refusal({ ...minimal, focal_gamma: 2, label_smoothing_factor: 0.1 })).toContain('are both given');
    expect(refusal({ ...minimal, focal_gamma: -1 })).toContain('focal_gamma');
  });

  it('takes the keys of the slanted triangle with it alone', () => {
    const slanted = { ...minimal, lr_scheduler_type: 'slanted_triangular' };
    expect(parseRecipe({ ...slanted, cut_frac: 0.2, ratio: 10 })).toMatchObject({ cut_frac: 0.2, ratio: 10 });
    expect(parseRecipe(slanted)).not.toHaveProperty('ratio');
    for (const key of ['cut_frac', 'ratio'])
      expect(refusal({ ...minimal, [key]: key === 'ratio' ? 32 : 0.1 })).toBe(
        `The recipe: ${key} is of lr_scheduler_type "slanted_triangular", and this recipe has "linear".`,
      );
    expect(refusal({ ...slanted, ratio: 0.5 })).toContain('ratio');
  });

  it('refuses how several labels are written where one is learned, both ways at once, and a type of another task', () => {
    expect(refusal({ ...minimal, label_separator: '|' })).toContain('label_separator is for several labels in a row');
    expect(refusal({ ...minimal, problem_type: 'regression', label_columns: ['a', 'b'] })).toContain(
      'label_columns is for several labels in a row',
    );
    const several = { ...minimal, problem_type: 'multi_label_classification' };
    expect(refusal({ ...several, label_separator: '|', label_columns: ['a', 'b'] })).toContain('both given');
    expect(parseRecipe({ ...several, label_separator: '|' }).metric_for_best_model).toBe('f1_micro');
    expect(refusal({ ...minimal, task: 'token-classification', problem_type: 'regression' })).toContain(
      'problem_type is of text-classification',
    );
  });

  it("accepts transformers 4's warmup_ratio, but not beside warmup_steps", () => {
    expect(parseRecipe({ ...minimal, warmup_ratio: 0.1 }).warmup_steps).toBe(0.1);
    expect(parseRecipe({ ...minimal, warmup_ratio: 0.1 })).not.toHaveProperty('warmup_ratio');
    expect(refusal({ ...minimal, warmup_ratio: 0.1, warmup_steps: 3 })).toMatch(/both given/);
  });

  it('ends in a recipe or in a sentence, whatever it is given', () => {
    const keys = [...Object.keys(parseRecipe(minimal)), 'x', '__proto__', 'warmup_ratio'];
    const record = fc.dictionary(fc.constantFrom(...keys), fc.jsonValue());
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), record), (input) => {
        try {
          const recipe = parseRecipe(input);
          // A complete recipe is its own input.
          expect(parseRecipe(recipe)).toEqual(recipe);
        } catch (error) {
          if (!(error instanceof LuthierError)) throw error;
          expect(error.code).toBe('recipe-invalid');
          expect(error.message).not.toMatch(/undefined|\[object/);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('--set', () => {
  it('sets dotted keys, reading values as JSON', () => {
    const set = applySets(minimal, ['seed=7', 'model=my/bert', 'strategy.type=freeze', 'strategy.num_frozen_layers=8']);
    expect(set).toEqual({
      ...minimal,
      seed: 7,
      model: 'my/bert',
      strategy: { type: 'freeze', num_frozen_layers: 8 },
    });
    expect(minimal).not.toHaveProperty('seed');
  });

  it('fills in peft’s defaults of LoRA, and says what is wrong with a setting of it', () => {
    expect(parseRecipe({ ...minimal, strategy: { type: 'lora' } }).strategy).toEqual({
      type: 'lora',
      r: 8,
      lora_alpha: 8,
      lora_dropout: 0,
    });
    const wrong = (settings: object) => refusal({ ...minimal, strategy: { type: 'lora', ...settings } });
    expect(wrong({ r: 0 })).toMatchInlineSnapshot(`"The recipe: "strategy.r" is 0 and must be at least 1."`);
    expect(wrong({ lora_dropout: 1 })).toMatchInlineSnapshot(
      `"The recipe: "strategy.lora_dropout" is 1 and must be less than 1."`,
    );
    expect(wrong({ target_modules: 'query' })).toMatchInlineSnapshot(
      `"The recipe: "strategy.target_modules" is "query" and must be a list of names or "all-linear"."`,
    );
    expect(wrong({ target_modules: [] })).toMatchInlineSnapshot(`"The recipe: "strategy.target_modules" is empty."`);
    expect(wrong({ rank: 8 })).toMatchInlineSnapshot(
      `"The recipe: unknown key "strategy.rank"; did you mean "strategy.r"?"`,
    );
    expect(wrong({ load_in_8bit: 'yes' })).toMatchInlineSnapshot(
      `"The recipe: "strategy.load_in_8bit" is "yes" and must be true or false."`,
    );
    expect(refusal({ ...minimal, strategy: { type: 'full', load_in_8bit: true } })).toMatchInlineSnapshot(
      `"The recipe: unknown key "strategy.load_in_8bit"."`,
    );
  });

  it('refuses few-shot for what has not one class for each text', () => {
    const strategy = { type: 'few-shot' };
    expect(parseRecipe({ ...minimal, strategy }).strategy).toMatchObject({ batch_size: 16 });
    for (const more of [{ problem_type: 'regression' }, { task: 'token-classification' }])
      expect(refusal({ ...minimal, ...more, strategy })).toContain('strategy "few-shot" is for text-classification');
  });

  it('refuses rows of the labels’ names where none can be made of them', () => {
    const label_templates = ['This sentence is {}', '{}'];
    const head = { type: 'head', solver: 'lbfgs', label_templates };
    for (const strategy of [head, { type: 'few-shot', label_templates }])
      expect(parseRecipe({ ...minimal, strategy }).strategy).toMatchObject({ label_templates });
    const several = { problem_type: 'multi_label_classification', strategy: head };
    expect(parseRecipe({ ...minimal, ...several }).strategy).toEqual(head);
    const of = (more: object) => refusal({ ...minimal, strategy: head, ...more });
    expect(of({ problem_type: 'regression' })).toContain('this recipe learns numbers');
    expect(of({ strategy: { type: 'head', label_templates } })).toContain('this head is trained step by step');
    expect(of({ template: 'a.prompty' })).toContain('rows here are read through a template');
    expect(of({ strategy: { ...head, label_templates: ['no place'] } })).toContain(
      'a template has {} where the label’s name belongs',
    );
    expect(of({ strategy: { ...head, label_templates: [] } })).toContain('is empty');
    expect(of({ strategy: { type: 'full', label_templates } })).toContain('unknown key "strategy.label_templates"');
  });

  it('completes a strategy that --set chooses as every door suggests it, and says so; a file’s keys keep their defaults', async () => {
    const load = (sets: string[], more = {}) => resolveRecipe({ ...minimal, ...more }, tmpdir(), sets);
    const { recipe, suggested } = await load(['strategy.type=lora', 'strategy.r=16']);
    expect(recipe.strategy).toEqual({
      type: 'lora',
      r: 16,
      lora_alpha: 16,
      lora_dropout: 0.05,
      target_modules: ['query', 'value'],
      load_in_8bit: true,
    });
    expect(suggested).toEqual(recipe.strategy);
    const onCard = await load(['strategy.type=lora', 'fp16=true']);
    expect(onCard.recipe.strategy).not.toHaveProperty('load_in_8bit');
    const inFour = await load(['strategy.type=lora', 'strategy.load_in_4bit=true']);
    expect(inFour.recipe.strategy).toMatchObject({ type: 'lora', load_in_4bit: true });
    expect(inFour.recipe.strategy).not.toHaveProperty('load_in_8bit');
    // Half of the layers of the starter, and of a model whose depth is not known.
    for (const model of ['starters/bert', 'not/downloaded']) {
      expect((await load(['strategy.type=freeze'], { model })).recipe.strategy).toEqual({
        type: 'freeze',
        num_frozen_layers: 3,
        load_in_8bit: true,
      });
    }
    const whole = await load(['strategy={"type":"lora"}']);
    expect(whole.recipe.strategy).toMatchObject({ lora_alpha: 8, lora_dropout: 0 });
    const written = await load(['strategy.type=lora'], { strategy: { type: 'lora', r: 2 } });
    expect(written.recipe.strategy).toMatchObject({ r: 2, lora_alpha: 8, lora_dropout: 0 });
    expect((await load(['strategy.type=head'])).suggested).toEqual({ type: 'head', solver: 'lbfgs' });
    const tagger = { task: 'token-classification' };
    expect((await load(['strategy.type=head'], tagger)).recipe.strategy).toEqual({ type: 'head' });
    for (const { suggested } of [whole, written, await load([])]) expect(suggested).toBeUndefined();
  });

  it('drops the old keys of a strategy whose type is replaced', () => {
    const input = { ...minimal, strategy: { type: 'freeze', num_frozen_layers: 8 } };
    expect(parseRecipe(applySets(input, ['strategy.type=head'])).strategy).toEqual({ type: 'head' });
  });

  it('refuses one without a value', () => {
    expect(() => applySets(minimal, ['seed'])).toThrow(/--set seed has no value/);
  });
});

describe('loadRecipe', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'luthier-recipe-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const load = async (text: string, sets: string[] = []) => {
    const file = join(folder, 'a.recipe.json');
    await writeFile(file, text);
    return loadRecipe(file, sets);
  };
  const message = async (text: string) => {
    const error = await load(text).catch((e: unknown) => e);
    if (!(error instanceof LuthierError)) throw new Error(`not refused: ${text}`);
    return error.message.replace(`${folder}/`, '');
  };

  it('names line and column', async () => {
    expect(await message('{\n  "model": "m",\n  "dataset": "d.csv"\n  "seed": 1\n}')).toMatchInlineSnapshot(
      `"a.recipe.json:4:3 is not valid JSON: a comma is expected."`,
    );
    expect(await message('{"model": "m", }')).toMatchInlineSnapshot(
      `"a.recipe.json:1:16 is not valid JSON: a key in double quotes is expected (there may be an extra comma before it)."`,
    );
    expect(await message('{"model": "m", // note\n}')).toMatchInlineSnapshot(
      `"a.recipe.json:1:16 is not valid JSON: comments are not allowed."`,
    );
    expect(await message('')).toMatchInlineSnapshot(`"a.recipe.json:1:1 is not valid JSON: a value is expected."`);
    expect(await message('{"model": "m"} x')).toMatchInlineSnapshot(
      `"a.recipe.json:1:16 is not valid JSON: a word without quotes must be true, false or null."`,
    );
    expect(await message('{\n"model": "m",\n"dataset": "d",\n  "sead": 1}')).toMatchInlineSnapshot(
      `"a.recipe.json:4:3: unknown key "sead"; did you mean "seed"?"`,
    );
    expect(await message('{\n"model": "m",\n"dataset": "d",\n  "seed": -1}')).toMatchInlineSnapshot(
      `"a.recipe.json:4:3: "seed" is -1 and must be at least 0."`,
    );
  });

  it('says what is wrong with the file itself', async () => {
    await expect(loadRecipe(join(folder, 'none.json'))).rejects.toThrow(/none\.json does not exist/);
    await expect(loadRecipe(folder)).rejects.toThrow(/is a folder/);
    await writeFile(join(folder, 'bin.json'), Buffer.from([0x7b, 0xff, 0xfe]));
    await expect(loadRecipe(join(folder, 'bin.json'))).rejects.toThrow(/not UTF-8/);
    for (const [open, close] of ['[]', ['{"a":', '1}']]) {
      const deep = `{"model": ${open!.repeat(100_000)}${close!.repeat(100_000)}}`;
      await writeFile(join(folder, 'deep.json'), deep);
      await expect(loadRecipe(join(folder, 'deep.json'))).rejects.toMatchObject({
        code: 'recipe-invalid',
        message: expect.stringMatching(/deep\.json is nested more than 100 levels deep/),
      });
    }
  });

  it("makes paths absolute from the recipe's folder and leaves names alone", async () => {
    await mkdir(join(folder, 'bert'), { recursive: true });
    await mkdir(join(folder, '.luthier', 'datasets', 'tickets'), { recursive: true });
    const one = await load('{"model": "bert", "dataset": {"train": "a.csv", "test": "../b.csv"}}');
    expect(one.recipe.model).toBe(join(folder, 'bert'));
    expect(one.recipe.dataset).toEqual({ train: join(folder, 'a.csv'), test: join(folder, '..', 'b.csv') });
    const two = await load('{"model": "starters/bert", "dataset": "tickets"}');
    expect(two.recipe.model).toBe('starters/bert');
    expect(two.recipe.dataset).toBe(join(folder, '.luthier', 'datasets', 'tickets'));
    const three = await resolveRecipe({ model: 'm', dataset: 'no.csv' }, folder, ['seed=3']);
    expect(three.recipe).toMatchObject({ dataset: join(folder, 'no.csv'), seed: 3 });
  });
});

describe('what is made from the schema', () => {
  it('is up to date (npm run schema)', async () => {
    const root = new URL('../../../', import.meta.url);
    expect(await readFile(new URL('media/recipe.schema.json', root), 'utf8')).toBe(recipeSchemaText());
    expect(await readFile(new URL('media/recipe.editor.schema.json', root), 'utf8')).toBe(recipeEditorSchemaText());
    const doc = await readFile(new URL('docs/recipe.md', root), 'utf8');
    expect(withRecipeTable(doc)).toBe(doc);
    const metrics = await readFile(new URL('docs/evaluation.md', root), 'utf8');
    expect(withMetricTable(metrics)).toBe(metrics);
  });
});

it('a class that is called as no key of an object may be is refused, not left out', () => {
  const recipe = JSON.parse(
    '{"model": "m", "dataset": "d", "class_weight": {"__proto__": 2, "constructor": 3}}',
  ) as unknown;
  expect(() => parseRecipe(recipe)).toThrow(/class_weight cannot weigh a class that is called “__proto__”/);
  expect(() => applySets({}, ['class_weight.__proto__=2'])).toThrow(/“__proto__” is not a key of a recipe/);
  expect(() => applySets({}, ['__proto__.polluted=1'])).toThrow(/“__proto__”/);
  expect('polluted' in {}).toBe(false);
  const fine = JSON.parse('{"model": "m", "dataset": "d", "class_weight": {"constructor": 3}}') as unknown;
  expect(parseRecipe(fine).class_weight).toEqual({ constructor: 3 });
});
