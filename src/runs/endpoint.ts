import { join } from 'node:path';
import { readOwnJson } from '../files/json.ts';
import type { RunEndpoint } from '../protocol/index.ts';
import { FILES } from './folder.ts';

const MAX_BYTES = 4096;

/**
 * The endpoint that a run's folder names, or null. Whoever made the folder may have written anything there: whether
 * its address is a socket of ours, `addressProblem` says.
 */
export async function readEndpoint(folder: string): Promise<RunEndpoint | null> {
  const value = await readOwnJson(join(folder, FILES.endpoint), MAX_BYTES).catch(() => null);
  if (typeof value !== 'object' || value === null) return null;
  const { pid, address, token } = value as Partial<RunEndpoint>;
  if (typeof address !== 'string' || typeof token !== 'string') return null;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return null;
  return { pid, address, token };
}
