import { expect, it } from 'vitest';
import type { Candidate, Recipe } from '../../../protocol/index.ts';
import { models, type Rows, ways } from './candidates.ts';
import { entriesOf } from './entry.ts';

const base = import.meta.dirname;
const rows: Rows = { task: 'text-classification', dataset: 'd.csv', columns: {}, rows: 400, base };
const named = (...names: string[]) => ways(rows, 'starters/bert', names);

it('a key that some candidates cannot take is left out for these, with the reason, and set in the others', async () => {
  const sets = ['fp16=true', 'max_length=32', 'strategy.r=4'];
  const { entries, notes } = await entriesOf(await named('full', 'lora', 'head'), {
    compared: 'ways',
    base,
    rows,
    sets,
  });
  expect(entries.map(({ loaded: { recipe } }) => [recipe.strategy.type, recipe.fp16, recipe.max_length])).toEqual([
    ['full', true, 32],
    ['lora', true, 32],
    ['head', undefined, 32],
  ]);
  expect(entries[1]!.loaded.recipe.strategy).toMatchObject({ type: 'lora', r: 4 });
  // Suggested for a processor, it gives way to fp16.
  expect(entries[1]!.candidate.recipe.strategy).not.toHaveProperty('load_in_8bit');
  expect(notes).toEqual([
    'fp16 does not apply to head and is left out there: fp16 is for steps that compute gradients of layers, and strategy "head" trains the classifier alone.',
    expect.stringMatching(/^strategy\.r does not apply to full and head and is left out there\.$/),
  ]);
  // The recipe that is written for whoever chooses it is the one that was measured.
  expect(entries.map(({ candidate: { recipe } }) => [recipe.fp16, recipe.max_length])).toEqual([
    [true, 32],
    [true, 32],
    [undefined, 32],
  ]);
  expect(entries[1]!.candidate.recipe.strategy).toMatchObject({ type: 'lora', r: 4 });
});

it('4 bits that are asked for take the place of 8 that are suggested', async () => {
  const sets = ['strategy.load_in_4bit=true'];
  const { entries } = await entriesOf(await named('lora'), { compared: 'ways', base, rows, sets });
  for (const { strategy } of [entries[0]!.loaded.recipe, entries[0]!.candidate.recipe as Recipe]) {
    expect(strategy).toMatchObject({ type: 'lora', load_in_4bit: true });
    expect(strategy).not.toHaveProperty('load_in_8bit');
  }
});

it('several keys at once are left out, and those that need each other are kept together', async () => {
  const sets = ['strategy.r=4', 'cut_frac=0.2', 'fp16=true', 'lr_scheduler_type=slanted_triangular'];
  const { entries, notes } = await entriesOf(await named('lora', 'head'), { compared: 'ways', base, rows, sets });
  expect(notes.map((note) => note.split(' and is')[0])).toEqual([
    'strategy.r does not apply to head',
    'fp16 does not apply to head',
  ]);
  for (const { loaded } of entries) expect(loaded.recipe.cut_frac).toBe(0.2);
});

it('keys that exclude each other are refused, as in a recipe', async () => {
  const sets = ['strategy.load_in_8bit=true', 'fp16=true'];
  const candidates = await named('full', 'lora');
  await expect(entriesOf(candidates, { compared: 'ways', base, rows, sets })).rejects.toThrow(
    'fp16 and load_in_8bit are both given',
  );
});

it('keys that need each other are taken together, in any order', async () => {
  const sets = ['cut_frac=0.2', 'lr_scheduler_type=slanted_triangular'];
  const { entries, notes } = await entriesOf(await named('full', 'head'), { compared: 'ways', base, rows, sets });
  expect(notes).toEqual([]);
  for (const { loaded } of entries) expect(loaded.recipe.cut_frac).toBe(0.2);
});

it('what no candidate can take is refused, as is a key that there is none of', async () => {
  const refused = async (names: string[], ...sets: string[]) =>
    entriesOf(await named(...names), { compared: 'ways', base, rows, sets });
  await expect(refused(['head'], 'fp16=true')).rejects.toMatchObject({
    code: 'recipe-invalid',
    message: expect.stringContaining('--set fp16: fp16 is for steps'),
  });
  await expect(refused(['full', 'head'], 'fp16=true', 'max_lenght=3')).rejects.toThrow('max_lenght');
  await expect(refused(['full', 'head'], 'strategy.r=8')).rejects.toThrow(/unknown key/);
  await expect(refused(['full', 'lora'], 'label_separator=|')).rejects.toThrow('several labels');
});

