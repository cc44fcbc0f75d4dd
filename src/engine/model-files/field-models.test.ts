import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TagPrediction } from '../../protocol/index.ts';
import { type BertFolder, makeBertFolder, VOCAB } from '../hub/testing/bert-folder.ts';
import { evaluateModel } from '../infer/evaluate-model.ts';
import { noteLong } from '../infer/predict-file.ts';
import { createPredictor } from '../infer/predictor.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { exportModel } from '../runs/export.ts';
import type { TextInput } from '../text/tokenizer.ts';
import { createTrainer } from '../train/trainer.ts';

/** Model folders as people come with them, and what each door makes of them. */

const TEXT = 'refund the invoice';
const names = (...labels: string[]) => ({ id2label: Object.fromEntries(labels.map((label, i) => [i, label])) });

let place: string;
let count = 0;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier field models-'));
});
afterAll(() => rm(place, { recursive: true, force: true }));

const folderOf = (options: BertFolder) => makeBertFolder(join(place, `model-${count++}`), options);

async function predict(folder: string, text = TEXT) {
  const predictor = await createPredictor(folder);
  try {
    return (await predictor.predict([text]))[0]!;
  } finally {
    predictor.dispose();
  }
}

/** Both doors that ask a trained model say the same. */
async function refusal(options: BertFolder): Promise<{ code: string; message: string; hint: string }> {
  const folder = await folderOf(options);
  const error = (await predict(folder).catch((e: unknown) => e)) as { code: string; message: string; hint: string };
  expect(await exportModel(folder, 'onnx').catch((e: unknown) => (e as Error).message)).toBe(error.message);
  return error;
}

/** Trains on rows of these classes; gives what the log says and what the classifier held before the first step. */
async function train(model: string, labels: string[], recipe: object = {}) {
  const rows = labels.flatMap((label, i) => VOCAB.slice(5, 9).map((word) => `${word} ${VOCAB[9 + i]},${label}`));
  await writeFile(join(place, 'rows.csv'), ['text,label', ...rows].join('\n'));
  const notes: string[] = [];
  const trainer = await createTrainer({
    recipe: parseRecipe({
      ...{ model, dataset: 'rows.csv', validation_split: 0, per_device_train_batch_size: 4, max_steps: 1 },
      ...recipe,
    }),
    base: place,
    note: (_, message) => notes.push(message),
  });
  return { trainer, notes, log: notes.join('\n') };
}

describe('words that the model’s vocabulary lacks', () => {
  it('are counted beside the answer, of a text and of a pair', async () => {
    const predictor = await createPredictor(await folderOf({ classes: 2 }));
    const [known, strange] = [VOCAB.slice(5, 8).join(' '), '你 好'];
    const unknown = async (text: TextInput) => (await predictor.predict([text]))[0]!.unknown_tokens;
    expect(await unknown(known)).toBeUndefined();
    expect(await unknown(`${known} ${strange}`)).toEqual({ count: 2, of: 5 });
    expect(await unknown({ text: strange, text_pair: known })).toEqual({ count: 2, of: 5 });
    predictor.dispose();
  });

  it('and so is that a text is longer than the model reads', async () => {
    const predictor = await createPredictor(await folderOf({ classes: 2 }), { maxLength: 6 });
    const words = VOCAB.slice(5, 8).join(' ');
    const [short, long] = await predictor.predict([words, `${words} ${words}`]);
    expect(short).not.toHaveProperty('truncated');
    expect(long).toMatchObject({ truncated: true, text: `${words} ${words}` });
    const notes: string[] = [];
    noteLong([short!, long!], predictor.maxLength, (level, message) => notes.push(`${level}: ${message}`));
    expect(notes).toEqual([
      'warning: 1 of 2 texts is longer than the 6 tokens that the model reads; the rest of it was left out.',
    ]);
    predictor.dispose();
  });
});

