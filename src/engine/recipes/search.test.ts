import { describe, expect, it, test } from 'vitest';
import type { Search } from '../../protocol/index.ts';
import { checkRecipeText } from './check-recipe-text.ts';
import { checkRecipe, parseRecipe } from './recipe.ts';
import { draw, integersIn, rungsOf, searchIssues, trialsOf, withTrial } from './search.ts';

const NONE: ReadonlySet<string> = new Set();
const base = { model: 'starters/bert', dataset: 'tickets.csv' };
/** What is wrong with a recipe that has this search. */
const issuesOf = (search: object, more: object = {}) => {
  const checked = checkRecipe({ ...base, ...more, search });
  return 'issues' in checked ? checked.issues : [];
};
const messageOf = (search: object, more: object = {}) => issuesOf(search, more).map(({ message }) => message);

describe('trialsOf', () => {
  it('makes a grid of every combination, the last key fastest', () => {
    const values = { learning_rate: [1e-5, 1e-4], 'strategy.r': [4, 8, 16] };
    expect(trialsOf({ method: 'grid', values }, 42, NONE)).toEqual([
      { learning_rate: 1e-5, 'strategy.r': 4 },
      { learning_rate: 1e-5, 'strategy.r': 8 },
      { learning_rate: 1e-5, 'strategy.r': 16 },
      { learning_rate: 1e-4, 'strategy.r': 4 },
      { learning_rate: 1e-4, 'strategy.r': 8 },
      { learning_rate: 1e-4, 'strategy.r': 16 },
    ]);
  });

  it('draws the same trials from the same seed, others from another, and none twice', () => {
    const search: Search = {
      method: 'random',
      values: { learning_rate: { min: 1e-5, max: 1e-3, scale: 'log' }, weight_decay: [0, 0.01] },
      trials: 20,
    };
    const trials = trialsOf(search, 42, NONE);
    expect(trials).toHaveLength(20);
    expect(new Set(trials.map((trial) => JSON.stringify(trial))).size).toBe(20);
    expect(trialsOf(search, 42, NONE)).toEqual(trials);
    expect(trialsOf(search, 43, NONE)).not.toEqual(trials);
    // Those that are drawn first do not depend on how many follow.
    expect(trialsOf({ ...search, trials: 5 }, 42, NONE)).toEqual(trials.slice(0, 5));
    for (const { learning_rate } of trials) {
      expect(learning_rate).toBeGreaterThanOrEqual(1e-5);
      expect(learning_rate).toBeLessThanOrEqual(1e-3);
    }
  });

  it('draws ten where nothing is said, nine for halving, and only as many as there are', () => {
    const values = { learning_rate: { min: 1e-5, max: 1e-3 } };
    expect(trialsOf({ method: 'random', values }, 1, NONE)).toHaveLength(10);
    expect(trialsOf({ method: 'halving', values }, 1, NONE)).toHaveLength(9);
    const few = { weight_decay: [0, 0.01], warmup_steps: [0, 0.06, 0.1] };
    expect(trialsOf({ method: 'random', values: few, trials: 50 }, 1, NONE)).toHaveLength(6);
  });
});

test.each([
  // Halfway between 1e-5 and 1e-3 by their logarithms is 1e-4, and evenly 0.000505.
  [{ min: 1e-5, max: 1e-3, scale: 'log' }, false, 0.5, 1e-4],
  [{ min: 1e-5, max: 1e-3, scale: 'linear' }, false, 0.5, 0.000505],
  [{ min: 1e-5, max: 1e-3 }, false, 0, 1e-5],
  // Of 4, 5, 6, 7, 8 each has a fifth.
  [{ min: 4, max: 8 }, true, 0.19, 4],
  [{ min: 4, max: 8 }, true, 0.21, 5],
  [{ min: 4, max: 8 }, true, 0.999, 8],
  // 1 to 65 by logarithms: 65 ** 0.5 = 8.06.
  [{ min: 1, max: 64, scale: 'log' }, true, 0.5, 8],
  // Three digits.
  [{ min: 0, max: 1 }, false, 0.123456, 0.123],
] as const)('draws from %j (whole numbers: %s) at %s: %s', (range, isInteger, u, value) => {
  expect(draw(range, isInteger, u)).toBeCloseTo(value, 12);
});