it('a candidate is called by the strategy that is trained, and ways that are the same are tried once', async () => {
  const called = async (names: string[], ...sets: string[]) => {
    const { entries, notes } = await entriesOf(await named(...names), { compared: 'ways', base, rows, sets });
    const trained = entries.map(({ candidate: { strategy, title, recipe }, loaded }) => {
      expect([recipe.strategy?.type, loaded.recipe.strategy.type]).toEqual([strategy, strategy]);
      return `${strategy}: ${title}`;
    });
    return { trained, notes, rates: entries.map(({ loaded }) => loaded.recipe.learning_rate) };
  };
  expect(await called(['full'], 'strategy.type=lora')).toMatchObject({ trained: ['lora: LoRA'], notes: [] });
  expect(await called(['full'], 'strategy={"type": "lora"}')).toMatchObject({ trained: ['lora: LoRA'] });
  const own = await called(['lora']);
  const all = await called(['full', 'head', 'lora', 'bitfit'], 'strategy.type=lora');
  expect(all).toEqual({
    trained: ['lora: LoRA'],
    notes: ['full, head and bitfit are trained as lora here, which is tried once.'],
    // The one that was suggested for LoRA.
    rates: own.rates,
  });
  expect(await called(['full', 'bitfit'], 'strategy.type=head')).toMatchObject({
    trained: ['head: Train the classifier only'],
    notes: ['full and bitfit are trained as head here, which is tried once.'],
  });
  // What is left out for some is said by the names that they have by then.
  expect((await called(['full'], 'strategy.type=lora', 'strategy.r=4')).notes).toEqual([]);
  expect((await called(['head', 'full'], 'strategy.r=4', 'strategy.type=lora')).trained).toEqual(['lora: LoRA']);
});

it('a strategy that is set has the training that is suggested for it, and not that of the one before', async () => {
  const many = { ...rows, rows: 20_000 };
  const of = async (candidates: Candidate[], compared: 'ways' | 'models', ...sets: string[]) => {
    const { entries } = await entriesOf(candidates, { compared, base, rows: many, sets });
    const { learning_rate, num_train_epochs } = entries[0]!.loaded.recipe;
    expect(entries[0]!.candidate.recipe).toMatchObject({ learning_rate, num_train_epochs });
    return [learning_rate, num_train_epochs];
  };
  const way = (type: string) => ways(many, 'starters/bert', [type]);
  expect(await of(await way('full'), 'ways', 'strategy.type=lora')).toEqual([1e-3, 5]);
  expect(await of(await way('full'), 'ways', 'strategy={"type": "lora"}')).toEqual([1e-3, 5]);
  expect(await of(await way('lora'), 'ways', 'strategy.type=full')).toEqual([5e-5, 1]);
  expect(await of(await way('lora'), 'ways', 'strategy.type=full', 'learning_rate=3e-4')).toEqual([3e-4, 1]);
  expect(await of(await way('lora'), 'ways', 'num_train_epochs=2', 'strategy.type=full')).toEqual([5e-5, 2]);
  expect(await of(await way('full'), 'ways', 'strategy.type=full')).toEqual([5e-5, 1]);
  const decoders = await models(many, ['starters/decoder']);
  expect(decoders[0]!.strategy).toBe('lora');
  expect(await of(decoders, 'models', 'strategy.type=full')).toEqual([5e-5, 1]);
  // The keys of the strategy are those that are suggested, too.
  const options = { compared: 'ways', base, rows: many, sets: ['strategy.type=lora'] } as const;
  const [set] = (await entriesOf(await way('full'), options)).entries;
  expect(set!.loaded.recipe.strategy).toEqual((await way('lora'))[0]!.recipe.strategy);
});

it('a model is called by the way in which it is trained', async () => {
  const candidates = await models(rows, ['starters/bert']);
  const { entries } = await entriesOf(candidates, { compared: 'models', base, rows, sets: ['strategy.type=bitfit'] });
  expect(entries.map(({ candidate: { model, strategy, title } }) => [model, strategy, title])).toEqual([
    ['starters/bert', 'bitfit', 'BitFit'],
  ]);
});

it('what the command names is not set', async () => {
  const ofModel = entriesOf(await named('full'), { compared: 'ways', base, rows, sets: ['model=starters/decoder'] });
  await expect(ofModel).rejects.toMatchObject({ code: 'usage', hint: 'Name it instead: --model NAME' });
  const candidates = await models(rows, ['starters/bert']);
  await expect(
    entriesOf(candidates, { compared: 'models', base, rows, sets: ['dataset.train=x.csv'] }),
  ).rejects.toThrow('--set dataset would put another dataset in the place');
});

it('a backend is set for all, and no recipe that is written names it', async () => {
  const candidates = await models(rows, ['starters/bert']);
  const { entries } = await entriesOf(candidates, { compared: 'models', base, rows, sets: ['backend=wasm', 'seed=7'] });
  expect(entries[0]!.loaded.recipe).toMatchObject({ backend: 'wasm', seed: 7 });
  expect(entries[0]!.candidate.recipe).toMatchObject({ seed: 7 });
  expect(entries[0]!.candidate.recipe.backend).toBeUndefined();
});
