import { describe, expect, it } from 'vitest';
import { rateOf as learningRateOf, learnsPrompt, type TaskName } from '../../protocol/index.ts';
import { FEWER_PARAMETERS } from '../fewer-parameters.ts';
import { declarationOf } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { architectureFor, isTrainedBy, isTrainedIn, phasesOf, rateOf, tooShortFor } from './apply.ts';
import { factsAbout } from './facts.ts';
import { betterForFewRows, STRATEGIES, strategySchema, suggestStrategies } from './index.ts';
import { USUAL_FACTS } from './kind.ts';
import { phaseStarts } from './phase-starts.ts';

const architecture = architectureOf(
  {
    ...{ model_type: 'bert', vocab_size: 50, hidden_size: 24, num_hidden_layers: 4, num_attention_heads: 3 },
    ...{ intermediate_size: 40, max_position_embeddings: 64 },
  },
  'config.json',
);

const writer = architectureOf(
  {
    ...{ model_type: 'llama', vocab_size: 50, hidden_size: 24, num_hidden_layers: 4, num_attention_heads: 4 },
    ...{ num_key_value_heads: 2, intermediate_size: 40, max_position_embeddings: 64 },
  },
  'config.json',
  { name: 'text-generation', reads: 'all' },
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

  it.each(Object.entries(STRATEGIES))('%s has the rate that page, terminal and diagnosis say', (_, kind) => {
    const strategy = kind.suggest(USUAL_FACTS);
    const pairs = kind.pairs?.(strategy);
    const own = pairs ? { key: 'body_learning_rate', value: pairs.body_learning_rate } : null;
    expect(learningRateOf({ learning_rate: 3e-4, strategy })).toEqual(
      kind.isSolved?.(strategy) ? null : (own ?? { key: 'learning_rate', value: 3e-4 }),
    );
  });

  it.each(Object.entries(STRATEGIES))('%s trains the classifier, and what the last phase trains', (_, kind) => {
    const plain = kind.needsWriter ? writer : architecture;
    const head = kind.needsWriter ? ['prompt_embeddings'] : ['classifier.weight', 'classifier.bias'];
    const strategy = kind.suggest(factsAbout(plain));
    const adapted = architectureFor(strategy, plain);
    const isTrained = isTrainedBy(strategy, adapted);
    const isInPhase = isTrainedIn(strategy, adapted);
    for (const name of head) expect(isTrained(name)).toBe(true);
    const phases = phasesOf(strategy, adapted, { perEpoch: 30, total: 100 });
    expect(phases.starts[0]).toBe(0);
    for (const name of declarationOf(adapted).parameters.keys()) {
      expect(isTrained(name)).toBe(phases.all.some((phase) => isInPhase(phase, name)));
    }
  });
});

it('the protocol knows which strategies learn a prompt', () => {
  const learning = Object.keys(STRATEGIES).filter((type) => learnsPrompt({ type }));
  expect(learning).toEqual(Object.keys(STRATEGIES).filter((type) => STRATEGIES[type]!.prompt));
});

it('a prompt is no way to label tokens: it is neither offered nor taken', () => {
  const offered = suggestStrategies(100, USUAL_FACTS, 'token-classification').map(({ strategy }) => strategy.type);
  expect(offered).not.toContain('prompt-tuning');
  const labels = architectureOf(
    {
      model_type: 'bert',
      vocab_size: 50,
      hidden_size: 24,
      num_hidden_layers: 1,
      num_attention_heads: 3,
      intermediate_size: 40,
    },
    'config.json',
    { name: 'token-classification', reads: 'all' },
  );
  expect(() => architectureFor(strategySchema.parse({ type: 'prompt-tuning' }), labels)).toThrow(
    expect.objectContaining({ key: 'type', instead: 'lora' }),
  );
});

it('a phase cannot be taken for the index that filter passes', () => {
  const isInPhase = isTrainedIn(strategySchema.parse({ type: 'freeze', num_frozen_layers: 1 }), architecture);
  // @ts-expect-error: the name comes second
  expect(() => ['classifier.bias'].filter(isInPhase)).toThrow();
});

