import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { createPredictor } from '../../src/engine/infer/predictor.ts';
import { scoreAtMask, scoreContinuations } from '../../src/engine/infer/verbalizer.ts';
import { openWriter } from '../../src/engine/infer/writer.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { packTexts, writeBatch } from '../../src/engine/runtime/packing.ts';
import { forwardProgram, PARAMETER } from '../../src/engine/runtime/programs.ts';
import { type Executor, sizeOf, type TensorData } from '../../src/engine/tensor/executors/executor.ts';
import { type MaskFill, type MaskPrediction, maskFills } from '../../src/protocol/index.ts';
import { TINY_VOCAB } from '../faults/tiny.ts';
import { EXECUTORS, figures } from './executors.ts';
import { findPython, runPython } from './python.ts';
import { relativeError, weight } from './values.ts';

/** What masked_figures.py wrote. */
interface MaskedFigures {
  config: Record<string, unknown> & { vocab_size: number; pad_token_id: number };
  architecture: string;
  deviation: number;
  parameters: string[];
  texts: { ids: number[]; read: number }[];
  logits: number[][];
}

const MASKED = { name: 'fill-mask', reads: 'named' } as const;
const read = (name: string) => JSON.parse(readFileSync(figures(`${name}-masked.json`), 'utf8')) as MaskedFigures;

describe.each(['bert', 'bert-untied', 'roberta', 'xlm-roberta', 'distilbert'])(
  'the masked-language head of %s',
  (name) => {
    const f = read(name);
    const architecture = architectureOf(f.config, 'figures', MASKED);

    it('has transformers’ name and parameters', () => {
      expect(architecture.className).toBe(f.architecture);
      expect([...declarationOf(architecture).parameters.keys()].sort()).toEqual(f.parameters);
    });

    it.each(EXECUTORS)('gives transformers’ logits on $title', async ({ isThere, create }) => {
      if (!isThere) return;
      const executor = await create();
      try {
        const logits = await masked(executor, f);
        expect(relativeError(logits, Float32Array.from(f.logits.flat()), 0)).toBeLessThan(1e-4);
      } finally {
        executor.dispose();
      }
    });

    /** Texts packed into common rows, one token of each read. */
    async function masked(executor: Executor, { texts, config, deviation }: MaskedFigures): Promise<Float32Array> {
      const items = texts.map(({ ids, read }) => ({ ids: Int32Array.from(ids), typeIds: null, read }));
      const packing = packTexts(
        items.map(({ ids }) => ids.length),
        32,
        items.length,
      );
      const make = () => new Int32Array(packing.shape.rows * packing.shape.length);
      const arrays = {
        ...{ input_ids: make(), token_type_ids: make(), position_ids: make(), text_ids: make() },
        read_token: new Int32Array(items.length),
      };
      writeBatch(arrays, items, packing, config.pad_token_id, architecture);
      const options = { architecture, outputs: config.vocab_size, shape: packing.shape };
      const feeds: Record<string, TensorData> = { ...arrays };
      for (const { name, shape } of declarationOf(architecture, options).parameters.values())
        feeds[PARAMETER + name] = weight(name, sizeOf(shape), deviation);
      const { program, inputs } = forwardProgram('all', options);
      const compiled = await executor.compile(program, inputs);
      const output = new Float32Array(items.length * config.vocab_size);
      await compiled.run(feeds, { output });
      compiled.dispose();
      return output;
    }
  },
);

const python = findPython();
const special = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>', mask_token: '<mask>' };

