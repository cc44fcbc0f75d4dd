import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../../src/engine/infer/answer.ts';
import { openWriter } from '../../src/engine/infer/writer.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { Tokenizer } from '../../src/engine/text/tokenizer.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { END, SMALL_GPT2, SMALL_LLAMA, writeSmallDecoder } from '../small-decoder.ts';

const ANSWERS = { 'Say yes': 'yes', 'Say no, and nothing else': 'no' };

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-decoders-'));
});
afterAll(() => rm(place, { recursive: true, force: true }));

/** The field's N05, and embeddings of which the last rows are no token's. */
describe('a GPT-2 whose padding is the token that ends texts', () => {
  beforeAll(async () => {
    const [bos_token, unk_token, pad_token] = [END, END, END];
    const tokenizerConfig = { bos_token, unk_token, pad_token, model_max_length: 1024 };
    await writeSmallDecoder(join(place, 'base'), { ...SMALL_GPT2, vocab_size: 144 }, { tokenizerConfig });
    await writeSmallDecoder(join(place, 'unpadded'), SMALL_GPT2);
    const rows = Object.entries(ANSWERS).flatMap(([question, content]) =>
      Array(4).fill({
        messages: [
          { role: 'user', content: question },
          { role: 'assistant', content },
        ],
      }),
    );
    await writeFile(join(place, 'chat.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  });

  const begin = (more: object = {}, told: string[] = []) =>
    createTrainer({
      recipe: parseRecipe({
        ...{ task: 'conversational', model: 'base', dataset: 'chat.jsonl', strategy: { type: 'full' }, seed: 3 },
        ...{ max_length: 96, validation_split: 0, learning_rate: 1e-2, per_device_train_batch_size: 8 },
        ...{ num_train_epochs: 60, backend: 'onnxruntime', ...more },
      }),
      base: place,
      note: (_, message) => told.push(message),
    });

  it('learns where an answer ends, and ends there', async () => {
    const trainer = await begin();
    for (let step = 0; step < 60; step++) await trainer.trainStep();
    const model = join(place, 'trained');
    await trainer.saveModel(model);
    trainer.dispose();
    const end = (await Tokenizer.load(model)).idOf(END);
    const writer = await openWriter(model, { backend: 'onnxruntime' });
    try {
      for (const [content, said] of Object.entries(ANSWERS)) {
        const request = { settings: { max_new_tokens: 16 } };
        const { generated_text, finish_reason, token_ids } = await answer(writer, [{ role: 'user', content }], request);
        expect({ generated_text, finish_reason, last: token_ids.at(-1) }).toEqual({
          ...{ generated_text: said, finish_reason: 'end', last: end },
        });
      }
    } finally {
      writer.dispose();
    }
  });

  it('has the same steps whatever is padded beside a row: one batch of eight, or eight of one (field N21)', async () => {
    const steps = async (sizes: object) => {
      const trainer = await begin(sizes);
      const said: number[][] = [];
      for (let step = 0; step < 3; step++) {
        const { loss, grad_norm } = await trainer.trainStep();
        said.push([loss, grad_norm]);
      }
      await trainer.collect();
      const weights = [...trainer.state().parameters.values()].flatMap(({ data }) => [...data]);
      trainer.dispose();
      return { said, weights };
    };
    const whole = await steps({});
    const parts = await steps({ per_device_train_batch_size: 1, gradient_accumulation_steps: 8 });
    for (const [i, pair] of whole.said.entries())
      for (const [j, value] of pair.entries()) expect(Math.abs(parts.said[i]![j]! / value - 1)).toBeLessThan(1e-5);
    const apart = whole.weights.reduce((most, value, i) => Math.max(most, Math.abs(value - parts.weights[i]!)), 0);
    const largest = whole.weights.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // As in parity/accumulation.test.ts: where a gradient is all but 0, AdamW moves a weight by a share of the rate.
    expect(apart / largest).toBeLessThan(1e-3);
  });

  it('gets the end token for padding where it has none, which is said and written', async () => {
    const told: string[] = [];
    const trainer = await begin({ model: 'unpadded' }, told);
    expect(told).toContain('The tokenizer has no padding token; "<|endoftext|>" is used.');
    const model = join(place, 'padded');
    await trainer.saveModel(model);
    trainer.dispose();
    const json = async (file: string) => JSON.parse(await readFile(join(model, file), 'utf8'));
    expect(await json('config.json')).toMatchObject({ pad_token_id: 128, eos_token_id: 128, vocab_size: 129 });
    expect(await json('tokenizer_config.json')).toMatchObject({ pad_token: END, eos_token: END });
  });
});

describe('a Llama with a head of its own (field N13)', () => {
  const untied = { ...SMALL_LLAMA, tie_word_embeddings: false };

  it('writes, and is refused without it, by its name and the key that says so', async () => {
    await writeSmallDecoder(join(place, 'whole'), untied);
    const writer = await openWriter(join(place, 'whole'), { backend: 'onnxruntime' });
    const { token_ids } = await writer.write('a', { settings: { max_new_tokens: 3 } });
    expect(token_ids.length).toBeGreaterThan(0);
    writer.dispose();
    await writeSmallDecoder(join(place, 'headless'), untied, { without: ['lm_head.weight'] });
    await expect(openWriter(join(place, 'headless'), { backend: 'onnxruntime' })).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/the weights are missing lm_head\.weight.*tie_word_embeddings in config\.json/),
      hint: expect.stringContaining('set tie_word_embeddings to true'),
    });
  });
});
