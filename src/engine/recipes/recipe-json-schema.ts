import * as z from 'zod';
import { suggestStrategies } from '../strategies/index.ts';
import { USUAL_FACTS } from '../strategies/kind.ts';
import { inputSchema } from './recipe-schema.ts';
import { isSearched } from './search.ts';

/**
 * The recipe as JSON schemas (draft 7, which VS Code reads best): one that checks, for any tool; and one that VS Code
 * completes and hovers by, which finds nothing wrong, because the engine's own checks say it better and once
 * (check-recipe.ts).
 */

type Schema = Record<string, unknown>;

/** Checks a recipe's words as the engine does. */
export function recipeJsonSchema(): Schema {
  const schema = z.toJSONSchema(inputSchema, { io: 'input', target: 'draft-7' }) as Schema;
  return { ...describe(schema), title: 'Luthier recipe', allowComments: false };
}

/** Completes and explains a recipe, and objects to nothing. */
export function recipeEditorSchema(): Schema {
  const { $schema, title, allowComments, ...schema } = recipeJsonSchema();
  const { properties, ...rest } = lenient(schema);
  const { search, strategy } = objectOf(properties);
  return {
    ...{ $schema, title, allowComments, ...rest },
    properties: {
      ...objectOf(properties),
      strategy: { ...objectOf(strategy), defaultSnippets: strategySnippets() },
      search: { ...searchWithKeys(objectOf(search), properties), defaultSnippets: SEARCH_SNIPPETS },
    },
  };
}

/** Keys are completed and explained where a search names them, too. */
function searchWithKeys(search: Schema, recipe: unknown): Schema {
  const own = objectOf(search.properties);
  const keys = Object.fromEntries(Object.entries(objectOf(recipe)).filter(([key]) => isSearched(key)));
  return {
    ...search,
    properties: { ...own, values: { ...objectOf(own.values), properties: mapValues(keys, describedAlone) } },
  };
}

const RATES = '{"min": 1e-5, "max": 1e-3, "scale": "log"}';
const SEARCH_SNIPPETS: Schema[] = [
  {
    label: 'Random search',
    description: 'Draws combinations of values',
    bodyText: `{"method": "random", "values": {"learning_rate": ${RATES}}, "trials": 10}`,
  },
  {
    label: 'Successive halving',
    description: 'Trains many for a short time, and the best for longer',
    bodyText: `{"method": "halving", "values": {"learning_rate": ${RATES}}, "trials": 9}`,
  },
  {
    label: 'Grid search',
    description: 'Tries every combination',
    bodyText: '{"method": "grid", "values": {"learning_rate": [2e-5, 5e-5, 1e-4]}}',
  },
];

/** Whole strategies as every door suggests them for the usual model. */
const strategySnippets = (): Schema[] =>
  suggestStrategies(0, USUAL_FACTS).map(({ title, detail, strategy }) => ({
    label: title,
    description: detail,
    bodyText: JSON.stringify(strategy),
  }));

const objectOf = (value: unknown): Schema => (typeof value === 'object' && value !== null ? (value as Schema) : {});
const alternatives = (schema: Schema): Schema[] => [schema.oneOf, schema.anyOf].flat().filter(Boolean).map(objectOf);
const mapValues = (values: unknown, change: (value: Schema) => Schema): Schema =>
  Object.fromEntries(Object.entries(objectOf(values)).map(([key, value]) => [key, change(objectOf(value))]));

/** Every description with range and default, as a hover shows it. */
function describe(schema: Schema): Schema {
  const { description } = schema;
  const lines = typeof description === 'string' ? [description, rangeOf(schema), defaultOf(schema)] : [];
  return {
    ...schema,
    ...(lines.length > 0 ? { markdownDescription: lines.filter(Boolean).join('\n\n') } : {}),
    ...(schema.properties ? { properties: mapValues(schema.properties, describe) } : {}),
    ...(schema.oneOf ? { oneOf: alternatives(schema).map(describe) } : {}),
    ...(schema.anyOf ? { anyOf: alternatives(schema).map(describe) } : {}),
  };
}

const code = (value: unknown): string => `\`${JSON.stringify(value)}\``;

/** What a value may be, in words: "A whole number from 1 to 4096." */
function rangeOf(schema: Schema): string {
  const names = namesOf(schema);
  if (names.length > 1) return `One of ${names.map(code).join(', ')}.`;
  if (schema.type !== 'number' && schema.type !== 'integer') return '';
  const kind = schema.type === 'integer' ? 'A whole number' : 'A number';
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  const low = minimum !== undefined ? `from ${minimum}` : above !== undefined ? `above ${above}` : '';
  const isBound = typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER;
  const upTo = below === undefined ? '' : `${minimum === undefined ? '' : 'to '}below ${below}`;
  const high = isBound ? `to ${maximum}` : upTo;
  if (low && !high) return minimum !== undefined ? `${kind}, ${minimum} or more.` : `${kind} ${low}.`;
  return low || high ? `${kind} ${[low, high].filter(Boolean).join(above === undefined ? ' ' : ', up ')}.` : '';
}

const defaultOf = (schema: Schema): string => ('default' in schema ? `Default: ${code(schema.default)}` : '');

/** The values that a key takes where they are few. */
function namesOf(schema: Schema): unknown[] {
  if (Array.isArray(schema.enum)) return schema.enum;
  if ('const' in schema) return [schema.const];
  if (schema.type === 'boolean') return [true, false];
  return alternatives(schema).flatMap((one) => ('const' in one ? [one.const] : []));
}

/** The snippets propose the values of `type`; what is written says what it does. */
const describedAlone = ({ description, markdownDescription }: Schema): Schema => ({ description, markdownDescription });

/** Descriptions, defaults and proposals alone; of alternatives that a `type` tells apart, those of the one written. */
function lenient(schema: Schema): Schema {
  const { description, markdownDescription, properties } = schema;
  const kept: Schema = {};
  if (description !== undefined) Object.assign(kept, { description, markdownDescription });
  if ('default' in schema) kept.default = schema.default;
  const names = namesOf(schema);
  if (names.length > 0) kept.examples = names;
  if (properties) kept.properties = mapValues(properties, lenient);
  const objects = alternatives(schema).filter((one) => one.properties);
  const typed = objects.filter((one) => 'const' in objectOf(objectOf(one.properties).type));
  if (typed.length > 0) {
    const type = (one: Schema) => objectOf(objectOf(one.properties).type);
    kept.properties = {
      type: {
        defaultSnippets: typed.map((one) => ({
          label: JSON.stringify(type(one).const),
          description: type(one).description,
          body: type(one).const,
        })),
      },
    };
    kept.allOf = typed.map((one) => ({
      if: { properties: { type: { const: type(one).const } }, required: ['type'] },
      // biome-ignore lint/suspicious/noThenProperty: JSON schema's word
      then: { properties: { ...mapValues(one.properties, lenient), type: describedAlone(type(one)) } },
    }));
  } else if (objects.length > 0) {
    kept.properties = Object.assign({}, ...objects.map((one) => mapValues(one.properties, lenient)));
  }
  return kept;
}
