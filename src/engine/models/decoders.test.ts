import { describe, expect, it } from 'vitest';
import { architectureFor } from '../strategies/apply.ts';
import { declarationOf } from './architecture.ts';
import { ConfigReader } from './config.ts';
import { mapWeights } from './names.ts';
import { architectureOf } from './registry.ts';
import { readRotation } from './rotary.ts';

const WRITES = { name: 'text-generation', reads: 'all' } as const;
const LLAMA = {
  ...{ model_type: 'llama', vocab_size: 40, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4 },
  ...{ num_key_value_heads: 2, intermediate_size: 48, max_position_embeddings: 64, tie_word_embeddings: true },
};
const GPT2 = { model_type: 'gpt2', vocab_size: 40, n_embd: 32, n_layer: 2, n_head: 4, n_positions: 64 };
const writes = (config: Record<string, unknown>) => architectureOf(config, 'config.json', WRITES);

describe('a decoder', () => {
  it('reads a text’s last token, or writes a token of its vocabulary after each', () => {
    expect(architectureOf(LLAMA, 'config.json')).toMatchObject({
      ...{ reads: 'last', isCausal: true, outputs: undefined, className: 'LlamaForSequenceClassification' },
    });
    expect(writes(LLAMA)).toMatchObject({ reads: 'all', outputs: 40, className: 'LlamaForCausalLM' });
    expect(writes(GPT2).className).toBe('GPT2LMHeadModel');
  });

  it('counts what a token costs: grouped queries, three products in the feed-forward, the head', () => {
    const layer = 2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 48;
    expect(architectureOf(LLAMA, 'config.json').flopsPerToken).toBe(2 * 2 * layer);
    expect(writes(LLAMA).flopsPerToken).toBe(2 * (2 * layer + 32 * 40));
    expect(writes(GPT2).flopsPerToken).toBe(2 * (2 * 12 * 32 * 32 + 32 * 40));
  });

  it('sees no further than its windows, within which it is a model without', () => {
    const config = { ...LLAMA, model_type: 'mistral', sliding_window: 16 };
    expect(writes(config).maxPositions).toBe(16);
    expect(writes({ ...config, sliding_window: null }).maxPositions).toBe(64);
    const { sliding_window: _, ...silent } = { ...config, max_position_embeddings: 32_768 };
    expect(writes(silent).maxPositions).toBe(4096);
    expect(writes({ ...config, model_type: 'qwen2' }).maxPositions).toBe(64);
    expect(writes({ ...config, model_type: 'qwen2', use_sliding_window: true }).maxPositions).toBe(16);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a scaling', { ...LLAMA, rope_scaling: { type: 'longrope' } }, /rope_scaling has the rope_type "longrope"/],
    ['part of a head', { ...LLAMA, rope_parameters: { partial_rotary_factor: 0.5 } }, /partial_rotary_factor is 0\.5/],
    [
      'groups that do not divide',
      { ...LLAMA, num_key_value_heads: 3 },
      /num_key_value_heads is 3, and does not divide/,
    ],
    ['another activation', { ...LLAMA, hidden_act: 'gelu' }, /hidden_act is "gelu"; only "silu" is supported/],
    ['scores by layer', { ...GPT2, scale_attn_by_inverse_layer_idx: true }, /scale_attn_by_inverse_layer_idx is true/],
    ['unscaled scores', { ...GPT2, scale_attn_weights: false }, /scale_attn_weights is false/],
    ['a second input', { ...GPT2, add_cross_attention: true }, /add_cross_attention is true/],
  ])('that is unlike the others is refused by its key: %s', (_, config, message) => {
    expect(() => writes(config)).toThrow(message);
  });

  it('adapts the layers that peft adapts, never its own head, and names them where another is asked for', () => {
    const untied = writes({ ...LLAMA, tie_word_embeddings: false });
    const lora = { type: 'lora', r: 4, lora_alpha: 8, lora_dropout: 0 } as const;
    const adapters = architectureFor(lora, untied).adapters!;
    expect(adapters).toMatchObject({ target_modules: ['q_proj', 'v_proj'], modulesToSave: [], fan_in_fan_out: false });
    const all = architectureFor({ ...lora, target_modules: 'all-linear' }, untied).adapters!.targets;
    expect(all.filter((name) => name.includes('lm_head'))).toEqual([]);
    expect(architectureFor(lora, writes(GPT2)).adapters).toMatchObject({
      ...{ target_modules: ['c_attn'], fan_in_fan_out: true },
    });
    expect(() => architectureFor({ ...lora, target_modules: ['query'] }, untied)).toThrow(
      expect.objectContaining({
        hint: 'Valid names: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, a whole name such as model.layers.0.self_attn.q_proj, or "all-linear".',
      }),
    );
  });
});

describe('a head tied to the embeddings', () => {
  const tied = writes(LLAMA);
  const names = [...declarationOf(tied).parameters.keys()];
  it('is one weight, wherever the file has it', () => {
    expect(names).not.toContain('lm_head.weight');
    expect(mapWeights(tied, [...names, 'lm_head.weight'])).toMatchObject({ missing: [], missingHead: [], unused: [] });
    const underHead = names.map((name) => (name === 'model.embed_tokens.weight' ? 'lm_head.weight' : name));
    const map = mapWeights(tied, underHead);
    expect([map.files.get('model.embed_tokens.weight'), map.missing, map.unused]).toEqual(['lm_head.weight', [], []]);
  });

  it('is missed where it is not tied, and buffers are no weights', () => {
    const map = mapWeights(writes({ ...LLAMA, tie_word_embeddings: false }), [
      ...names,
      'model.layers.0.self_attn.rotary_emb.inv_freq',
    ]);
    expect([map.missing, map.missingHead, map.unused]).toEqual([[], ['lm_head.weight'], []]);
    const gpt2 = writes(GPT2);
    const own = [...declarationOf(gpt2).parameters.keys()].map((name) => name.replace('transformer.', ''));
    const buffers = ['h.0.attn.bias', 'h.0.attn.masked_bias'];
    expect(mapWeights(gpt2, [...own, ...buffers])).toMatchObject({ missing: [], missingHead: [], unused: [] });
  });
});

describe('rotary settings', () => {
  const rotation = (config: Record<string, unknown>) => readRotation(new ConfigReader(config, 'config.json'), 8, 64);
  it.each<[string, Record<string, unknown>]>([
    ['default', {}],
    ['linear', { factor: 4 }],
    ['dynamic', { factor: 4 }],
    ['llama3', { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 32 }],
    ['yarn', { factor: 4, original_max_position_embeddings: 16, beta_fast: 8 }],
  ])('%s: their two forms mean the same', (type, settings) => {
    const one = rotation({ rope_parameters: { rope_type: type, rope_theta: 500, ...settings } });
    expect(rotation({ rope_theta: 500, rope_scaling: { type, ...settings } })).toEqual(one);
    expect(rotation({ rope_theta: 500, rope_scaling: { rope_type: type, ...settings } })).toEqual(one);
    expect(one.frequencies.length).toBe(4);
  });

  it('turn by 10,000 where nothing is said', () => {
    expect(rotation({ rope_scaling: null })).toEqual({ frequencies: [1, 0.1, 0.01, 0.001], factor: 1 });
  });
});
