import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LuthierError } from '../protocol/index.ts';

/**
 * A file that is built beside the engine's bundles, such as `host.cjs`; null where it is missing. Looked for beside the
 * running bundle, beside the engine's where another one runs (bench), and in dist/ where the sources themselves run.
 */
export function besideBundle(name: string): string | null {
  const places = [`./${name}`, `../engine/${name}`, `../../dist/engine/${name}`];
  return places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((file) => existsSync(file)) ?? null;
}

/**
 * The same of a script that nothing works without.
 * @throws LuthierError `internal` where it is missing
 */
export function scriptBeside(name: string): string {
  const found = besideBundle(name);
  if (found !== null) return found;
  throw new LuthierError(
    'internal',
    `${name} is missing next to the engine.`,
    'Reinstall the extension (in a checkout: npm run build).',
  );
}
