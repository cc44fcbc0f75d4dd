import { counted, LuthierError, taskOf } from '../../protocol/index.ts';
import { listed, type Problems } from './problems.ts';
import type { DataRules } from './repeats.ts';
import { type PartName, ROWS_OF } from './resolve.ts';
import type { RowKind, TaskData, TaskRow } from './types.ts';

/**
 * Takes rows out of a held-out part whose texts, or rows of whose groups, stand in another part, where they were or will
 * be learnt or chosen by.
 */
export function withoutLeaks<Row extends TaskRow>(
  kind: Pick<RowKind<Row, never>, 'key' | 'name'>,
  name: 'validation' | 'test',
  dataset: TaskData<Row>,
  others: readonly PartName[],
  problems: Problems,
  rules: DataRules,
): Row[] {
  const noun = taskOf(kind.name).row;
  let kept = [...dataset[name]];
  const takeOut = (other: PartName, key: string, leaks: (row: Row) => boolean, how: (found: Row[]) => string) => {
    const found = kept.filter(leaks);
    kept = kept.filter((row) => !leaks(row));
    problems.lines(
      { severity: 'warning', code: `leak-${other}`, key },
      found.map(({ line }) => line),
      (where, count) =>
        `${counted(count, `${name} ${noun}`)} (${where}) ${key === 'text' ? (count === 1 ? `is also a ${ROWS_OF[other]} ${noun} and is` : `are also ${ROWS_OF[other]} ${noun}s and are`) : count === 1 ? `is of a group that ${ROWS_OF[other]} ${noun}s have too and is` : `are of groups that ${ROWS_OF[other]} ${noun}s have too and are`} left out of ${name === 'test' ? 'the test' : name}${how(found)}.`,
    );
  };
  for (const other of others) {
    const keys = new Set(dataset[other].map((row) => kind.key(row, rules)));
    const texts = new Set(dataset[other].map((row) => kind.key(row, 1)));
    const groups = new Set(dataset[other].map(({ group }) => group));
    takeOut(
      other,
      'text',
      (row) => keys.has(kind.key(row, rules)),
      (found) =>
        found.every((row) => texts.has(kind.key(row, 1))) ? '' : ' (case, spaces and invisible characters aside)',
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
        ? `Every ${name} ${noun} is also a ${listed(where, 'or')} ${noun}, so no ${noun}s are left to measure the model on.`
        : `Every ${name} ${noun} has a text or a group of the ${listed(where, 'or')} ${noun}s, so no ${noun}s are left to measure the model on.`,
      `Add ${name} ${noun}s that the model does not learn from.`,
    );
  }
  return kept;
}