describe('names of classes', () => {
  it.each([
    ['num_labels alone', { num_labels: 3 }],
    ['the oldest form, _num_labels', { _num_labels: 3 }],
    ['nothing at all', {}],
  ])('%s: LABEL_0, LABEL_1, LABEL_2', async (_, config) => {
    const { scores } = await predict(await folderOf({ classes: 3, config }));
    expect(Object.keys(scores)).toEqual(['LABEL_0', 'LABEL_1', 'LABEL_2']);
  });

  it.each([
    ['id2label', names('no', 'yes')],
    ['id2label out of order', { id2label: { 1: 'yes', 0: 'no' } }],
    ['id2label as a list', { id2label: ['no', 'yes'] }],
    ['label2id alone', { label2id: { yes: 1, no: 0 } }],
    ['names beside a number', { ...names('no', 'yes'), num_labels: 2 }],
  ])('%s', async (_, config) => {
    expect(Object.keys((await predict(await folderOf({ config }))).scores)).toEqual(['no', 'yes']);
  });

  it.each([
    [
      'more rows than names',
      { classes: 3, config: names('no', 'yes') },
      'id2label in config.json names 2 classes, but classifier.weight has 3 rows.',
    ],
    [
      'more names than rows',
      { classes: 2, config: { num_labels: 5 } },
      'num_labels in config.json names 5 classes, but classifier.weight has 2 rows.',
    ],
    [
      'a gap',
      { config: { id2label: { 0: 'no', 2: 'yes' } } },
      'id2label does not number its 2 classes from 0 without gaps.',
    ],
    ['one name twice', { config: names('yes', 'yes') }, 'id2label gives two classes the name "yes"'],
    ['no number', { config: { num_labels: 'two' } }, 'num_labels is "two", not a number of classes.'],
  ])('%s are refused', async (_, options, message) => {
    expect(await refusal(options)).toMatchObject({ code: 'model-invalid', message: expect.stringContaining(message) });
  });
});

describe('models that are no text classifiers', () => {
  it.each([
    ['BertForMultipleChoice', { classes: 1 }, 'chooses among several texts'],
    ['BertForQuestionAnswering', { classes: 0 }, 'finds answers in a text'],
    ['BertForNextSentencePrediction', {}, 'says whether one sentence follows another'],
  ])('%s %o', async (architecture, options, message) => {
    const error = await refusal({ ...options, config: { architectures: [architecture] } });
    expect(error).toMatchObject({ code: 'model-unsupported', message: expect.stringContaining(message) });
  });

  it.each([
    [{ problem_type: 'multi_label_classification' }, 3, 'scores'],
    [{ problem_type: 'regression', ...names('grade') }, 1, 'value'],
    // transformers takes one label for a number.
    [{ ...names('grade') }, 1, 'value'],
  ] as const)('%j answers as transformers has it', async (config, classes, key) => {
    const folder = await folderOf({ classes, config });
    expect(Object.keys(await predict(folder))).toContain(key);
  });

  it('a token classifier answers with entities, never with a class', async () => {
    const folder = await folderOf({
      pooler: false,
      classes: 2,
      config: { ...names('O', 'B-PER'), architectures: ['BertForTokenClassification'] },
    });
    const answer = (await predict(folder)) as unknown as TagPrediction;
    expect(Object.keys(answer)).toEqual(['text', 'entities']);
    for (const { entity_group, word, start, end } of answer.entities) {
      expect([entity_group, word]).toEqual(['PER', TEXT.slice(start, end)]);
    }
  });

  it('a masked-language model without its head fills in nothing, whatever else it has', async () => {
    const error = await refusal({ config: { architectures: ['BertForMaskedLM'] } });
    expect(error).toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining(
        'cls.predictions.transform.dense.weight, so the model has no masked-language head',
      ),
      hint: expect.stringContaining('its class is BertForMaskedLM'),
    });
  });

  it('a classifier without a pooler, and a base model', async () => {
    expect(await refusal({ pooler: false })).toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('lacks bert.pooler.dense.weight'),
    });
    expect(await refusal({ classes: 0, config: { architectures: ['BertModel'] } })).toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining(
        'without a trained classifier or masked-language head, so it has no classes to answer with.',
      ),
      hint: expect.stringContaining('To fill in masks, name a model whose class is like BertForMaskedLM'),
    });
  });

  it.each([
    [
      'regression',
      2,
      'problem_type in config.json is "regression" and classifier.weight has 2 rows, so it answers with several numbers',
    ],
    ['single_label_classification', 1, 'has 1 row, so it chooses among one class'],
    ['ranking', 2, 'problem_type in config.json is "ranking"'],
  ])('problem_type %s', async (problem_type, classes, message) => {
    const error = await refusal({ classes, config: { ...(problem_type === undefined ? {} : { problem_type }) } });
    expect(error).toMatchObject({ code: 'model-unsupported', message: expect.stringContaining(message) });
  });

  it('a peft adapter names the model that it was trained on', async () => {
    const folder = join(place, 'adapter');
    await makeBertFolder(folder, {});
    for (const file of ['config.json', 'model.safetensors', 'vocab.txt']) await rm(join(folder, file));
    const config = { peft_type: 'LORA', base_model_name_or_path: 'D:\\models\\bert base' };
    await writeFile(join(folder, 'adapter_config.json'), JSON.stringify(config));
    await expect(predict(folder)).rejects.toMatchObject({
      code: 'model-unsupported',
      message: `${folder} contains a peft adapter (LORA), not a complete model. It was trained on the model D:\\models\\bert base (base_model_name_or_path).`,
    });
  });
});

