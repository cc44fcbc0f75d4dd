import { markLayer } from '../tensor/record/recorder.ts';
import type { Architecture } from './architecture.ts';
import type { Queries } from './batch.ts';

/** The same architecture, what goes into each of its layers marked in a recorded program. */
export const withMarkedLayers = (architecture: Architecture): Architecture => ({
  ...architecture,
  states: (scope, batch) => {
    const marked =
      (queries: typeof batch.every): typeof batch.every =>
      (x): Queries => {
        markLayer(x);
        return queries(x);
      };
    return architecture.states(scope, { ...batch, every: marked(batch.every), read: marked(batch.read) });
  },
});
