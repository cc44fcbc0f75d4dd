import { basename, dirname } from 'node:path';
import { HOME } from '../guard/index.ts';

/** Names in a run's folder. */
export const FILES = {
  record: 'run.json',
  metrics: 'metrics.jsonl',
  endpoint: 'endpoint.json',
  lock: 'run.lock',
  log: 'run.log',
  evaluation: 'evaluation.json',
  evaluations: 'evaluations',
  completions: 'completions.json',
  checkpoints: 'checkpoints',
  model: 'model',
  adapter: 'adapter',
  sentenceTransformer: 'sentence-transformer',
  folds: 'folds',
  seeds: 'seeds',
} as const;

/** The `.luthier` folder that a run's folder stands in, or null when it stands elsewhere (`train --out`). */
export function homeOf(folder: string): string | null {
  const home = dirname(dirname(folder));
  return basename(dirname(folder)) === 'runs' && basename(home) === HOME ? home : null;
}