test('ranges of keys that take whole numbers are drawn as these', () => {
  const search: Search = {
    method: 'random',
    values: {
      per_device_train_batch_size: { min: 4, max: 32 },
      'strategy.r': { min: 2, max: 16 },
      weight_decay: { min: 0, max: 1 },
      warmup_steps: { min: 0, max: 100 },
    },
  };
  const lora = { ...base, strategy: { type: 'lora' } };
  expect([...integersIn(search, lora, checkRecipe)].sort()).toEqual([
    'per_device_train_batch_size',
    'strategy.r',
    'warmup_steps',
  ]);
  // Of a key that the first strategy does not have, too.
  const several: Search = {
    method: 'random',
    values: {
      'strategy.type': ['head', 'lora'],
      'strategy.r': { min: 2, max: 16 },
      'strategy.lora_dropout': { min: 0, max: 1 },
    },
  };
  expect([...integersIn(several, base, checkRecipe)]).toEqual(['strategy.r']);
});

test.each([
  [2, [[2, 1]]],
  [
    3,
    [
      [3, 1 / 3],
      [1, 1],
    ],
  ],
  [
    9,
    [
      [9, 1 / 9],
      [3, 1 / 3],
      [1, 1],
    ],
  ],
  // Li et al. 2018, table 1, the bracket s = 4: 81 of 1/81, 27, 9, 3, 1.
  [
    81,
    [
      [81, 1 / 81],
      [27, 1 / 27],
      [9, 1 / 9],
      [3, 1 / 3],
      [1, 1],
    ],
  ],
  // ⌊20/3⌋ = 6, ⌊20/9⌋ = 2.
  [
    20,
    [
      [20, 1 / 9],
      [6, 1 / 3],
      [2, 1],
    ],
  ],
])('%i candidates have the rungs %j', (count, rungs) => {
  expect(rungsOf(count).map(({ count: n, share }) => [n, share])).toEqual(rungs);
});

test('a trial is set in the recipe as it is written', () => {
  const written = { ...base, strategy: { type: 'lora', r: 8 } };
  expect(withTrial(written, { learning_rate: 1e-4, 'strategy.r': 4 })).toEqual({
    ...{ ...base, learning_rate: 1e-4, strategy: { type: 'lora', r: 4 } },
  });
  expect(withTrial(written, { 'strategy.type': 'full' }).strategy).toEqual({ type: 'full' });
  // Whichever is named first: the strategy takes away keys of the one before it, and not what the trial sets.
  expect(withTrial(written, { 'strategy.num_frozen_layers': 2, 'strategy.type': 'freeze' }).strategy).toEqual({
    ...{ type: 'freeze', num_frozen_layers: 2 },
  });
  expect(withTrial(base, { 'strategy.r': 4, strategy: { type: 'lora', lora_alpha: 8 } })).toMatchObject({
    strategy: { type: 'lora', lora_alpha: 8, r: 4 },
  });
  expect(written.strategy).toEqual({ type: 'lora', r: 8 });
});

