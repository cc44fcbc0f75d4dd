import { describe, expect, it } from 'vitest';
import { declarationOf } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { architectureFor, heldBy } from '../strategies/apply.ts';
import { matricesInBlocks } from './matrices.ts';

const llama = (intermediate_size: number, hidden_size = 64) => ({
  ...{ model_type: 'llama', vocab_size: 100, hidden_size, num_hidden_layers: 1, num_attention_heads: 2 },
  ...{ intermediate_size, max_position_embeddings: 32, hidden_act: 'silu', rms_norm_eps: 1e-5 },
});
const bert = {
  ...{ model_type: 'bert', vocab_size: 100, hidden_size: 64, num_hidden_layers: 1, num_attention_heads: 2 },
  ...{ intermediate_size: 128, max_position_embeddings: 32 },
};

function found(config: object, more: object = {}): string[] {
  const target_modules = config === bert ? ['query'] : ['q_proj'];
  const strategy = { type: 'lora', r: 2, lora_alpha: 4, lora_dropout: 0, target_modules, load_in_8bit: true, ...more };
  const architecture = architectureFor(strategy as never, architectureOf(config as never, 'config.json'));
  const { parameters } = declarationOf(architecture, { outputs: 2 });
  const all = matricesInBlocks(parameters, architecture, heldBy(strategy as never, architecture)!);
  return [...all].map((name) => name.replace(/^model\.layers\.0\.(self_attn|mlp)\.(.*)_proj\.weight$/, '$2'));
}

describe('matricesInBlocks', () => {
  it('are the frozen matrices of a decoder’s layers', () => {
    expect(found(llama(128)).sort()).toEqual(['down', 'gate', 'k', 'o', 'q', 'up', 'v']);
  });

  it('are none of an encoder', () => {
    expect(found(bert)).toEqual([]);
  });

  it('are none of which DoRA takes the lengths', () => {
    expect(found(llama(128), { use_dora: true }).sort()).toEqual(['down', 'gate', 'k', 'o', 'up', 'v']);
  });

  it('have whole blocks', () => {
    expect(found(llama(120)).sort()).toEqual(['k', 'o', 'q', 'v']);
  });

  it('fit into one binding', () => {
    // 2,048 × 65,536 numbers have just that many bytes.
    expect(found(llama(65_536, 2048))).toContain('gate');
    expect(found(llama(65_568, 2048))).not.toContain('gate');
  });
});
