import { counted, LuthierError } from '../../protocol/index.ts';
import { listed, type Problems } from './problems.ts';
import { type DataRules, textKey } from './repeats.ts';
import { type PartName, ROWS_OF } from './resolve.ts';
import type { ClassificationDataset, Example } from './types.ts';

/**
 * Takes rows out of a held-out part whose texts, or rows of whose groups, stand in another part, where they were or will
 * be learnt or chosen by.
 */
export function withoutLeaks(
  examples: readonly Example[],
  name: 'validation' | 'test',
  dataset: ClassificationDataset,
  others: readonly PartName[],
  problems: Problems,
  rules: DataRules,
): Example[] {
  let kept = [...examples];
  const takeOut = (
    other: PartName,
    key: string,
    leaks: (row: Example) => boolean,
    how: (found: Example[]) => string,
  ) => {
    const found = kept.filter(leaks);
    kept = kept.filter((row) => !leaks(row));
    problems.lines(
      { severity: 'warning', code: `leak-${other}`, key },
      found.map(({ line }) => line),
      (where, count) =>
        `${counted(count, `${name} row`)} (${where}) ${key === 'text' ? (count === 1 ? `is also a ${ROWS_OF[other]} row and is` : `are also ${ROWS_OF[other]} rows and are`) : count === 1 ? `is of a group that ${ROWS_OF[other]} rows have too and is` : `are of groups that ${ROWS_OF[other]} rows have too and are`} left out of ${name === 'test' ? 'the test' : name}${how(found)}.`,
    );
  };
  for (const other of others) {
    const keys = new Set(dataset[other].map((example) => textKey(example, rules)));
    const texts = new Set(dataset[other].map((example) => textKey(example, 1)));
    const groups = new Set(dataset[other].map(({ group }) => group));
    takeOut(
      other,
      'text',
      (row) => keys.has(textKey(row, rules)),
      (found) =>
        found.every((row) => texts.has(textKey(row, 1))) ? '' : ' (case, spaces and invisible characters aside)',
    );
    takeOut(
      other,
      'group',
      ({ group }) => group !== undefined && groups.has(group),
      () => ` (“${dataset.columns.group}”)`,
    );
  }
  if (kept.length === 0) {
    const where = others.filter((other) => dataset[other].length > 0).map((other) => ROWS_OF[other]);
    throw new LuthierError(
      'data-invalid',
      dataset.columns.group === undefined
        ? `Every ${name} row is also a ${listed(where, 'or')} row, so no rows are left to measure the model on.`
        : `Every ${name} row has a text or a group of the ${listed(where, 'or')} rows, so no rows are left to measure the model on.`,
      `Add ${name} rows that the model does not learn from.`,
    );
  }
  return kept;
}
