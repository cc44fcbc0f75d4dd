import { describe, expect, it } from 'vitest';
import { declarationOf } from './architecture.ts';
import { mapWeights } from './names.ts';
import { architectureOf } from './registry.ts';

const bert = (num_hidden_layers: number) =>
  architectureOf(
    {
      ...{ model_type: 'bert', vocab_size: 9, hidden_size: 4, num_hidden_layers },
      ...{ num_attention_heads: 2, intermediate_size: 6 },
    },
    'config.json',
  );
const canonical = [...declarationOf(bert(2)).parameters.keys()];
const old = (name: string) =>
  name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta');
const bare = (name: string) => name.replace(/^bert\./, '');

describe('names that a BERT declares', () => {
  it('5 of the embeddings, 16 a layer, 4 of the head', () => {
    expect(canonical.length).toBe(5 + 2 * 16 + 4);
    expect(new Set(canonical).size).toBe(canonical.length);
    expect(canonical).toContain('bert.encoder.layer.1.attention.output.LayerNorm.bias');
    expect(canonical.slice(-4)).toEqual([
      'bert.pooler.dense.weight',
      'bert.pooler.dense.bias',
      'classifier.weight',
      'classifier.bias',
    ]);
  });
});

describe('mapWeights', () => {
  it.each([
    ['canonical', (name: string) => name],
    ['without the prefix', bare],
    ['gamma and beta', old],
    ['gamma and beta without the prefix', (name: string) => old(bare(name))],
  ])('%s', (_, spelling) => {
    const map = mapWeights(bert(2), canonical.map(spelling));
    expect([...map.files]).toEqual(canonical.map((name) => [name, spelling(name)]));
    expect([map.missing, map.missingHead, map.unused]).toEqual([[], [], []]);
  });

  it("a pretraining checkpoint: its head is unused, ours is missing, position_ids is nobody's concern", () => {
    const names = [
      ...canonical.filter((name) => !name.startsWith('classifier')).map(old),
      'cls.predictions.bias',
      'cls.seq_relationship.weight',
      'bert.embeddings.position_ids',
    ];
    const map = mapWeights(bert(2), names);
    expect(map.missing).toEqual([]);
    expect(map.missingHead).toEqual(['classifier.weight', 'classifier.bias']);
    expect(map.unused).toEqual(['cls.predictions.bias', 'cls.seq_relationship.weight']);
  });

  it('layers past the configured number are unused, layers that lack are missing', () => {
    const fewer = mapWeights(bert(1), canonical);
    expect(fewer.unused.length).toBe(16);
    expect(fewer.unused.every((name) => name.startsWith('bert.encoder.layer.1.'))).toBe(true);
    const more = mapWeights(bert(3), canonical);
    expect(more.missing.length).toBe(16);
    expect(more.missing[0]).toBe('bert.encoder.layer.2.attention.self.query.weight');
  });

  it('prefers the modern name when a file holds both', () => {
    const map = mapWeights(bert(1), ['bert.embeddings.LayerNorm.gamma', 'bert.embeddings.LayerNorm.weight']);
    expect(map.files.get('bert.embeddings.LayerNorm.weight')).toBe('bert.embeddings.LayerNorm.weight');
    expect(map.unused).toEqual(['bert.embeddings.LayerNorm.gamma']);
  });
});
