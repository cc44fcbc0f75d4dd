import type { OtherLearning } from '../../protocol/index.ts';
import { listed } from './problems.ts';

/** How to learn what rows hold beside one class each. Only a person decides that they do. */
export function toLearn(other: OtherLearning): string {
  const keys = Object.entries(other).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  const what = other.problem_type === 'regression' ? 'the numbers themselves' : 'all labels of a row';
  return `To learn ${what}, write ${listed(keys)} in the recipe.`;
}
