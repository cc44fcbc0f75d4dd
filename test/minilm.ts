import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import envPaths from 'env-paths';

/**
 * Folder of a real pretrained architecture (MiniLM, 6 layers of 384): LUTHIER_MINILM's, or one kept in the user's cache,
 * which ../shared/tools/fetch-minilm.sh fills where it is there. Undefined where it is not to be had: tests skip.
 */
export function minilmFolder(): string | undefined {
  const isModel = (folder: string) => existsSync(path.join(folder, 'model.safetensors'));
  const given = process.env.LUTHIER_MINILM;
  if (given) return isModel(given) ? given : undefined;
  const kept = path.join(envPaths('luthier', { suffix: '' }).cache, 'minilm');
  if (isModel(kept)) return kept;
  const fetch = fileURLToPath(new URL('../../shared/tools/fetch-minilm.sh', import.meta.url));
  if (!existsSync(fetch)) return undefined;
  try {
    execFileSync('bash', [fetch, kept], { stdio: 'ignore', timeout: 120_000 });
  } catch {
    return undefined;
  }
  return isModel(kept) ? kept : undefined;
}
