import { METRICS, TASKS } from '../../protocol/index.ts';
import { recipeEditorSchema, recipeJsonSchema } from './recipe-json-schema.ts';
import { KEY_OWNER, type RecipeKey, recipeSchema } from './recipe-schema.ts';

const begin = (source: string) => `<!-- made by \`npm run schema\` from ${source} -->`;
const END = '<!-- end -->';

export const recipeSchemaText = (): string => `${JSON.stringify(recipeJsonSchema(), null, 2)}\n`;
export const recipeEditorSchemaText = (): string => `${JSON.stringify(recipeEditorSchema(), null, 2)}\n`;

/** docs/recipe.md with its table replaced; what a person wrote around it stays. */
export const withRecipeTable = (doc: string): string =>
  withTable(doc, 'src/engine/recipes/recipe-schema.ts', recipeTable());

/** The same for docs/evaluation.md and its list of metrics. */
export const withMetricTable = (doc: string): string => withTable(doc, 'src/protocol/metrics.ts', metricTable());

function withTable(doc: string, source: string, table: string): string {
  const [before, rest] = doc.split(begin(source));
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`The page lacks the lines "${begin(source)}" and "${END}".`);
  return `${before}${begin(source)}\n${table}\n${END}${after}`;
}

const UNITS = {
  share: 'share',
  points: 'percentage points',
  nats: 'nats; of regression, its numbers squared',
  score: 'figure',
} as const;
const INTERVALS = { proportion: 'exact', resampled: 'resampled' } as const;

function metricTable(): string {
  const rows = METRICS.map(({ key, name, unit, better, interval }) => {
    const tasks = TASKS.filter(({ metrics }) => (metrics as readonly string[]).includes(key)).map((task) => task.name);
    return `| \`${key}\` | ${name} | ${UNITS[unit]} | ${better} | ${INTERVALS[interval]} | ${tasks.join(', ')} |`;
  });
  return ['| metric | name | unit | better | 95 % interval | tasks |', '|---|---|---|---|---|---|', ...rows].join('\n');
}

function recipeTable(): string {
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
