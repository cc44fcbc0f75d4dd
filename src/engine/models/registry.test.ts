import { describe, expect, it } from 'vitest';
import { architectureOf, requireSupported } from './registry.ts';

const GOOD = {
  model_type: 'bert',
  vocab_size: 50,
  hidden_size: 24,
  num_hidden_layers: 3,
  num_attention_heads: 3,
  intermediate_size: 40,
};

describe('architectureOf', () => {
  it('reads a usual config', () => {
    const architecture = architectureOf(GOOD, 'config.json');
    expect([architecture.hiddenSize, architecture.numLayers, architecture.maxPositions]).toEqual([24, 3, 512]);
  });

  it.each([undefined, null, 't5', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 7, {}, ['bert']])(
    'refuses model_type %j by a sentence',
    (model_type) => {
      expect(() => requireSupported({ ...GOOD, model_type }, 'org/name')).toThrow(
        expect.objectContaining({
          code: 'model-unsupported',
          message: expect.stringMatching(/^org\/name\/config\.json: model_type (.* is not supported|is missing)\.$/),
          hint: expect.stringContaining('bert'),
        }),
      );
    },
  );

  it('refuses a __proto__ that JSON brought', () => {
    const config = JSON.parse('{"__proto__": {"model_type": "bert"}, "vocab_size": 3}') as Record<string, unknown>;
    expect(() => architectureOf(config, 'config.json')).toThrow('model_type');
  });

  const sizes = ['vocab_size', 'hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size'];
  const wrong = [0, -1, 1.5, 1e9, 2 ** 53, 1e308, NaN, '12', null, [3], true];
  it.each(sizes.flatMap((key) => wrong.map((value) => [key, value] as const)))(
    'refuses %s %s, naming it',
    (key, value) => {
      const began = performance.now();
      expect(() => architectureOf({ ...GOOD, [key]: value }, 'config.json')).toThrow(
        expect.objectContaining({
          code: 'model-invalid',
          message: expect.stringMatching(`^config\\.json: ${key} is `),
        }),
      );
      expect(performance.now() - began).toBeLessThan(5_000);
    },
  );

  it.each([
    ['max_position_embeddings', 2 ** 53],
    ['type_vocab_size', 0],
    ['hidden_dropout_prob', 1],
    ['attention_probs_dropout_prob', -0.1],
    ['classifier_dropout', 'no'],
    ['layer_norm_eps', 'small'],
    ['hidden_size', 25],
  ])('refuses %s %s, naming it', (key, value) => {
    expect(() => architectureOf({ ...GOOD, [key]: value }, 'config.json')).toThrow(
      expect.objectContaining({ code: 'model-invalid', message: expect.stringContaining(key) }),
    );
  });

  it.each([
    ['roberta', { max_position_embeddings: 2 }, 'max_position_embeddings is 2, not a whole number from 3 to'],
    ['roberta', { pad_token_id: -1 }, 'pad_token_id is -1'],
    ['distilbert', { sinusoidal_pos_embds: true }, 'sinusoidal_pos_embds is true; only false is supported'],
    ['distilbert', { activation: 'relu' }, 'activation is "relu"; only "gelu" is supported'],
    ['distilbert', { dim: 25 }, 'dim 25 is not divisible by n_heads 12'],
  ])('refuses a %s with %j, naming the key', (model_type, keys, message) => {
    expect(() => architectureOf({ ...GOOD, model_type, ...keys }, 'config.json')).toThrow(message);
  });

  it('takes what config.json leaves out from transformers’ defaults', () => {
    const architecture = architectureOf({ model_type: 'distilbert' }, 'config.json');
    expect([
      architecture.vocabSize,
      architecture.hiddenSize,
      architecture.numLayers,
      architecture.maxPositions,
    ]).toEqual([30_522, 768, 6, 512]);
    expect(architectureOf({ ...GOOD, model_type: 'roberta' }, 'config.json').maxPositions).toBe(510);
  });

  it('keeps a long value out of the message', () => {
    expect(() => architectureOf({ ...GOOD, hidden_act: 'x'.repeat(10_000) }, 'config.json')).toThrow(/^.{0,200}$/);
  });
});
