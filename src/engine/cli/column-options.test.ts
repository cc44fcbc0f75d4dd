import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  type ColumnOptions,
  columnsFrom,
  labelsWrittenIn,
  refuseOtherColumns,
  taskFrom,
  withColumns,
  withSeveralLabels,
} from './column-options.ts';

const parsed = (...args: string[]): ColumnOptions =>
  withSeveralLabels(withColumns(new Command())).parse(args, { from: 'user' }).opts();

it('columns are known by the fields that options name them for', () => {
  const options = parsed(
    '--text-pair-column',
    'b',
    '--text-column',
    'a',
    '--group-column',
    'who',
    '--messages-column',
    'm',
  );
  expect(columnsFrom(options)).toEqual({ text: 'a', text_pair: 'b', group: 'who', messages: 'm' });
  expect(columnsFrom(parsed())).toEqual({});
});

it('a column of a field that a task has not is refused with those that it has', () => {
  refuseOtherColumns({ text: 'a', group: 'b' }, 'text-classification', 'The rows are for');
  expect(() => refuseOtherColumns({ tokens: 'a' }, 'text-classification', 'The rows are for')).toThrow(
    expect.objectContaining({
      code: 'usage',
      message: 'The rows are for text-classification, which has no --tokens-column.',
      hint: 'It has --text-column, --text-pair-column, --label-column, --group-column.',
    }),
  );
});

describe('several labels', () => {
  it('are written as an option says, and make the task theirs', () => {
    const how = labelsWrittenIn(parsed('--label-columns', 'price', 'quality'));
    expect(how).toEqual({ label_columns: ['price', 'quality'] });
    expect(labelsWrittenIn(parsed('--label-separator', '|'), 'multi_label_classification')).toEqual({
      label_separator: '|',
    });
    expect(labelsWrittenIn(parsed())).toBeUndefined();
    expect([taskFrom(undefined, how), taskFrom('regression', undefined)]).toEqual([
      'multi_label_classification',
      'regression',
    ]);
  });

  it('are refused for another task, and in two ways at once', () => {
    expect(() => labelsWrittenIn(parsed('--label-separator', '|'), 'regression', 'the model is for')).toThrow(
      '--label-separator and --label-columns are for multi_label_classification, and the model is for regression.',
    );
    expect(() => labelsWrittenIn(parsed('--label-separator', '|', '--label-columns', 'a', 'b'))).toThrow(
      'are both given',
    );
  });
});
