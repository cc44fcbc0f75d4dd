import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peftPythonFor } from '../../src/code/pipeline.ts';
import { openModelFolder, saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { createPredictor } from '../../src/engine/infer/predictor.ts';
import { openWriter } from '../../src/engine/infer/writer.ts';
import { describeModel } from '../../src/engine/model-files/list.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { exportModel } from '../../src/engine/runs/export.ts';
import { conversational } from '../../src/engine/tasks/conversational/task.ts';
import { Tokenizer } from '../../src/engine/text/tokenizer.ts';
import { estimateRun } from '../../src/engine/train/estimate-run.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import type { Trainer } from '../../src/engine/train/types.ts';
import type { RecipeInput, Strategy } from '../../src/protocol/index.ts';
import { makeTinyBert, tinyRows } from '../faults/tiny.ts';
import { figures } from './executors.ts';
import { findPython, runPython } from './python.ts';
import { weight } from './values.ts';

const STARTER = fileURLToPath(new URL('../../starters/decoder/', import.meta.url));
const TEXTS = ['the parcel was broken and late', 'a lovely screen', 'it is very very very kind today', 'the'];
const python = findPython();
const WRITER = { model: 'llama', dataset: 'chat.jsonl', task: 'conversational', max_length: 96 };

describe('runs that learn a prompt', () => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-prompt-'));
    await makeTinyBert(join(place, 'tiny'));
    await writeFile(join(place, 'rows.csv'), tinyRows(80));
    const { config, conversations } = JSON.parse(await readFile(figures('language.json'), 'utf8'));
    const { parameters } = declarationOf(architectureOf(config, 'config.json', conversational));
    const tensors = [...parameters.values()].map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return { name, shape, dtype: 'F32' as const, data: weight(name, size, 0.05) };
    });
    const llama = join(place, 'llama');
    await saveModelFolder(llama, { config: { ...config, architectures: ['LlamaForCausalLM'] }, tensors });
    for (const name of ['tokenizer.json', 'tokenizer_config.json'])
      await copyFile(join(STARTER, name), join(llama, name));
    const lines = (conversations as unknown[]).map((messages) => `${JSON.stringify({ messages })}\n`);
    await writeFile(join(place, 'chat.jsonl'), lines.join(''));
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  const classifier = (strategy: object, more: object = {}) =>
    parseRecipe({
      ...{ model: 'tiny', dataset: 'rows.csv', max_steps: 8, max_length: 32, learning_rate: 3e-2 },
      ...{ backend: 'onnxruntime', strategy: { type: 'prompt-tuning', num_virtual_tokens: 6, ...strategy }, ...more },
    } as RecipeInput);
  const begin = async (recipe: ReturnType<typeof parseRecipe>) => {
    const told: string[] = [];
    const trainer = await createTrainer({ recipe, base: place, note: (_, message) => told.push(message) });
    return { trainer, told };
  };
  const train = async (trainer: Trainer, steps: number) => {
    const losses: number[] = [];
    while (trainer.step < steps) losses.push((await trainer.trainStep()).loss);
    return losses;
  };
  const compare = async (folder: string, expected: object) => {
    await writeFile(join(folder, 'expected.json'), JSON.stringify(expected));
    const script = fileURLToPath(new URL('./from_pretrained_prompt.py', import.meta.url));
    const args = [script, join(folder, 'model'), join(folder, 'adapter'), join(folder, 'expected.json')];
    const { stdout, stderr } = await runPython(python!, args);
    expect(stdout, stderr).toContain('"ok": true');
  };

  const head = ['classifier.bias', 'classifier.weight'];
  it.each<[object, object, string[], number]>([
    [{}, {}, [...head, 'prompt_embeddings'], 6 * 32 + 2 * 32 + 2],
    [{ load_in_8bit: true }, {}, [...head, 'prompt_embeddings'], 6 * 32 + 2 * 32 + 2],
    // Keys and values of two heads of 8 in two layers.
    [{ type: 'prefix-tuning' }, WRITER, ['prompt_embeddings'], 6 * 2 * 2 * 16],
    [
      { type: 'prefix-tuning', load_in_8bit: true, prefix_projection: true, encoder_hidden_size: 5 },
      WRITER,
      [
        ...['prompt_encoder.embedding.weight', 'prompt_encoder.transform.0.bias', 'prompt_encoder.transform.0.weight'],
        ...['prompt_encoder.transform.2.bias', 'prompt_encoder.transform.2.weight'],
      ],
      6 * 16 + (16 + 1) * 5 + (5 + 1) * 2 * 2 * 16,
    ],
  ])('%o in %o: resumed it has the same losses bit for bit', async (strategy, more, trained, count) => {
    const { trainer: whole } = await begin(classifier(strategy, more));
    const first = await train(whole, 3);
    const state = whole.state();
    expect([...state.parameters.keys()].sort()).toEqual(trained);
    expect(whole.numTrainableParameters).toBe(count);
    const copied = (values: typeof state.parameters) =>
      new Map([...values].map(([name, { data }]) => [name, Float32Array.from(data)]));
    const kept = { step: 3, parameters: copied(state.parameters), moments: copied(state.moments) };
    const rest = await train(whole, 6);
    whole.dispose();
    const { trainer: resumed } = await begin(classifier(strategy, more));
    resumed.restore(kept);
    expect(await train(resumed, 6)).toEqual(rest);
    expect(first[0]).not.toBe(rest[0]);
    resumed.dispose();
  });

  it('begins with a text, and says what it cut', async () => {
    const text = { prompt_tuning_init: 'TEXT', prompt_tuning_init_text: 'the shop was late' };
    const { trainer, told } = await begin(classifier(text));
    expect(told).toContain(
      'max_length is 32, but the model takes at most 26 tokens after 6 virtual tokens; 26 is used.',
    );
    const { weights } = await openModelFolder(join(place, 'tiny'));
    const name = 'bert.embeddings.word_embeddings.weight';
    const table = new Float32Array(weights.shape(name).reduce((x, y) => x * y, 1));
    await weights.readInto(name, table);
    await weights.close();
    const { ids } = (await Tokenizer.load(join(place, 'tiny'))).encode('the shop was late', 99);
    expect(ids).toHaveLength(6);
    const rows = [...ids].flatMap((id) => [...table.subarray(id * 32, id * 32 + 32)]);
    expect([...trainer.state().parameters.get('prompt_embeddings')!.data]).toEqual(rows);
    trainer.dispose();
    const { trainer: longer, told: said } = await begin(classifier({ ...text, num_virtual_tokens: 8 }));
    expect(said).toContain('prompt_tuning_init_text has 6 tokens, special ones included: repeated to fill 8.');
    longer.dispose();
  });

  it.each<[object, object]>([
    [{ prompt_tuning_init: 'TEXT' }, { key: 'prompt_tuning_init_text' }],
    [{ prompt_tuning_init_text: 'Say' }, { key: 'prompt_tuning_init', instead: 'TEXT' }],
    [{ num_virtual_tokens: 17 }, { key: 'num_virtual_tokens', instead: 16 }],
    [{ type: 'prefix-tuning' }, { key: 'type', instead: 'lora' }],
  ])('%o does not fit', async (strategy, error) => {
    await expect(begin(classifier(strategy))).rejects.toMatchObject({ code: 'recipe-invalid', ...error });
  });

  it('a width of the projection needs one', async () => {
    const recipe = classifier({ type: 'prefix-tuning', encoder_hidden_size: 5 }, WRITER);
    await expect(begin(recipe)).rejects.toMatchObject({ code: 'recipe-invalid', key: 'encoder_hidden_size' });
  });

  it('is estimated with the tokens of its prompt', async () => {
    const estimated = (strategy: object) =>
      estimateRun({ recipe: classifier(strategy), base: place, machine: { backend: 'onnxruntime', gflops: 1 } }).then(
        ({ seconds, max_length }) => [seconds, max_length] as const,
      );
    const [short, room] = await estimated({ num_virtual_tokens: 1 });
    const [long, less] = await estimated({ num_virtual_tokens: 16 });
    expect([room, less]).toEqual([31, 16]);
    expect(long - 4).toBeGreaterThan(1.5 * (short - 4));
  });

  it('writes a classifier’s folder that answers alike, and peft loads', { timeout: 300_000 }, async () => {
    const folder = join(place, 'classifier');
    const model = join(folder, 'model');
    const { trainer } = await begin(classifier({}));
    await train(trainer, 8);
    await trainer.saveModel(model);
    trainer.dispose();
    expect((await readdir(model)).sort()).toEqual(
      expect.arrayContaining(['adapter_config.json', 'adapter_model.safetensors', 'base', 'config.json']),
    );
    expect(await readdir(model)).not.toContain('model.safetensors');
    const predictor = await createPredictor(model);
    expect(predictor.maxLength).toBe(26);
    const logits = [...(await predictor.logits(TEXTS))];
    predictor.dispose();

    await expect(exportModel(model, 'onnx', join(place, 'onnx'))).rejects.toMatchObject({ code: 'model-unsupported' });
    const exported = await exportModel(model, 'safetensors', join(place, 'exported'));
    expect(exported).toMatchObject({ max_difference: 0, left_out: [] });
    expect(await describeModel(model, 'it')).toMatchObject({
      tasks: [],
      answers: 'text-classification',
      problem: null,
    });
    await expect(begin(classifier({}, { model }))).rejects.toMatchObject({
      code: 'model-unsupported',
      hint: `Start from its base model, ${join(place, 'tiny')}.`,
    });
    await expect(openModelFolder(join(folder, 'adapter'))).rejects.toMatchObject({
      hint: 'Name that model or its folder. For a run that Luthier trained, the model with its prompt is in the folder “model” next to the adapter.',
    });
    await rm(join(place, 'exported', 'adapter_model.safetensors'));
    await expect(createPredictor(join(place, 'exported'))).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('adapter_model.safetensors cannot be read'),
    });
    if (!python) return;
    await compare(folder, { texts: TEXTS, logits: TEXTS.map((_, i) => logits.slice(2 * i, 2 * i + 2)) });
    const program = peftPythonFor(model, 'text-classification');
    const { stdout, stderr } = await runPython(python, ['-c', program]);
    expect(stdout, stderr).toMatch(/^(good|bad)\s*$/m);
  });

  it('writes a prompt that was pre-trained, which peft loads alike', { timeout: 300_000 }, async () => {
    const folder = join(place, 'pretrained');
    const more = join(place, 'more.csv');
    await writeFile(more, tinyRows(60, 5).replaceAll(/,(good|bad|label)$/gm, ''));
    const { trainer } = await begin(
      classifier({ prompt_tuning_init: 'PRETRAINED', pretraining_dataset: more }, { per_device_train_batch_size: 8 }),
    );
    expect(trainer.pretraining).toEqual({ steps: 15, rows: 60, held_out: 0 });
    await train(trainer, 23);
    await trainer.saveModel(join(folder, 'model'));
    trainer.dispose();
    const config = JSON.parse(await readFile(join(folder, 'adapter', 'adapter_config.json'), 'utf8'));
    expect(config).toMatchObject({ peft_type: 'PROMPT_TUNING', prompt_tuning_init: 'RANDOM' });
    const predictor = await createPredictor(join(folder, 'model'));
    const logits = [...(await predictor.logits(TEXTS))];
    predictor.dispose();
    if (python) await compare(folder, { texts: TEXTS, logits: TEXTS.map((_, i) => logits.slice(2 * i, 2 * i + 2)) });
  });

  it('of a model that writes, a prompt is pre-trained by continuing texts', async () => {
    const { conversations } = JSON.parse(await readFile(figures('language.json'), 'utf8'));
    const texts = (conversations as { content: unknown }[][])
      .flat()
      .flatMap(({ content }) => (typeof content === 'string' && content.length > 9 ? [content] : []));
    const [labelled, others] = [texts.slice(0, 10), texts.slice(10)];
    const lines = (some: readonly string[]) => some.map((text) => `${JSON.stringify({ text })}\n`).join('');
    await writeFile(join(place, 'texts.jsonl'), lines(labelled));
    // Those of the dataset, too: of these the one that is held out is left out.
    await writeFile(join(place, 'others.jsonl'), lines([...others, ...labelled]));
    const recipe = parseRecipe({
      ...{ model: 'llama', dataset: 'texts.jsonl', task: 'text-generation', max_length: 48, validation_split: 0.1 },
      strategy: {
        ...{ type: 'prompt-tuning', num_virtual_tokens: 7, prompt_tuning_init: 'PRETRAINED' },
        ...{ pretraining_dataset: join(place, 'others.jsonl'), pretraining_epochs: 3 },
      },
      ...{ learning_rate: 0.1, per_device_train_batch_size: 4, max_steps: 2, backend: 'onnxruntime' },
    });
    const { trainer, told } = await begin(recipe);
    const { steps, held_out } = trainer.pretraining!;
    expect(held_out).toBe(trainer.numValidationRows);
    expect(held_out).toBeGreaterThan(0);
    expect(told.find((note) => note.startsWith('Pre-training:'))).toMatch(
      /held out for validation or test.* to continue them, for/,
    );
    const losses = await train(trainer, steps);
    const mean = (some: readonly number[]) => some.reduce((a, b) => a + b, 0) / some.length;
    expect(mean(losses.slice(-5))).toBeLessThan(mean(losses.slice(0, 5)));
    const before = Float32Array.from(trainer.state().parameters.get('prompt_embeddings')!.data);
    // A warmup begins with a rate of 0.
    await train(trainer, steps + 1);
    expect(Float32Array.from(trainer.state().parameters.get('prompt_embeddings')!.data)).toEqual(before);
    trainer.dispose();
  });

  it.each<[string, Strategy]>([
    ['prompt', { type: 'prompt-tuning' }],
    ['prefix', { type: 'prefix-tuning' }],
    ['projected', { type: 'prefix-tuning', prefix_projection: true }],
  ])(
    'writes a language model’s folder that writes alike, and peft loads: %s',
    { timeout: 300_000 },
    async (name, strategy) => {
      const folder = join(place, name);
      const model = join(folder, 'model');
      const recipe = parseRecipe({
        ...{ model: 'llama', dataset: 'chat.jsonl', task: 'conversational', max_length: 96, validation_split: 0.2 },
        ...{ strategy: { ...strategy, num_virtual_tokens: 7 }, learning_rate: 0.1 },
        ...{ per_device_train_batch_size: 4, backend: 'onnxruntime' },
      });
      const { trainer } = await begin(recipe);
      const losses = await train(trainer, 6);
      expect(losses.at(-1)).toBeLessThan(losses[0]!);
      const samples = await trainer.samples!(async () => {});
      expect(samples.length).toBeGreaterThan(0);
      await trainer.saveModel(model);
      trainer.dispose();
      await expect(exportModel(model, 'onnx', join(place, 'onnx'))).rejects.toMatchObject({
        code: 'model-unsupported',
      });
      await expect(openModelFolder(join(folder, 'adapter'))).rejects.toMatchObject({
        hint: expect.stringContaining('the model with its prompt is in the folder “model”'),
      });
      const writer = await openWriter(model);
      const prompt = writer.tokenizer.encode('The parcel has been', 99).ids;
      const settings = { max_new_tokens: 12 };
      const { token_ids } = await writer.write(prompt, { settings });
      writer.dispose();
      expect(token_ids).toHaveLength(12);
      if (!python) return;
      await compare(folder, { prompt: [...prompt], written: token_ids });
      const { stdout, stderr } = await runPython(python, ['-c', peftPythonFor(model, 'conversational', strategy.type)]);
      expect(stdout.trim(), stderr).toContain('Type a message here');
    },
  );
});