describe('a classifier that training starts from', () => {
  /** Row c holds c + 1 throughout, so that it is known again. */
  const marked = (name: string, data: Float32Array) => {
    if (!name.startsWith('classifier.')) return;
    const width = name.endsWith('weight') ? 8 : 1;
    for (let i = 0; i < data.length; i++) data[i] = Math.floor(i / width) + 1;
  };
  const start = async (options: BertFolder, labels: string[]) => {
    const { trainer, log } = await train(await folderOf({ weights: marked, ...options }), labels);
    const { parameters } = trainer.state();
    const bias = [...parameters.get('classifier.bias')!.data];
    const weight = parameters.get('classifier.weight')!.data;
    const rows = labels.map((_, c) => weight[c * 8]!);
    trainer.dispose();
    return { log, bias, rows };
  };

  it('is kept for the same classes, its rows matched by name', async () => {
    const same = await start({ classes: 3, config: names('a', 'b', 'c') }, ['a', 'b', 'c']);
    expect([same.rows, same.bias]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(same.log).toContain('which has the same classes');
    const moved = await start({ classes: 3, config: names('c', 'a', 'b') }, ['a', 'b', 'c']);
    expect([moved.rows, moved.bias]).toEqual([
      [2, 3, 1],
      [2, 3, 1],
    ]);
    expect(moved.log).toContain('its classes are in a different order and are matched by name');
  });

  it.each([
    [
      'other classes',
      { classes: 3, config: names('a', 'b', 'x') },
      'The classifier starts from new weights: the model’s own is for other classes (a, b, x).',
    ],
    [
      'one class more',
      { classes: 2, config: names('a', 'b') },
      'The classifier starts from new weights: the model’s own is for other classes (a, b).',
    ],
    [
      'names and rows that differ',
      { classes: 3, config: names('a', 'b') },
      'cannot be used: id2label in config.json names 2 classes, but classifier.weight has 3 rows.',
    ],
    [
      'the same classes of tokens',
      { classes: 3, config: { ...names('a', 'b', 'c'), architectures: ['BertForTokenClassification'] } },
      'cannot be used: the model labels the tokens of a text',
    ],
    [
      'the same classes, several at once',
      { classes: 3, config: { ...names('a', 'b', 'c'), problem_type: 'multi_label_classification' } },
      'the model’s own is for multi_label_classification.',
    ],
    ['none', { classes: 0 }, 'The classifier starts from new weights: the model has none yet.'],
  ])('%s: new weights, and said', async (_, options, note) => {
    const { log, bias, rows } = await start(options, ['a', 'b', 'c']);
    expect(log).toContain(note);
    expect(bias).toEqual([0, 0, 0]);
    expect(rows.every((value) => Math.abs(value) < 0.2)).toBe(true);
  });

  it('answers alike after training in which nothing moved, whatever the order of its classes', async () => {
    const folder = await folderOf({ classes: 3, config: names('c', 'a', 'b') });
    const { trainer } = await train(folder, ['a', 'b', 'c'], { learning_rate: 1e-12 });
    await trainer.trainStep();
    const target = join(place, 'reordered', 'model');
    await trainer.saveModel(target);
    trainer.dispose();
    const [before, after] = [await predict(folder), await predict(target)];
    expect(Object.keys(before.scores)).toEqual(['c', 'a', 'b']);
    expect(Object.keys(after.scores)).toEqual(['a', 'b', 'c']);
    for (const label of ['a', 'b', 'c']) expect(after.scores[label]).toBeCloseTo(before.scores[label]!, 5);
    const evaluate = (model: string) =>
      evaluateModel({ model, data: join(place, 'rows.csv'), base: place, split: 'test', note: () => {} });
    const [one, other] = [await evaluate(folder), await evaluate(target)];
    expect(other.metrics.accuracy).toBe(one.metrics.accuracy);
    expect(other.metrics.f1_macro).toBeCloseTo(one.metrics.f1_macro!, 6);
    expect(other.metrics.loss).toBeCloseTo(one.metrics.loss, 5);
  });
});

describe('weights that are not finite', () => {
  const LAYER = 'bert.encoder.layer.0.output.dense.weight';
  it.each([
    [NaN, 'NaN'],
    [Infinity, 'infinity'],
    [-Infinity, 'infinity'],
  ])('%f is named before anything is computed', async (value, word) => {
    const weights = (name: string, data: Float32Array) => {
      if (name === LAYER) data[5] = value;
    };
    const message = `${LAYER} contains ${word} (value 6 of 128), so the model cannot give answers.`;
    expect(await refusal({ weights })).toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining(message),
    });
    const folder = await folderOf({ weights });
    for (const strategy of [{ type: 'full' }, { type: 'head' }, { type: 'lora' }]) {
      await expect(train(folder, ['a', 'b'], { strategy })).rejects.toMatchObject({
        message: expect.stringContaining(message),
      });
    }
  });

  it('weights too large to compute with are no answer either', async () => {
    const folder = await folderOf({
      weights: (name, data) => {
        if (name.startsWith('bert.pooler')) data.fill(5);
        if (name === 'classifier.weight') data.fill(3e38);
      },
    });
    await expect(predict(folder)).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('for text 1 of 1 is not a finite number'),
    });
  });
});

