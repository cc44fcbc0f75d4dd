// Makes media/recipe.schema.json, media/recipe.editor.schema.json and the table in docs/recipe.md from the recipe's schema. `npm run schema`
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url);
const folder = await mkdtemp(join(tmpdir(), 'luthier-schema-'));
try {
  const outfile = join(folder, 'recipe-docs.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('src/engine/recipes/recipe-docs.ts', root))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
  });
  const { recipeEditorSchemaText, recipeSchemaText, withMetricTable, withRecipeTable } = await import(
    pathToFileURL(outfile).href
  );
  const doc = new URL('docs/recipe.md', root);
  await writeFile(new URL('media/recipe.schema.json', root), recipeSchemaText());
  await writeFile(new URL('media/recipe.editor.schema.json', root), recipeEditorSchemaText());
  await writeFile(doc, withRecipeTable(await readFile(doc, 'utf8')));
  const metrics = new URL('docs/evaluation.md', root);
  await writeFile(metrics, withMetricTable(await readFile(metrics, 'utf8')));
} finally {
  await rm(folder, { recursive: true });
}
