import { expect, test } from 'vitest';
import { shellQuoted } from '../../files/shell.ts';
import { type Change, type Finding, inFewerBits, type Recipe } from '../../protocol/index.ts';
import { findingLines, trainCommand } from './findings.ts';

test('findings are told with the command of what to try next', () => {
  const finding = (change?: Change): Finding => ({
    code: 'overfitting',
    severity: 'warning',
    ...{ title: 'Overfitting since step 30', text: 'The loss rose.', figures: {} },
    ...(change && { change }),
  });
  const recipe = { dataset: { train: '/w/my rows.csv' } } as Recipe;
  const lines = (change?: Change, recipe_path: string | null = '/w/a.recipe.json') =>
    findingLines({ findings: [finding(change)], model: null, recipe, recipe_path }, 'a-1', (path) =>
      path.replace('/w/', ''),
    );
  expect(lines()).toEqual(['Overfitting since step 30. The loss rose.']);
  const title = 'x';
  const set = { learning_rate: 1e-5, 'strategy.body_learning_rate': 2e-5 };
  expect(lines({ kind: 'recipe', title, set })[1]).toBe(
    '  Next: luthier train a.recipe.json --set learning_rate=0.00001 --set strategy.body_learning_rate=0.00002',
  );
  expect(lines({ kind: 'recipe', title, set: { num_train_epochs: 6 } }, null)[1]).toBe(
    '  Next: luthier train RECIPE --set num_train_epochs=6',
  );
  expect(lines({ kind: 'folds', title })[1]).toBe('  Next: luthier train a.recipe.json --folds 5');
  expect(lines({ kind: 'data', title })[1]).toBe(`  Next: luthier data inspect ${shellQuoted('my rows.csv')}`);
  expect(lines({ kind: 'rows', title })).toHaveLength(1);
  expect(findingLines({ model: null, recipe, recipe_path: null }, 'a-1', (path) => path)).toEqual([]);
});

test('a run whose figures were computed in 8 bits says so, and how its model is measured', () => {
  const short = (path: string) => path.replace('/w/', '');
  const lines = (dataset: Recipe['dataset'], model: string | null = 'model') =>
    findingLines(
      { findings: [inFewerBits(8)], model, recipe: { dataset } as Recipe, recipe_path: null },
      "'my run'",
      short,
    );
  const says =
    'Measured with layers in 8 bits. The figures of this run were computed with frozen layers in 8 bits; the model that is written is in float and may score slightly otherwise, which “luthier evaluate” measures.';
  expect(lines('/w/a.csv')).toEqual([says, "  Next: luthier evaluate 'my run' --data ROWS"]);
  const parts = { train: '/w/a.csv', validation: '/w/b c.csv', test: '/w/d.csv' };
  expect(lines(parts)[1]).toBe(`  Next: luthier evaluate 'my run' --data ${shellQuoted('b c.csv')}`);
  expect(lines({ train: '/w/a.csv', test: '/w/d.csv' })[1]).toBe(
    "  Next: luthier evaluate 'my run' --data d.csv --split test",
  );
  // Before there is a model.
  expect(lines('/w/a.csv', null)).toEqual([says]);
});

test('what to try next keeps what the command line had put in the place of keys', () => {
  const finding: Finding = { code: 'overfitting', severity: 'warning', title: 'Overfitting', text: '', figures: {} };
  const record = {
    findings: [{ ...finding, change: { kind: 'recipe', title: 'x', set: { learning_rate: 2e-4 } } } as Finding],
    recipe: { dataset: 'rows.csv' } as Recipe,
    model: null,
    recipe_path: '/w/a.recipe.json',
    sets: ['strategy.type=few-shot', 'learning_rate=1000', 'label_separator=|', 'columns={"text":"a"}'],
  };
  const short = (path: string) => path.replace('/w/', '');
  expect(findingLines(record, 'a-1', short)[1]).toBe(
    `  Next: luthier train a.recipe.json --set strategy.type=few-shot --set ${shellQuoted('label_separator=|')} --set ${shellQuoted('columns={"text":"a"}')} --set learning_rate=0.0002`,
  );
  expect(trainCommand({ recipe_path: null, sets: ['seed=7'] }, short)).toBe('luthier train RECIPE --set seed=7');
});
