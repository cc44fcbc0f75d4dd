import { LuthierError } from '../../protocol/index.ts';
import { EXAMPLE_HINT, isRecord } from './explain-issue.ts';

/**
 * Sets a key of a recipe as it is written, by its dotted path (`strategy.num_frozen_layers`), in place.
 * @throws LuthierError `recipe-invalid` where the recipe is no object
 */
export function setKey(recipe: unknown, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop()!;
  let target = recipe;
  for (const key of keys) {
    if (!isRecord(target)) break;
    if (!isRecord(target[key])) target[key] = {};
    target = target[key];
  }
  if (!isRecord(target)) throw new LuthierError('recipe-invalid', 'The recipe is not a JSON object.', EXAMPLE_HINT);
  // Another type of strategy has other keys: those of the one it replaces would be unknown to it.
  if (path === 'strategy.type' && target.type !== value) {
    for (const key of Object.keys(target)) delete target[key];
  }
  target[last] = value;
}