it('hints of what needs less memory name every strategy that trains fewer parameters', () => {
  const named = [...FEWER_PARAMETERS.matchAll(/"([\w-]+)"/g)].map(([, type]) => type);
  // In the end gradual-unfreeze trains them all, and few-shot all but what was set up.
  const trainsAll = ['full', 'gradual-unfreeze', 'few-shot'];
  expect(named).toEqual(Object.keys(STRATEGIES).filter((type) => !trainsAll.includes(type)));
});

describe('gradual-unfreeze', () => {
  const parse = (keys: object = {}) => strategySchema.parse({ type: 'gradual-unfreeze', ...keys });
  const starts = (keys: object, perEpoch: number, total: number) =>
    phasesOf(parse(keys), architecture, { perEpoch, total }).starts;

  it('adds a group each epoch, or by schedule, and leaves out what the run does not reach', () => {
    expect(starts({}, 10, 100)).toEqual([0, 10, 20, 30, 40, 50]);
    expect(starts({ epochs_per_group: 0.25 }, 10, 100)).toEqual([0, 3, 5, 8, 10, 13]);
    expect(starts({ steps_per_group: 4, epochs_per_group: 3 }, 10, 100)).toEqual([0, 4, 8, 12, 16, 20]);
    expect(starts({}, 10, 30)).toEqual([0, 10, 20]);
    // Less than a step each: some have none of their own.
    expect(starts({ epochs_per_group: 0.25 }, 2, 6)).toEqual([0, 1, 1, 2, 2, 3]);
  });

  it('trains from the head down to the embeddings', () => {
    const isInPhase = isTrainedIn(parse(), architecture);
    const lowest = ['classifier.bias', 'bert.pooler.dense.bias', 'bert.embeddings.word_embeddings.weight'];
    const layer = (n: number) => `bert.encoder.layer.${n}.output.dense.weight`;
    const trained = [0, 1, 4, 5].map((phase) =>
      [...lowest, layer(3), layer(2), layer(0)].filter((name) => isInPhase(phase, name)),
    );
    expect(trained).toEqual([
      lowest.slice(0, 2),
      [...lowest.slice(0, 2), layer(3)],
      [...lowest.slice(0, 2), layer(3), layer(2), layer(0)],
      [...lowest, layer(3), layer(2), layer(0)],
    ]);
  });

  it('has the rates of ULMFiT, 2.6 times lower with each group', () => {
    const rate = rateOf(parse(), architecture);
    expect(rate('classifier.weight')).toBe(1);
    expect(rate('bert.encoder.layer.3.output.dense.bias')).toBeCloseTo(1 / 2.6, 12);
    expect(rate('bert.encoder.layer.0.output.dense.bias')).toBeCloseTo(2.6 ** -4, 12);
    expect(rate('bert.embeddings.LayerNorm.weight')).toBeCloseTo(2.6 ** -5, 12);
    expect(rateOf(parse({ lr_decay: 1 }), architecture)('bert.embeddings.LayerNorm.weight')).toBe(1);
  });

  it('of a model that writes begins with the head it brings and the top layer', () => {
    const config = { model_type: 'gpt2', n_embd: 4, n_layer: 2, n_head: 1, n_positions: 8, vocab_size: 5 };
    const writer = architectureOf(config, 'config.json', { name: 'text-generation', reads: 'all' });
    const isInPhase = isTrainedIn(parse(), writer);
    expect(isInPhase(0, 'transformer.h.1.ln_1.weight')).toBe(true);
    expect(isInPhase(0, 'transformer.h.0.ln_1.weight')).toBe(false);
    expect(phasesOf(parse(), writer, { perEpoch: 5, total: 100 }).starts).toEqual([0, 5, 10]);
  });

  it('says what a run is too short for, and what would fit', () => {
    const said = (keys: object, perEpoch: number, total: number) =>
      tooShortFor(parse(keys), architecture, { perEpoch, total });
    expect(said({}, 10, 60)).toBeNull();
    expect(said({}, 10, 30)).toBe(
      'The run ends after 30 steps with 3 of 6 groups unfrozen: the lowest 2 layers and the embeddings are never trained. Set epochs_per_group to 0.5 or less, or train for longer.',
    );
    expect(said({}, 10, 50)).toContain('5 of 6 groups unfrozen: the embeddings are never trained.');
    expect(said({ steps_per_group: 9 }, 10, 40)).toContain(
      'the embeddings are never trained. Set steps_per_group to 6 or less',
    );
    // What it says fits.
    expect(said({ epochs_per_group: 0.5 }, 10, 30)).toBeNull();
    expect(said({ steps_per_group: 6 }, 10, 40)).toBeNull();
    expect(tooShortFor({ type: 'full' }, architecture, { perEpoch: 10, total: 1 })).toBeNull();
  });

  it('says where each phase with a step begins, in words', () => {
    const { parameters } = declarationOf(architecture);
    const isInPhase = isTrainedIn(parse(), architecture);
    const said = (keys: object, perEpoch: number, total: number) => {
      const phases = phasesOf(parse(keys), architecture, { perEpoch, total });
      const of = (name: string) => phases.all.filter((phase) => isInPhase(phase, name));
      return phaseStarts(architecture, parameters, { phases, phasesOf: of }).map(
        ({ step, message }) => `${step}: ${message.replace(/ \(.*/, '')}`,
      );
    };
    expect(said({}, 10, 100)).toEqual([
      '0: the classifier is trained',
      '10: the classifier and the top layer are trained',
      '20: the classifier and the top 2 of 4 layers are trained',
      '30: the classifier and the top 3 of 4 layers are trained',
      '40: the classifier and all 4 layers are trained',
      '50: the classifier, all 4 layers and the embeddings are trained',
    ]);
    expect(said({ epochs_per_group: 0.25 }, 2, 6).map((line) => line.slice(0, 2))).toEqual(['0:', '1:', '2:', '3:']);
  });
});

