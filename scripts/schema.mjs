// Makes media/recipe.schema.json, media/recipe.editor.schema.json and the table in docs/recipe.md from the recipe's schema. `npm run schema`
import { readFile, writeFile } from 'node:fs/promises';
import { importBundled, root } from './bundled.mjs';

const { recipeEditorSchemaText, recipeSchemaText, withMetricTable, withRecipeTable } = await importBundled(
  'src/engine/recipes/recipe-docs.ts',
);
await writeFile(new URL('media/recipe.schema.json', root), recipeSchemaText());
await writeFile(new URL('media/recipe.editor.schema.json', root), recipeEditorSchemaText());
const doc = new URL('docs/recipe.md', root);
await writeFile(doc, withRecipeTable(await readFile(doc, 'utf8')));
const metrics = new URL('docs/evaluation.md', root);
await writeFile(metrics, withMetricTable(await readFile(metrics, 'utf8')));
