import { expect, it } from 'vitest';
import { models, type Rows, ways } from './candidates.ts';

const rows: Rows = {
  task: 'text-classification',
  dataset: 'd.csv',
  columns: {},
  rows: 66,
  base: import.meta.dirname,
};

it('a model is tuned in the way that is recommended for so many rows of each class', async () => {
  const way = async (classes?: number) => (await models({ ...rows, classes }, ['starters/bert']))[0]!.strategy;
  expect(await way(8)).toBe('few-shot');
  expect(await way(2)).not.toBe('few-shot');
  expect(await way()).not.toBe('few-shot');
  // Classes decide nothing but for one class a text.
  const labels = { ...rows, task: 'multi_label_classification', classes: 8 } as const;
  expect((await models(labels, ['starters/bert']))[0]!.strategy).not.toBe('few-shot');
});

it('the ways of a model are the same however many classes there are, the recommended one first', async () => {
  const named = async (classes: number) =>
    (await ways({ ...rows, classes }, 'starters/bert')).map(({ strategy }) => strategy);
  const [few, many] = [await named(8), await named(2)];
  expect(few[0]).toBe('few-shot');
  expect([...few].sort()).toEqual([...many].sort());
});

it('the classes’ names are learnt where they say something, beside few rows of each', async () => {
  const [head] = await ways({ ...rows, classes: 8, named: true }, 'starters/bert', ['head']);
  expect(head!.recipe.strategy).toMatchObject({ label_templates: ['This sentence is {}', '{}'] });
  const [many] = await ways({ ...rows, classes: 2, named: true }, 'starters/bert', ['head']);
  expect(many!.recipe.strategy).toEqual({ type: 'head', solver: 'lbfgs' });
});

it('a misspelt strategy is refused with the one that may be meant', async () => {
  await expect(ways(rows, 'starters/bert', ['lora', 'bitift'])).rejects.toMatchObject({
    code: 'usage',
    message: 'There is no strategy “bitift”; did you mean “bitfit”?',
  });
  await expect(ways(rows, 'starters/bert', ['adapters'])).rejects.toThrow('There is no strategy “adapters”.');
});

it('rows with several labels are learnt as they are written', async () => {
  const several = { ...rows, task: 'multi_label_classification', how: { label_separator: '|' } } as const;
  const [way] = await ways(several, 'starters/bert', ['lora']);
  expect(way!.recipe).toMatchObject({ problem_type: 'multi_label_classification', label_separator: '|' });
  expect((await ways(rows, 'starters/bert', ['lora']))[0]!.recipe).not.toHaveProperty('label_separator');
});

it('a misspelt model is refused before anything is trained, with the one that may be meant', async () => {
  const message = expect.stringContaining('Did you mean “starters/bert”?');
  const refused = { code: 'model-not-found', message };
  await expect(models(rows, ['starters/decoder', 'starters/brt'])).rejects.toMatchObject(refused);
  await expect(ways(rows, 'starters/brt')).rejects.toMatchObject(refused);
});
