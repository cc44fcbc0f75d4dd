import type { Architecture } from '../models/architecture.ts';
import type { Declaration, ParameterInfo } from '../models/scope.ts';
import { LARGEST_BINDING } from '../tensor/executors/card-memory.ts';
import { BLOCK } from '../tensor/executors/eight-bit-blocks.ts';
import { sizeOf } from '../tensor/executors/executor.ts';

/** Parameters that products multiply by; tables, of which a few rows are read, are none. */
export const matricesOf = (parameters: Declaration['parameters']): ReadonlySet<string> =>
  new Set(
    [...parameters.values()]
      .filter(({ shape, place, rowsOf }) => shape.length === 2 && place !== -1 && rowsOf === undefined)
      .map(({ name }) => name),
  );

/**
 * Those that a graphics card may have in 8 bits alone, because nothing but products reads them: DoRA takes the lengths of
 * what it adapts. Their rows and columns are whole blocks, and one binding has them. Only of decoders: of an encoder they
 * would be little of the memory, and whether they cost time on a card was not measured.
 * @param isHeld whether a frozen parameter may be computed with in 8 bits
 */
export function matricesInBlocks(
  parameters: Declaration['parameters'],
  { adapters, isCausal }: Pick<Architecture, 'adapters' | 'isCausal'>,
  isHeld: (name: string) => boolean,
): ReadonlySet<string> {
  if (!isCausal) return new Set();
  const measured = new Set(adapters?.use_dora ? adapters.targets.map((target) => `${target}.weight`) : []);
  const fits = ({ shape }: ParameterInfo) =>
    shape.every((size) => size % BLOCK === 0) && sizeOf(shape) <= LARGEST_BINDING;
  return new Set(
    [...matricesOf(parameters)].filter((name) => isHeld(name) && !measured.has(name) && fits(parameters.get(name)!)),
  );
}