describe('a search in a recipe', () => {
  it.each<Search>([
    {
      method: 'grid',
      values: { 'strategy.type': ['head', 'lora'], 'strategy.r': [4, 8], learning_rate: [1e-4, 1e-3] },
    },
    { method: 'random', values: { max_length: { min: 16, max: 64 }, weight_decay: [0, 0.01] }, trials: 20 },
  ])('asks for each recipe once: %j', (search) => {
    const asked: string[] = [];
    const issues = searchIssues(search, base, parseRecipe(base), (written) => {
      asked.push(JSON.stringify(written));
      return checkRecipe(written);
    });
    expect(issues).toEqual([]);
    expect(asked.length).toBeGreaterThanOrEqual(6);
    expect(asked).toEqual([...new Set(asked)]);
  });

  it('is right where its values are the recipe’s', () => {
    const range = { min: 1e-5, max: 1e-3, scale: 'log' };
    expect(messageOf({ method: 'random', values: { learning_rate: range }, trials: 4, minutes: 10 })).toEqual([]);
    expect(messageOf({ method: 'grid', values: { strategy: [{ type: 'full' }, { type: 'lora', r: 4 }] } })).toEqual([]);
    expect(messageOf({ method: 'halving', values: { 'strategy.r': [4, 8] } }, { strategy: { type: 'lora' } })).toEqual(
      [],
    );
  });

  it('is refused with the place of a value that is out of range', () => {
    const [issue] = issuesOf({ method: 'grid', values: { learning_rate: [1e-4, -1] } });
    expect(issue).toMatchObject({
      keys: ['search', 'values', 'learning_rate', 1],
      message: '"search.values.learning_rate[1]" is -1 and must be more than 0.',
    });
    expect(messageOf({ method: 'random', values: { max_length: { min: 2, max: 64 } } })).toEqual([
      '"search.values.max_length.min" is 2 and must be at least 3.',
    ]);
    expect(messageOf({ method: 'grid', values: { lr_scheduler_type: ['linear', 'cosin'] } })[0]).toMatch(
      /^"search\.values\.lr_scheduler_type\[1\]" is "cosin" and must be "linear", .*Did you mean "cosine"\?$/,
    );
    const [nested] = issuesOf({ method: 'grid', values: { strategy: [{ type: 'full' }, { type: 'lora', r: 0 }] } });
    expect(nested).toMatchObject({ keys: ['search', 'values', 'strategy', 1, 'r'] });
  });

  it('is refused with the key that is likely meant', () => {
    const of = (key: string) => issuesOf({ method: 'grid', values: { [key]: [1] } }, { strategy: { type: 'lora' } })[0];
    expect(of('lerning_rate')).toMatchObject({
      ...{ code: 'unknown-key', keys: ['search', 'values', 'lerning_rate'], instead: ['learning_rate'] },
      message: 'unknown key "search.values.lerning_rate"; did you mean "learning_rate"?',
    });
    expect(of('strategy.lora_alpa')).toMatchObject({
      ...{ code: 'unknown-key', keys: ['search', 'values', 'strategy.lora_alpa'], instead: ['strategy.lora_alpha'] },
    });
    expect(of('r')).toMatchObject({
      ...{ code: 'unknown-key', keys: ['search', 'values', 'r'], instead: ['strategy.r'] },
      message: 'unknown key "search.values.r"; did you mean "strategy.r"?',
      hint: 'It is a key of "strategy". It works only with {"type": "lora"}.',
    });
    expect(of('strategy.__proto__')).toMatchObject({ code: 'unknown-key' });
    expect(messageOf({ methd: 'grid', values: { seed: [1] } })).toEqual(
      expect.arrayContaining(['unknown key "search.methd"; did you mean "search.method"?']),
    );
  });

  it('is refused where candidates would not compare, or the method cannot try it', () => {
    const of = (search: object, more: object = {}) => messageOf(search, more)[0];
    expect(of({ method: 'grid', values: {} })).toBe('search.values names nothing to try.');
    expect(of({ method: 'grid', values: { dataset: ['a.csv'] } })).toContain('not be measured on the same rows');
    expect(of({ method: 'grid', values: { seed: [1, 2] } })).toContain('the best of several seeds is chance');
    expect(of({ method: 'halving', values: { num_train_epochs: [1, 2] } })).toContain(
      'is what the search itself varies',
    );
    expect(of({ method: 'grid', values: { learning_rate: { min: 1, max: 2 } } })).toContain(
      'a grid tries values one by one',
    );
    expect(of({ method: 'grid', values: { learning_rate: [1e-4] }, trials: 3 })).toContain(
      'a grid tries every combination',
    );
    expect(of({ method: 'halving', values: { learning_rate: [1e-4] }, trials: 2 })).toContain('needs at least 3');
    expect(of({ method: 'random', values: { weight_decay: { min: 0, max: 1, scale: 'log' } } })).toContain(
      'must be above 0',
    );
    expect(of({ method: 'random', values: { weight_decay: { min: 1, max: 0 } } })).toContain('min must be below max');
    expect(of({ method: 'random', values: { weight_decay: 3 } })).toBe(
      '"search.values.weight_decay" is 3 and must be a list of values, or a range such as {"min": 1e-5, "max": 1e-3, "scale": "log"}.',
    );
    const many = Array.from({ length: 15 }, (_, i) => (i + 1) / 100);
    expect(of({ method: 'grid', values: { weight_decay: many, warmup_steps: many } })).toBe(
      'The grid has 225 combinations; 200 are the most.',
    );
    expect(of({ method: 'grid', values: { learning_rate: [1e-4] } }, { validation_split: 0 })).toContain(
      'no validation rows',
    );
    // Where a recipe says all in its message, no other hint is made up for a search.
    const between = { warmup_steps: { min: 0.5, max: 30 } };
    for (const { message, hint } of issuesOf({ method: 'random', values: between })) {
      expect(message).toContain('it must be a share below 1 or a whole number of steps');
      expect(hint).toBeUndefined();
    }
    expect(issuesOf({ method: 'random', values: between })).toHaveLength(1);
    const clash = { focal_gamma: [2], label_smoothing_factor: [0, 0.1] };
    expect(of({ method: 'grid', values: clash })).toMatch(/focal_gamma and label_smoothing_factor are both given/);
  });

  it('takes a key that only some of its strategies have, whichever stands first, and refuses one that none has', () => {
    const types = { 'strategy.type': ['head', 'lora'] };
    expect(messageOf({ method: 'grid', values: { ...types, 'strategy.r': [4, 8] } })).toEqual([]);
    expect(messageOf({ method: 'grid', values: { 'strategy.r': [4, 8], ...types } })).toEqual([]);
    const whole = { strategy: [{ type: 'full' }, { type: 'lora' }], 'strategy.r': [4, 8] };
    expect(messageOf({ method: 'grid', values: whole })).toEqual([]);
    expect(messageOf({ method: 'grid', values: { ...types, 'strategy.r': [4, 0] } })).toEqual([
      '"search.values.strategy.r[1]" is 0 and must be at least 1.',
    ]);
    expect(issuesOf({ method: 'grid', values: { ...types, 'strategy.rr': [4] } })).toMatchObject([
      { code: 'unknown-key', keys: ['search', 'values', 'strategy.rr'] },
    ]);
    expect(issuesOf({ method: 'grid', values: { ...types, 'strategy.num_frozen_layers': [4] } })).toHaveLength(1);
    // What a strategy has and cannot take is said with the candidate, and with what helps in any recipe.
    const [clash] = issuesOf({ method: 'grid', values: { ...types, fp16: [false, true] } });
    expect(clash!.message).toMatch(/^the trial \{"strategy.type":"head","fp16":true\} is no recipe: fp16 is for steps/);
    expect(clash!.hint).toBe('Remove fp16, or choose another strategy.');
  });

  it('is shown in the editor under the value, with what mends it', () => {
    const text = JSON.stringify({ ...base, search: { method: 'grid', values: { lerning_rate: [1e-4] } } }, null, 2);
    const [problem] = checkRecipeText(text);
    expect(text.slice(problem!.start, problem!.end)).toBe('"lerning_rate"');
    expect(problem!.fixes[0]).toMatchObject({ title: 'Change to "learning_rate"', preferred: true });
    const low = text.replace('lerning', 'learning').replace('0.0001', '0.0001, -2');
    const [under] = checkRecipeText(low);
    expect(low.slice(under!.start, under!.end)).toBe('-2');
  });
});
