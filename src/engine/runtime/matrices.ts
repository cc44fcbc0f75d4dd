import type { Architecture } from '../models/architecture.ts';
import type { Declaration } from '../models/scope.ts';
import { BLOCK } from '../tensor/executors/eight-bit-blocks.ts';
import type { TablePieces } from './table-pieces.ts';

/** Parameters that products multiply by; tables, of which a few rows are read, are none. */
export const matricesOf = (parameters: Declaration['parameters']): ReadonlySet<string> =>
  new Set(
    [...parameters.values()]
      .filter(({ shape, place, rowsOf }) => shape.length === 2 && place !== -1 && rowsOf === undefined)
      .map(({ name }) => name),
  );

/**
 * Those that a device may have in 8 bits alone, because nothing but products reads them: DoRA takes the lengths of what it
 * adapts. Their rows and columns are whole blocks.
 * @param isHeld whether a frozen parameter may be computed with in 8 bits
 * @param tables what is there in pieces
 */
export function matricesInBlocks(
  parameters: Declaration['parameters'],
  { adapters }: Architecture,
  isHeld: (name: string) => boolean,
  tables?: TablePieces,
): ReadonlySet<string> {
  const measured = new Set(adapters?.use_dora ? adapters.targets.map((target) => `${target}.weight`) : []);
  const isWhole = (name: string) => parameters.get(name)!.shape.every((size) => size % BLOCK === 0);
  return new Set(
    [...matricesOf(parameters)].filter(
      (name) => isHeld(name) && !measured.has(name) && !tables?.has(name) && isWhole(name),
    ),
  );
}