describe('tokens and embeddings', () => {
  const n = VOCAB.length;
  it('tokens beyond the embeddings are named with their file', async () => {
    const beside = { '<order>': n, '<sku>': n + 1 };
    expect(await refusal({ files: { 'added_tokens.json': JSON.stringify(beside) } })).toMatchObject({
      code: 'tokenizer-invalid',
      message: expect.stringMatching(
        new RegExp(
          `added_tokens\\.json gives the added token "<order>" and 1 more the ids ${n}–${n + 1}, but the model's vocab_size in config.json is ${n}\\.$`,
        ),
      ),
      hint: expect.stringContaining('resize_token_embeddings'),
    });
    const decoder = { added_tokens_decoder: { [n]: { content: '<order>' } } };
    expect((await refusal({ tokenizerConfig: decoder })).message).toMatch(
      new RegExp(`tokenizer_config\\.json gives the added token "<order>" the id ${n}, but`),
    );
    expect((await refusal({ vocab: `${[...VOCAB, 'more', 'words'].join('\n')}\n` })).message).toMatch(
      new RegExp(`vocab\\.txt has ids up to ${n + 1}, but the model's vocab_size in config\\.json is ${n}\\.$`),
    );
  });

  it('more embeddings than tokens, a blank last line and CRLF answer as the plain model does', async () => {
    const plain = await predict(await folderOf({}));
    const crlf = `${VOCAB.join('\r\n')}\r\n`;
    expect(await predict(await folderOf({ vocab: `${crlf}\r\n` }))).toEqual(plain);
    const padded = await predict(await folderOf({ embeddings: n + 7, vocab: crlf }));
    expect(Object.keys(padded.scores)).toEqual(['LABEL_0', 'LABEL_1']);
  });
});

