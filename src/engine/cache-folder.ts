import { join } from 'node:path';
import envPaths from 'env-paths';

/** Luthier's own cache folder on this system, or a place in it; LUTHIER_CACHE moves it, as tests do. */
export const cacheFolder = (...parts: string[]): string =>
  join(process.env.LUTHIER_CACHE || envPaths('luthier', { suffix: '' }).cache, ...parts);
