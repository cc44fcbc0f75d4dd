import { describe, expect, it } from 'vitest';
import { FEWER_PARAMETERS } from '../fewer-parameters.ts';
import { declarationOf } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { architectureFor, isTrainedBy, isTrainedIn, phasesOf } from './apply.ts';
import { factsAbout } from './facts.ts';
import { STRATEGIES, strategySchema, suggestStrategies } from './index.ts';
import { USUAL_FACTS } from './kind.ts';

const architecture = architectureOf(
  {
    ...{ model_type: 'bert', vocab_size: 50, hidden_size: 24, num_hidden_layers: 4, num_attention_heads: 3 },
    ...{ intermediate_size: 40, max_position_embeddings: 64 },
  },
  'config.json',
);

describe('every strategy', () => {
  it.each(Object.entries(STRATEGIES))('%s suggests what its own schema takes, every key spelt out', (type, kind) => {
    for (const layers of [1, 4, 12]) {
      const suggested = kind.suggest({ ...USUAL_FACTS, layers });
      expect(suggested.type).toBe(type);
      expect(strategySchema.parse(suggested)).toEqual(suggested);
      expect(kind.title.length * kind.detail(suggested).length).toBeGreaterThan(0);
    }
  });

  it.each(Object.entries(STRATEGIES))('%s trains the classifier, and what the last phase trains', (_, kind) => {
    const strategy = kind.suggest(factsAbout(architecture));
    const adapted = architectureFor(strategy, architecture);
    const isTrained = isTrainedBy(strategy, adapted);
    const isInPhase = isTrainedIn(strategy, adapted);
    for (const name of ['classifier.weight', 'classifier.bias']) expect(isTrained(name)).toBe(true);
    const phases = phasesOf(strategy, adapted, 100);
    expect(phases.starts[0]).toBe(0);
    for (const name of declarationOf(adapted).parameters.keys()) {
      expect(isTrained(name)).toBe(phases.all.some((phase) => isInPhase(phase, name)));
    }
  });
});

it('a phase cannot be taken for the index that filter passes', () => {
  const isInPhase = isTrainedIn(strategySchema.parse({ type: 'freeze', num_frozen_layers: 1 }), architecture);
  // @ts-expect-error: the name comes second
  expect(() => ['classifier.bias'].filter(isInPhase)).toThrow();
});

it('hints of what needs less memory name every strategy that trains fewer parameters', () => {
  const named = [...FEWER_PARAMETERS.matchAll(/"(\w+)"/g)].map(([, type]) => type);
  expect(named).toEqual(Object.keys(STRATEGIES).filter((type) => type !== 'full'));
});

describe('lora', () => {
  it('adapts what peft adapts in models of the type, where a recipe does not say', () => {
    const distilbert = architectureOf(
      {
        ...{ model_type: 'distilbert', vocab_size: 50, dim: 24, n_layers: 2, n_heads: 3, hidden_dim: 40 },
        max_position_embeddings: 64,
      },
      'config.json',
    );
    const strategy = strategySchema.parse({ type: 'lora' });
    const { targets, target_modules } = architectureFor(strategy, distilbert).adapters!;
    expect(target_modules).toEqual(['q_lin', 'v_lin']);
    expect(targets).toHaveLength(4);
    expect(architectureFor(strategy, architecture).adapters!.target_modules).toEqual(['query', 'value']);
    const given = strategySchema.parse({ type: 'lora', target_modules: ['query'] });
    expect(() => architectureFor(given, distilbert)).toThrow(
      expect.objectContaining({ key: 'target_modules', hint: expect.stringContaining('q_lin, k_lin, v_lin') }),
    );
  });
});

it('a strategy that would train nothing is refused', () => {
  const config = { model_type: 'gpt2', n_embd: 4, n_layer: 1, n_head: 1, n_positions: 8, vocab_size: 5 };
  const writer = architectureOf(config, 'config.json', { name: 'text-generation', reads: 'all' });
  for (const ask of [isTrainedBy, isTrainedIn])
    expect(() => ask({ type: 'head' }, writer)).toThrow(
      expect.objectContaining({ key: 'type', instead: 'lora', hint: expect.stringContaining('"full"') }),
    );
  // The head of a classifier is there.
  expect(isTrainedBy({ type: 'head' }, architectureOf(config, 'config.json'))('score.weight')).toBe(true);
});

describe('suggestStrategies', () => {
  const strategyOf = (type: string, layers: number) =>
    suggestStrategies(1000, { ...USUAL_FACTS, layers }).find(({ strategy }) => strategy.type === type)!.strategy;

  it('gives every door the same adapters and half of the layers to freeze', () => {
    expect(strategyOf('lora', 12)).toEqual({
      type: 'lora',
      r: 8,
      lora_alpha: 16,
      lora_dropout: 0.05,
      target_modules: ['query', 'value'],
    });
    expect([1, 6, 12].map((layers) => strategyOf('freeze', layers))).toEqual(
      [1, 3, 6].map((num_frozen_layers) => ({ type: 'freeze', num_frozen_layers })),
    );
  });

  it('recommends to train everything, and to freeze the lower layers for very many rows', () => {
    const first = (rows: number) => suggestStrategies(rows, USUAL_FACTS)[0]!;
    expect(first(1000)).toMatchObject({ strategy: { type: 'full' }, isRecommended: true });
    expect(first(100_000)).toMatchObject({ strategy: { type: 'freeze' }, isRecommended: true });
    expect(suggestStrategies(1000, USUAL_FACTS)).toHaveLength(Object.keys(STRATEGIES).length);
  });

  it('offers no way to train a classifier where there is none', () => {
    const types = (task: 'conversational' | 'text-classification', parameters = 2e8) =>
      suggestStrategies(100, { ...USUAL_FACTS, isDecoder: true, parameters }, task).map(
        ({ strategy }) => strategy.type,
      );
    expect(types('conversational')).toEqual(['lora', 'full', 'freeze']);
    // Adapters on a small one learn little, and how it classifies was not measured.
    expect(types('conversational', 2e7)).toEqual(['full', 'freeze', 'lora']);
    expect(types('text-classification', 2e7)[0]).toBe('lora');
    expect(types('text-classification')).toEqual(['lora', 'full', 'freeze', 'bitfit', 'head']);
  });

  it('says a larger learning rate for what starts from nothing', () => {
    const rates = suggestStrategies(1000, USUAL_FACTS).map(({ strategy, learning_rate }) => [
      strategy.type,
      learning_rate,
    ]);
    expect(Object.fromEntries(rates)).toMatchObject({
      full: undefined,
      freeze: undefined,
      lora: 1e-3,
      bitfit: 1e-3,
      head: 1e-3,
    });
  });
});