describe('the longest text', () => {
  it.each([1e30, 512, undefined])(
    'model_max_length %s and 16 positions: 16 is saved, and the run says it',
    async (model_max_length) => {
      const folder = await folderOf({ tokenizerConfig: { ...(model_max_length ? { model_max_length } : {}) } });
      const { trainer, log } = await train(folder, ['a', 'b'], { max_length: 512 });
      expect(log).toContain('max_length is 512, but the model takes at most 16 tokens; 16 is used.');
      await trainer.trainStep();
      const target = join(place, `cut-${model_max_length}`, 'model');
      await trainer.saveModel(target);
      trainer.dispose();
      const config = JSON.parse(await readFile(join(target, 'tokenizer_config.json'), 'utf8')) as object;
      expect(config).toMatchObject({ model_max_length: 16 });
      await predict(target, 'the parcel is very late '.repeat(20));
    },
  );
});

const FIELD = join(__dirname, '../../../../shared/field/today');
describe.skipIf(!existsSync(FIELD))('the folders in ../shared (skipped where they are not)', () => {
  it.each([
    ['T40-num-labels-without-names/model', 'LABEL_0,LABEL_1,LABEL_2'],
    ['T40-num-labels-without-names/legacy', 'LABEL_0,LABEL_1,LABEL_2'],
    ['T41-names-and-head-differ/model', /id2label in config.json names 2 classes, but classifier.weight has 3 rows/],
    ['T42-same-classes-other-order/model', 'positive,negative,neutral'],
    ['T43-token-classifier-as-text-classifier/model', 'entities'],
    ['T44-problem-type/multilabel', 'toxic,insult,threat'],
    ['T44-problem-type/regression', 'value'],
    ['T46-safetensors-metadata/null', 'no,yes'],
    ['T46-safetensors-metadata/empty', 'no,yes'],
    ['T46-safetensors-metadata/absent', 'no,yes'],
    ['T46-safetensors-metadata/number', /has a __metadata__ that is not a map of strings/],
    [
      'T48-more-tokens-than-rows/added',
      /added_tokens.json gives .* the ids 133–134, but the model's vocab_size in config.json is 133/,
    ],
    ['T48-more-tokens-than-rows/padded', 'no,yes'],
    ['T48-more-tokens-than-rows/blank-last-line', 'no,yes'],
    ['T53-adapter-as-model/adapter', /a peft adapter .* D:\\models\\bert base/],
    ['T58-not-finite-weights/nan', /contains NaN/],
  ])('%s', async (folder, right) => {
    const said = await predict(join(FIELD, folder)).then(
      (answer) => ('entities' in answer ? 'entities' : 'value' in answer ? 'value' : Object.keys(answer.scores).join()),
      (error: unknown) => (error as Error).message,
    );
    if (typeof right === 'string') expect(said).toBe(right);
    else expect(said).toMatch(right);
  });
});