describe('layerwise_lr_decay', () => {
  it.each(['full', 'freeze', 'lora'])(
    'of %s lowers the rate layer by layer, and by nothing where it is left out',
    (type) => {
      const given = { type, ...(type === 'freeze' ? { num_frozen_layers: 1 } : {}) };
      const rates = (keys: object) => {
        const strategy = strategySchema.parse({ ...given, ...keys });
        const adapted = architectureFor(strategy, architecture);
        const isTrained = isTrainedBy(strategy, adapted);
        const rate = rateOf(strategy, adapted);
        const named = (part: string) =>
          [...declarationOf(adapted).parameters.keys()].find((n) => n.includes(part) && isTrained(n))!;
        return ['classifier', 'layer.3', 'layer.1'].map((part) => rate(named(part)));
      };
      expect(rates({ layerwise_lr_decay: 0.5 })).toEqual([1, 0.5, 0.125]);
      expect(rates({})).toEqual([1, 1, 1]);
    },
  );

  it('of full reaches the embeddings last', () => {
    const rate = rateOf({ type: 'full', layerwise_lr_decay: 0.5 }, architecture);
    expect(rate('bert.embeddings.word_embeddings.weight')).toBe(0.5 ** 5);
    expect(rate('bert.pooler.dense.weight')).toBe(1);
  });
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

describe('prefix-tuning', () => {
  const parse = (keys: object = {}) => strategySchema.parse({ type: 'prefix-tuning', ...keys });

  it('declares keys and values of every layer, as many as the heads that they have', () => {
    const { parameters } = declarationOf(architectureFor(parse({ num_virtual_tokens: 3 }), writer));
    // 4 layers, keys and values, 2 heads of 6.
    expect(parameters.get('prompt_embeddings')!.shape).toEqual([3, 4 * 2 * 12]);
    const projected = architectureFor(parse({ num_virtual_tokens: 3, prefix_projection: true }), writer);
    const shapes = [...declarationOf(projected).parameters.values()].filter(({ isAdapter }) => isAdapter);
    expect(shapes.map(({ name, shape }) => [name, shape])).toEqual([
      ['prompt_encoder.embedding.weight', [3, 12]],
      ['prompt_encoder.transform.0.weight', [12, 12]],
      ['prompt_encoder.transform.0.bias', [12]],
      ['prompt_encoder.transform.2.weight', [96, 12]],
      ['prompt_encoder.transform.2.bias', [96]],
    ]);
    expect(projected.maxPositions).toBe(61);
  });

  it('is not for classifiers, and says what is', () => {
    expect(() => architectureFor(parse(), architecture)).toThrow(
      expect.objectContaining({
        ...{ key: 'type', instead: 'lora' },
        hint: 'Use {"type": "lora"}, or {"type": "prompt-tuning"} to classify texts.',
      }),
    );
  });
});

describe('few-shot', () => {
  const strategy = strategySchema.parse({ type: 'few-shot' });
  const config = {
    ...{ model_type: 'bert', vocab_size: 50, hidden_size: 24, num_hidden_layers: 3, num_attention_heads: 3 },
    ...{ intermediate_size: 40, max_position_embeddings: 64 },
  };

  it('trains the encoder by pairs, without a layer that pools, and the classifier behind the last step', () => {
    const trainedIn = (pooling: string, phase: number) => {
      const read = architectureOf({ ...config, luthier: { pooling } }, 'config.json');
      expect(phasesOf(strategy, read, { perEpoch: 10, total: 10 }).starts).toEqual([0, 10]);
      const isTrained = isTrainedIn(strategy, read);
      const names = [...declarationOf(read).parameters.keys()].filter((name) => isTrained(phase, name));
      return [...new Set(names.map((name) => /embeddings|layer\.\d/.exec(name)?.[0] ?? 'head'))];
    };
    expect(trainedIn('mean', 0)).toEqual(['embeddings', 'layer.0', 'layer.1']);
    expect(trainedIn('cls', 0)).toEqual(['embeddings', 'layer.0', 'layer.1', 'layer.2']);
    expect(trainedIn('mean', 1)).toEqual(['head']);
  });

  it('has setfit’s defaults where it has its keys', () => {
    expect(strategy).toEqual({
      ...{ type: 'few-shot', num_iterations: 20, batch_size: 16, max_steps: 64 },
      ...{ body_learning_rate: 2e-5, warmup_proportion: 0.1 },
    });
  });

  it('refuses a decoder', () => {
    const decoder = { model_type: 'gpt2', n_embd: 4, n_layer: 1, n_head: 1, n_positions: 8, vocab_size: 5 };
    expect(() => isTrainedBy(strategy, architectureOf(decoder, 'config.json'))).toThrow(
      expect.objectContaining({ key: 'type', instead: 'lora' }),
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
      load_in_8bit: true,
    });
    expect([1, 6, 12].map((layers) => strategyOf('freeze', layers))).toEqual(
      [1, 3, 6].map((num_frozen_layers) => ({ type: 'freeze', num_frozen_layers, load_in_8bit: true })),
    );
  });

  it('computes frozen layers in 8 bits where that was measured, in encoders, and in float elsewhere', () => {
    const inEightBits = (more: object, task?: TaskName) =>
      suggestStrategies(1000, { ...USUAL_FACTS, ...more }, task)
        .filter(({ strategy }) => strategy.load_in_8bit)
        .map(({ strategy }) => strategy.type);
    expect(inEightBits({}).sort()).toEqual(['freeze', 'lora']);
    expect(inEightBits({ isDecoder: true })).toEqual([]);
    expect(inEightBits({ isDecoder: true }, 'conversational')).toEqual([]);
  });

  it('recommends to train everything, and to freeze the lower layers for very many rows', () => {
    const first = (rows: number) => suggestStrategies(rows, USUAL_FACTS)[0]!;
    expect(first(1000)).toMatchObject({ strategy: { type: 'full' }, isRecommended: true });
    expect(first(100_000)).toMatchObject({ strategy: { type: 'freeze' }, isRecommended: true });
    const fitting = Object.values(STRATEGIES).filter(({ needsWriter }) => !needsWriter);
    expect(suggestStrategies(1000, USUAL_FACTS)).toHaveLength(fitting.length);
  });

  it('has the labels’ names learnt where there are few rows of each class, and the names say something', () => {
    const templates = (rows: number, more = {}, task?: TaskName) =>
      ['few-shot', 'head'].map((type) => {
        const facts = { ...USUAL_FACTS, classes: 8, named: true, ...more };
        const found = suggestStrategies(rows, facts, task).find(({ strategy }) => strategy.type === type);
        return found?.strategy.label_templates;
      });
    const two = ['This sentence is {}', '{}'];
    for (const rows of [9, 64, 128]) expect(templates(rows)).toEqual([two, two]);
    expect(templates(129)).toEqual([undefined, undefined]);
    expect(templates(64, { named: false })).toEqual([undefined, undefined]);
    expect(templates(64, {}, 'multi_label_classification')).toEqual([undefined, undefined]);
    expect(templates(64, { isDecoder: true })).toEqual([undefined, undefined]);
  });

  it('recommends pairs for a few rows of each class, and says why', () => {
    const first = (rows: number, more = {}, task?: TaskName) =>
      suggestStrategies(rows, { ...USUAL_FACTS, classes: 8, ...more }, task)[0]!;
    for (const rows of [9, 64, 128, 256])
      expect(first(rows)).toMatchObject({ strategy: { type: 'few-shot' }, isRecommended: true });
    expect(first(64).reason).toBe('with about 8 rows of each class, pairs teach more than single rows');
    // So many rows as pairs would be refused for, in whatever classes (train/contrastive-pairs.ts).
    expect(first(1000, { classes: 150 }).strategy.type).toBe('few-shot');
    expect(first(1001, { classes: 150 }).strategy.type).not.toBe('few-shot');
    // More rows; no two of a class; no classes; a model or a task that has no embeddings of texts.
    for (const other of [first(257), first(8), first(64, { classes: undefined }), first(64, { isDecoder: true })])
      expect(other.strategy.type).not.toBe('few-shot');
    const offered = (task: TaskName) => suggestStrategies(64, { ...USUAL_FACTS, classes: 8 }, task);
    for (const task of ['token-classification', 'regression', 'multi_label_classification'] as const) {
      expect(offered(task).map(({ strategy }) => strategy.type)).not.toContain('few-shot');
      expect(offered(task)[0]).toMatchObject({ strategy: { type: 'full' }, isRecommended: true });
    }
  });

  it('says what teaches more than single rows where a recipe trains a few of them', () => {
    const said = (strategy: object, rows = 64, more = {}, task: TaskName = 'text-classification') =>
      betterForFewRows(strategySchema.parse(strategy), rows, { ...USUAL_FACTS, classes: 8, ...more }, task);
    expect(said({ type: 'full' })).toBe(
      'With about 8 rows of each class, pairs teach more than single rows. "strategy": {"type": "few-shot"} learns so; measured with so few rows, it was more accurate than "full".',
    );
    expect(said({ type: 'bitfit' })).toMatch(/learns so\.$/);
    for (const type of ['few-shot', 'head']) expect(said({ type })).toBeNull();
    expect(said({ type: 'full' }, 257)).toBeNull();
    expect(said({ type: 'lora' }, 64, { isDecoder: true })).toBeNull();
    expect(said({ type: 'full' }, 64, {}, 'token-classification')).toBeNull();
  });

  it('gives pairs twice the steps from 32 rows of each class on', () => {
    const steps = (rows: number, classes?: number) =>
      suggestStrategies(rows, { ...USUAL_FACTS, classes }).find(({ strategy }) => strategy.type === 'few-shot')!
        .strategy;
    expect([steps(255, 8), steps(256, 8), steps(64, 2), steps(256)]).toMatchObject(
      [64, 128, 128, 64].map((max_steps) => ({ max_steps, num_iterations: max_steps === 64 ? 20 : 40 })),
    );
  });

  it('offers no way to train a classifier where there is none', () => {
    const types = (task: 'conversational' | 'text-classification', parameters = 2e8) =>
      suggestStrategies(100, { ...USUAL_FACTS, isDecoder: true, parameters }, task).map(
        ({ strategy }) => strategy.type,
      );
    expect(types('conversational')).toEqual(['lora', 'full', 'freeze', 'prompt-tuning', 'prefix-tuning']);
    // Adapters on a small one learn little, and how it classifies was not measured.
    expect(types('conversational', 2e7)).toEqual(['full', 'freeze', 'lora', 'prompt-tuning', 'prefix-tuning']);
    expect(types('text-classification', 2e7)[0]).toBe('lora');
    const all = ['lora', 'full', 'freeze', 'gradual-unfreeze', 'bitfit', 'prompt-tuning', 'head'];
    expect(types('text-classification')).toEqual(all);
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
      'prompt-tuning': 3e-2,
      head: 1e-3,
    });
  });
});
