import { expect, test } from 'vitest';
import { standardFilters } from '../../prompts/jinja/filters.ts';
import { TESTS as standardTests } from '../../prompts/jinja/tests.ts';
import { FILTERS, TESTS } from './words.ts';

test('filters and tests that are offered are those that templates are rendered with', () => {
  // Shorter names of others.
  const aliases = ['count', 'd', 'attr'];
  const rendered = Object.keys(standardFilters).filter((name) => !aliases.includes(name));
  expect(Object.keys(FILTERS).sort()).toEqual([...rendered, 'truncate_tokens'].sort());
  const tests = Object.keys(standardTests).filter((name) => name !== 'true' && name !== 'false' && name !== 'callable');
  expect(Object.keys(TESTS).sort()).toEqual(tests.sort());
});
