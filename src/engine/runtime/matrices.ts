import type { Declaration } from '../models/scope.ts';

/** Parameters that products multiply by; tables, of which a few rows are read, are none. */
export const matricesOf = (parameters: Declaration['parameters']): ReadonlySet<string> =>
  new Set(
    [...parameters.values()]
      .filter(({ shape, place, rowsOf }) => shape.length === 2 && place !== -1 && rowsOf === undefined)
      .map(({ name }) => name),
  );
