import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inspectData } from '../src/engine/data/inspect.ts';
import { loadRecipe } from '../src/engine/recipes/recipe.ts';

const file = (name: string) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));

describe('the example data sets are what examples/README.md says', () => {
  it('tickets', async () => {
    const { rows, guess, classes, problems } = await inspectData({ file: file('tickets.csv') });
    expect({ rows, guess }).toEqual({ rows: 691, guess: { text: 'text', label: 'intent' } });
    expect(classes.length).toBe(8);
    expect([classes.at(-1)!.count, classes[0]!.count]).toEqual([52, 119]);
    expect(problems.map((p) => [p.severity, p.count])).toEqual([
      ['warning', 3],
      ['info', 7],
    ]);
  });

  it('reviews', async () => {
    const { rows, guess, classes, problems } = await inspectData({ file: file('reviews.csv') });
    expect({ rows, guess }).toEqual({ rows: 493, guess: { text: 'review', label: 'sentiment' } });
    expect(classes).toEqual([
      { label: 'positive', count: 264 },
      { label: 'negative', count: 229 },
    ]);
    expect(problems.map((p) => [p.severity, p.count])).toEqual([
      ['warning', 2],
      ['info', 3],
    ]);
  });

  it.each(['tickets', 'reviews'])('%s.recipe.json is a recipe', async (name) => {
    const { recipe } = await loadRecipe(file(`${name}.recipe.json`));
    expect(recipe).toMatchObject({ model: 'starters/bert', dataset: file(`${name}.csv`) });
  });
});
