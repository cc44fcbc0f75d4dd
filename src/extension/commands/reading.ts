import type { DataSummary, ServiceRequests } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import type { Questions } from '../questions.ts';

/**
 * Looks at data while a question's place says how much of it is read. Escape ends the reading.
 * @param message what is being read, ending in “…”
 */
export function inspect(
  luthier: Luthier,
  questions: Questions,
  message: string,
  params: ServiceRequests['data/inspect']['params'],
): Promise<DataSummary> {
  return questions.work(message, async (signal, say) =>
    luthier.engine.service.request('data/inspect', params, {
      signal,
      // All of it may be read long before its rows are checked.
      onProgress: ({ done, total }) =>
        say(total !== null && done < total ? `${message} ${Math.floor((100 * done) / total)} %` : 'Checking the rows…'),
    }),
  );
}
