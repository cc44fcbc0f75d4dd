// Makes snippets/prompty.json from the templates that New Prompt Template writes. `npm run snippets`
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url);
const folder = await mkdtemp(join(tmpdir(), 'luthier-snippets-'));
try {
  const outfile = join(folder, 'snippets.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('src/extension/prompts/templates/snippets.ts', root))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
  });
  const { snippetsText } = await import(pathToFileURL(outfile).href);
  await writeFile(new URL('snippets/prompty.json', root), snippetsText());
} finally {
  await rm(folder, { recursive: true });
}
