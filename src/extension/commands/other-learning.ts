import type { OtherLearning } from '../../protocol/index.ts';
import { shorten } from '../format.ts';
import type { Choice } from '../questions.ts';

/** The question whether something else is learnt of the rows, as the terminal asks it. */
export function otherChoices({ problem_type, label_separator, label_columns }: OtherLearning): {
  placeholder: string;
  items: Choice<boolean>[];
} {
  if (problem_type === 'regression')
    return {
      placeholder: 'Learn the numbers (regression)?',
      items: [
        { label: '$(check) Learn the numbers', description: 'Regression', value: true },
        { label: '$(tag) Learn each number as a class', description: 'Text classification', value: false },
      ],
    };
  const where = label_columns
    ? `from ${shorten(label_columns.join(', '), 60)}`
    : label_separator === undefined
      ? 'of each list'
      : `joined by “${label_separator}”`;
  return {
    placeholder: `Learn all labels of a row, ${where}?`,
    items: [
      { label: '$(check) Learn all labels of a row', description: 'Multi-label classification', value: true },
      { label: '$(tag) Learn one label for each row', description: 'Text classification', value: false },
    ],
  };
}
