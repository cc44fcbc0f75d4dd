import { recipeEditorSchema, recipeJsonSchema } from './recipe-json-schema.ts';
import { KEY_OWNER, type RecipeKey, recipeSchema } from './recipe-schema.ts';

const BEGIN = '<!-- made by `npm run schema` from src/engine/train/recipe-schema.ts -->';
const END = '<!-- end -->';

export const recipeSchemaText = (): string => `${JSON.stringify(recipeJsonSchema(), null, 2)}\n`;
export const recipeEditorSchemaText = (): string => `${JSON.stringify(recipeEditorSchema(), null, 2)}\n`;

/** docs/recipe.md with its table made anew; what a person wrote around it stays. */
export function withRecipeTable(doc: string): string {
  const [before, rest] = doc.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/recipe.md lacks the lines "${BEGIN}" and "${END}".`);
  return `${before}${BEGIN}\n${table()}\n${END}${after}`;
}

function table(): string {
  const rows = (Object.keys(recipeSchema.shape) as RecipeKey[]).map((key) => {
    const schema = recipeSchema.shape[key];
    const filled = schema.safeParse(undefined);
    const value = filled.success
      ? `\`${JSON.stringify(filled.data)}\``
      : schema.def.type === 'optional'
        ? 'none'
        : 'required';
    return `| \`${key}\` | ${value} | ${KEY_OWNER[key]} | ${schema.description ?? ''} |`;
  });
  return ['| key | default | whose | meaning |', '|---|---|---|---|', ...rows].join('\n');
}
