import { LuthierError, type RunRecord, type RunRequests, WORKING_STATES } from '../../protocol/index.ts';
import { connectRun } from '../../runs/client.ts';

/**
 * Asks the process of a run that works.
 * @param client the command that asks
 * @returns false where no process is there: the run has ended, or was killed before it could say so
 * @throws LuthierError as connectRun
 */
export async function askProcess<K extends keyof RunRequests>(
  { folder, record }: { folder: string; record: Pick<RunRecord, 'state'> },
  client: string,
  method: K,
  params: RunRequests[K]['params'],
): Promise<boolean> {
  if (!WORKING_STATES.has(record.state)) return false;
  try {
    const run = await connectRun(folder, client);
    await run.request(method, params);
    run.close();
    return true;
  } catch (error) {
    if (error instanceof LuthierError && error.code === 'interrupted') return false;
    throw error;
  }
}