describe('luthier predict at a mask', () => {
  const models = {
    bert: {
      config: read('bert').config,
      vocab: TINY_VOCAB.length,
      mask: '[MASK]',
      files: {
        'vocab.txt': `${TINY_VOCAB.join('\n')}\n`,
        'tokenizer_config.json': '{"tokenizer_class": "BertTokenizer"}',
      },
    },
    roberta: {
      config: { ...read('roberta').config, max_position_embeddings: 40 },
      vocab: 425,
      mask: '<mask>',
      files: {
        'tokenizer.json': readFileSync(figures('tokenizers/roberta.json'), 'utf8'),
        'tokenizer_config.json': JSON.stringify({ tokenizer_class: 'RobertaTokenizer', ...special }),
      },
    },
  };
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier masked-'));
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  async function makeFolder(name: keyof typeof models): Promise<string> {
    const { config, vocab, files } = models[name];
    const whole = { ...config, vocab_size: vocab };
    const architecture = architectureOf(whole, name, MASKED);
    const tensors = [...declarationOf(architecture).parameters.values()].map(({ name, shape }) => ({
      ...{ name, shape, dtype: 'F32' as const },
      data: weight(name, sizeOf(shape), 0.25),
    }));
    const folder = join(place, name);
    await saveModelFolder(folder, { config: { ...whole, architectures: [architecture.className] }, tensors });
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
    return folder;
  }

  it.each(['bert', 'roberta'] as const)(
    `%s: transformers’ pipeline says the same (${python ? 'checked' : 'skipped without LUTHIER_PYTHON'})`,
    { timeout: 120_000 },
    async (name) => {
      const folder = await makeFolder(name);
      const { mask } = models[name];
      const texts = [`the ${mask} is late`, `${mask} refund, the invoice`, `a ${mask} is ${mask}.`];
      const predictor = await createPredictor(folder);
      const answers = (await predictor.predict(texts)) as unknown as MaskPrediction[];
      predictor.dispose();
      expect(answers.map((answer) => maskFills(answer).length)).toEqual([1, 1, 2]);
      for (const fills of answers.flatMap(maskFills)) {
        expect(fills).toHaveLength(5);
        expect(fills.map(({ score }) => score)).toEqual(fills.map(({ score }) => score).sort((a, b) => b - a));
      }
      if (!python) return;
      await writeFile(join(place, 'texts.json'), JSON.stringify(texts));
      const script = fileURLToPath(new URL('./fill_mask.py', import.meta.url));
      const { stdout, stderr } = await runPython(python, [script, folder, join(place, 'texts.json')]);
      expect(stdout, stderr).toContain('token_str');
      const theirs = JSON.parse(stdout.trim().split('\n').at(-1)!) as MaskPrediction['predictions'][];
      for (const [i, predictions] of theirs.entries()) {
        const [ours, other] = [answers[i]!, { text: '', predictions }].map(maskFills) as [MaskFill[][], MaskFill[][]];
        expect(named(ours)).toEqual(named(other));
        const scores = (fills: MaskFill[][]) => fills.flat().map(({ score }) => score);
        for (const [n, score] of scores(other).entries()) expect(scores(ours)[n]).toBeCloseTo(score, 5);
      }
    },
  );

  it('gives label words their probabilities, those of several tokens by several masks', {
    timeout: 120_000,
  }, async () => {
    const folder = await makeFolder('roberta');
    const predictor = await createPredictor(folder);
    const words = { good: 'late', bad: ['refund', 'in'] };
    const text = 'the <mask> is.';
    const told = await scoreAtMask(predictor, text, words);
    const ids = ['late', 'refund', 'in'].map((word) => [...predictor.tokenizer.encodeBare(` ${word}`).ids]);
    expect(told.scores.good! + told.scores.bad!).toBeCloseTo(1, 6);
    expect(told.notes.join(' ')).toContain('a word of several tokens is read at as many masks');
    const other = await scoreAtMask(predictor, 'the [MASK] is.', words);
    expect(other.scores).toEqual(told.scores);
    expect(other.notes[0]).toBe('[MASK] is read as <mask>, the mask of this model.');
    for (const [asked, message] of [
      ['no mask', 'has no <mask>'],
      ['<mask> and <mask>', 'has 2 masks; a verbalizer needs one'],
    ] as const)
      await expect(scoreAtMask(predictor, asked, words)).rejects.toThrow(message);
    await expect(scoreAtMask(predictor, text, { good: '', bad: 'in' })).rejects.toThrow('no word for “good”');
    predictor.dispose();
    if (!python) return;
    const [late, refund, within] = (await inPython('masked', folder, text, ids)).map(Math.exp) as [
      number,
      number,
      number,
    ];
    expect(told.scores.good).toBeCloseTo(late / (late + refund + within), 5);
    expect(told.mass / (late + refund + within)).toBeCloseTo(1, 4);
  });

  it('and as what comes next, of a model that writes', { timeout: 120_000 }, async () => {
    const folder = fileURLToPath(new URL('../../starters/decoder', import.meta.url));
    const writer = await openWriter(folder);
    const text = 'The weather is sunny, so people are';
    const told = await scoreContinuations(writer, text, { glad: 'happy', sorry: 'unhappily sad' });
    const ids = [' happy', ' unhappily sad'].map((word) => [...writer.tokenizer.encodeBare(word).ids]);
    expect(told.notes).toEqual(['The prompt ends without a blank, so one is put before the words, as in “ happy”.']);
    expect((await scoreContinuations(writer, '天气很好，', { a: '开心' })).notes).toEqual([]);
    writer.dispose();
    if (!python) return;
    const [glad, sorry] = await inPython('causal', folder, text, ids);
    expect(Math.log(told.mass * told.scores.glad!)).toBeCloseTo(glad!, 3);
    expect(Math.log(told.mass * told.scores.sorry!)).toBeCloseTo(sorry!, 3);
  });
});

/** Logarithms as verbalizer.py has them. */
async function inPython(kind: 'masked' | 'causal', folder: string, text: string, words: number[][]): Promise<number[]> {
  const file = join(await mkdtemp(join(tmpdir(), 'luthier verbalizer-')), 'asked.json');
  await writeFile(file, JSON.stringify({ text, words }));
  const script = fileURLToPath(new URL('./verbalizer.py', import.meta.url));
  const { stdout, stderr } = await runPython(python!, [script, kind, folder, file]);
  expect(stdout, stderr).toContain('[');
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as number[];
}

const named = (fills: MaskFill[][]) =>
  fills.map((some) => some.map(({ token, token_str, sequence }) => ({ token, token_str, sequence })));
