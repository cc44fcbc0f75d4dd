import { expect, it } from 'vitest';
import { recipeForFiles } from './own-files.ts';

const of = (rows: number, bytes: number) =>
  recipeForFiles({ model: 'starters/decoder', base: import.meta.dirname, dataset: 'mine', rows, bytes });

it('a small model is trained whole, in batches and epochs that suit the number of windows', async () => {
  expect(await of(120, 1_000_000)).toMatchObject({
    ...{ task: 'text-generation', model: 'starters/decoder', dataset: 'mine', strategy: { type: 'full' } },
    ...{ learning_rate: 5e-4, num_train_epochs: 2, per_device_train_batch_size: 8 },
  });
});

it('many rows of few bytes, as completions are, are not learnt one at a time', async () => {
  expect(await of(26, 2600)).toMatchObject({ num_train_epochs: 4, per_device_train_batch_size: 4 });
});
