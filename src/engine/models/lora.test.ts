import { describe, expect, it } from 'vitest';
import { architectureFor, heldBy, isTrainedBy } from '../strategies/apply.ts';
import { type Architecture, declarationOf } from './architecture.ts';
import { mergeLora } from './lora.ts';
import { architectureOf } from './registry.ts';

const CONFIG = {
  model_type: 'bert',
  vocab_size: 50,
  hidden_size: 6,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 10,
};
const plain = architectureOf(CONFIG, 'config.json');
const settings = {
  type: 'lora',
  r: 2,
  lora_alpha: 4,
  lora_dropout: 0.1,
  target_modules: ['query', 'value'],
};
const namesOf = (architecture: Architecture) => [...declarationOf(architecture).parameters.keys()];
const layer = (i: number, module: string) => `bert.encoder.layer.${i}.${module}`;

describe('withLora', () => {
  it.each<[string[], string[]]>([
    [['query'], ['attention.self.query']],
    // As peft: the end of a name, whole words.
    [['output.dense'], ['attention.output.dense', 'output.dense']],
    [
      ['attention.output.dense', 'key'],
      ['attention.self.key', 'attention.output.dense'],
    ],
  ])('gives adapters to %o', (target_modules, modules) => {
    const { targets } = architectureFor({ ...settings, target_modules }, plain).adapters!;
    expect(targets).toEqual([0, 1].flatMap((i) => modules.map((module) => layer(i, module))));
  });

  it('gives all-linear’s to every layer but the classifier, and matches one layer by its whole name', () => {
    const all = architectureFor({ ...settings, target_modules: 'all-linear' }, plain).adapters!.targets;
    expect(all.length).toBe(2 * 6 + 1);
    expect(all.at(-1)).toBe('bert.pooler.dense');
    const one = layer(1, 'attention.self.query');
    expect(architectureFor({ ...settings, target_modules: [one] }, plain).adapters!.targets).toEqual([one]);
  });

  it('trains what the model came without whole, and gives it no adapter', () => {
    const isStored = (name: string) => !name.includes('pooler') && !name.startsWith('classifier');
    const architecture = architectureFor({ ...settings, target_modules: 'all-linear' }, plain, isStored);
    expect(architecture.adapters!.modulesToSave).toEqual(['bert.pooler.dense', 'classifier']);
    expect(architecture.adapters!.targets).not.toContain('bert.pooler.dense');
    const isTrained = isTrainedBy(settings, architecture);
    const trained = namesOf(architecture).filter((name) => isTrained(name));
    expect(trained.filter((name) => !name.includes('lora'))).toEqual([
      'bert.pooler.dense.weight',
      'bert.pooler.dense.bias',
      'classifier.weight',
      'classifier.bias',
    ]);
  });

  it('drops each adapter’s input by a mask of its own', () => {
    const architecture = architectureFor(settings, plain);
    const shape = { rows: 3, length: 8, texts: 4 };
    const sites = [...declarationOf(architecture, { shape }).sites.values()];
    const own = declarationOf(plain, { shape }).sites;
    expect(sites.slice(0, own.size)).toEqual([...own.values()]);
    const added = sites.slice(own.size).map(({ name, shape, rate }) => [name, { shape, rate }]);
    // The last layer is computed for first tokens alone; keys and values are everyone's.
    expect(added).toEqual([
      [layer(0, 'attention.self.query.lora_dropout'), { shape: [24, 6], rate: 0.1 }],
      [layer(0, 'attention.self.value.lora_dropout'), { shape: [24, 6], rate: 0.1 }],
      [layer(1, 'attention.self.query.lora_dropout'), { shape: [4, 6], rate: 0.1 }],
      [layer(1, 'attention.self.value.lora_dropout'), { shape: [24, 6], rate: 0.1 }],
    ]);
  });
});

describe('heldBy', () => {
  const held = (strategy: Parameters<typeof heldBy>[0]) => {
    const architecture = architectureFor(strategy, plain);
    return namesOf(architecture).filter((name) => heldBy(strategy, architecture)?.has(name) ?? false);
  };

  it('is so for the architecture’s frozen linear weights, when it is asked for', () => {
    expect(held(settings)).toEqual([]);
    const all = held({ ...settings, load_in_8bit: true });
    expect(all.length).toBe(12);
    expect(all.every((name) => name.startsWith('bert.encoder.') && !/LayerNorm|bias|lora/.test(name))).toBe(true);
    const lower = held({ type: 'freeze', num_frozen_layers: 1, load_in_8bit: true });
    expect(lower).toEqual(all.filter((name) => name.includes('layer.0.')));
  });
});

describe('mergeLora', () => {
  it('adds alpha / r times B A to a copy, and leaves the adapters out', () => {
    const adapters = { ...settings, r: 1, lora_alpha: 3, targets: ['m'], modulesToSave: [], fan_in_fan_out: false };
    const weight = Float32Array.of(1, 2, 3, 4, 5, 6);
    const weights = new Map([
      ['m.weight', { shape: [2, 3], weight }],
      ['m.lora_A.weight', { shape: [1, 3], weight: Float32Array.of(1, 10, 100) }],
      ['m.lora_B.weight', { shape: [2, 1], weight: Float32Array.of(1, -2) }],
      ['other', { shape: [1], weight: Float32Array.of(7) }],
    ]);
    const merged = mergeLora(adapters, weights, new Map());
    expect([...merged.keys()]).toEqual(['m.weight', 'other']);
    expect([...merged.get('m.weight')!.weight]).toEqual([4, 32, 303, -2, -55, -594]);
    expect([...weight]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('divides alpha by the root of r where the scale is rank-stabilised', () => {
    const adapters = {
      ...{ ...settings, r: 4, lora_alpha: 6, use_rslora: true },
      ...{ targets: ['m'], modulesToSave: [], fan_in_fan_out: false },
    };
    const weights = new Map([
      ['m.weight', { shape: [1, 1], weight: Float32Array.of(1) }],
      ['m.lora_A.weight', { shape: [4, 1], weight: Float32Array.of(1, 1, 1, 1) }],
      ['m.lora_B.weight', { shape: [1, 4], weight: Float32Array.of(1, 2, 3, 4) }],
    ]);
    expect([...mergeLora(adapters, weights, new Map()).get('m.weight')!.weight]).toEqual([31]);
  });

  it.each([
    ['out,in', [2, 2], [3, 4, 0, 0], [3, 4, 0, -2]],
    // The same numbers, of which the columns go to an output each.
    ['in,out', [2, 2], [3, 0, 4, 0], [3, 0, 4, -2]],
  ] as const)('gives an output’s weights the length that DoRA has learnt: %s', (layout, shape, own, expected) => {
    const adapters = {
      ...{ ...settings, r: 1, lora_alpha: 1, use_dora: true },
      ...{ targets: ['m'], modulesToSave: [], fan_in_fan_out: layout === 'in,out' },
    };
    const weights = new Map([
      ['m.weight', { shape: [...shape], weight: Float32Array.from(own) }],
      ['m.lora_A.weight', { shape: [1, 2], weight: Float32Array.of(0, 1) }],
      ['m.lora_B.weight', { shape: [2, 1], weight: Float32Array.of(0, -1) }],
      ['m.lora_magnitude_vector', { shape: [2], weight: Float32Array.of(5, 2) }],
    ]);
    const merged = mergeLora(adapters, weights, new Map([['m.weight', { layout }]]));
    expect([...merged.keys()]).toEqual(['m.weight']);
    expect([...merged.get('m.weight')!.weight]).toEqual(expected.map((value) => expect.closeTo(value, 6)));
  });
});
