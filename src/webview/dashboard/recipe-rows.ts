import { recipeNumber } from '../../protocol/figures.ts';

/** A recipe's value as it is written in JSON, without quotes around plain text. */
const recipeValue = (value: unknown): string =>
  value === undefined
    ? ''
    : typeof value === 'string'
      ? value
      : typeof value === 'number'
        ? recipeNumber(value)
        : JSON.stringify(value);

export interface RecipeRow {
  key: string;
  values: string[];
  differs: boolean;
}

/** Recipes side by side: nested objects as dotted keys, in the order in which they are first met. */
export const recipeRows = (recipes: readonly object[]): RecipeRow[] => {
  const flat = recipes.map((recipe) => new Map(flatten(recipe)));
  const keys = [...new Set(flat.flatMap((recipe) => [...recipe.keys()]))];
  return keys.map((key) => {
    const values = flat.map((recipe) => recipeValue(recipe.get(key)));
    return { key, values, differs: values.some((value) => value !== values[0]) };
  });
};

const flatten = (value: object, prefix = ''): [string, unknown][] =>
  Object.entries(value).flatMap(([key, item]): [string, unknown][] =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? flatten(item, `${prefix}${key}.`)
      : [[prefix + key, item]],
  );
