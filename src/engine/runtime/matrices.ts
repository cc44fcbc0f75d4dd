import type { Architecture, Held } from '../models/architecture.ts';
import type { Declaration, ParameterInfo } from '../models/scope.ts';
import { BLOCK } from '../tensor/executors/blocks.ts';
import { LARGEST_BINDING } from '../tensor/executors/card-memory.ts';
import { sizeOf } from '../tensor/executors/executor.ts';

/** Parameters that products multiply by; tables, of which a few rows are read, are none. */
export const matricesOf = (parameters: Declaration['parameters']): ReadonlySet<string> =>
  new Set(
    [...parameters.values()]
      .filter(({ shape, place, rowsOf }) => shape.length === 2 && place !== -1 && rowsOf === undefined)
      .map(({ name }) => name),
  );

/**
 * Those that a graphics card may have in blocks alone, because nothing but products reads them: DoRA takes the lengths of
 * what it adapts. Their rows and columns are whole blocks, and one binding has them. Only of decoders: of an encoder they
 * would be little of the memory, and whether they cost time on a card was not measured.
 * @param held frozen parameters that may be computed with in fewer bits
 */
export function matricesInBlocks(
  parameters: Declaration['parameters'],
  { adapters, isCausal }: Pick<Architecture, 'adapters' | 'isCausal'>,
  held: Held,
): ReadonlySet<string> {
  if (!isCausal) return new Set();
  const measured = new Set(adapters?.use_dora ? adapters.targets.map((target) => `${target}.weight`) : []);
  const fits = ({ shape }: ParameterInfo) =>
    shape.every((size) => size % BLOCK === 0) && (sizeOf(shape) * held.bits) / 8 <= LARGEST_BINDING;
  return new Set(
    [...matricesOf(parameters)].filter((name) => held.has(name) && !measured.has(name) && fits(parameters.get(name)!)),
  );
}
