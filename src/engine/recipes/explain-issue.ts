import type { z } from 'zod';
import { FILL_MASK } from '../../protocol/index.ts';
import { nearest } from '../../protocol/nearest.ts';
import { listed } from '../data/problems.ts';
import { STRATEGIES, strategyNamed } from '../strategies/index.ts';
import { columnsSchema, inputSchema, searchSchema } from './recipe-schema.ts';

/** One thing that is wrong with a recipe's own words, whatever it names. */
export interface RecipeIssue {
  code: 'unknown-key' | 'missing-key' | 'wrong-value' | 'newer-version';
  /** Path of the key at fault, from the recipe's top. */
  keys: PropertyKey[];
  /** Without the place. */
  message: string;
  /** The message without the key's name, where it begins with that: another name can stand there. */
  says?: string;
  hint?: string;
  /** Values, or a key, that may be meant instead, the likeliest first. */
  instead?: unknown[];
  /** Where the key belongs with its value, from the recipe's top. */
  belongs?: readonly [object: string, key: string];
}

type Issue = z.core.$ZodIssue;

export const rank = (issue: Issue): number => (issue.code === 'unrecognized_keys' ? 0 : 1);

/** Sentences for one of zod's issues: which key, which range. */
export function explain(issue: Issue, input: unknown): RecipeIssue[] {
  const { path } = issue;
  const key = path.join('.');
  const value = valueAt(input, path);
  const shown = value === undefined ? 'missing' : JSON.stringify(value);
  const wrong = (message: string, instead?: unknown[]): RecipeIssue[] => [
    {
      ...{ code: 'wrong-value', keys: path, message: `"${key}" ${message}`, says: message },
      ...(instead?.length ? { instead } : {}),
    },
  ];
  const missing = (hint: string): RecipeIssue[] => [
    { code: 'missing-key', keys: path, message: `"${key}" is missing.`, hint },
  ];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const prefix = key === '' ? '' : `${key}.`;
      const known = knownKeys(path, value);
      return issue.keys.map((unknown): RecipeIssue => {
        const field = key === '' ? fieldNamed(unknown) : undefined;
        if (field !== undefined) {
          const belongs = ['columns', field] as const;
          const example = JSON.stringify({ columns: { [field]: valueAt(input, [unknown]) } }).replaceAll('":', '": ');
          return {
            ...{ code: 'unknown-key', keys: [unknown], belongs },
            message: `unknown key "${unknown}"; did you mean "${belongs.join('.')}"?`,
            hint: `Columns are named together, as in ${example}.`,
          };
        }
        const inStrategy = key === '' ? strategiesWith('strategy', unknown) : undefined;
        if (inStrategy !== undefined) {
          const strategy = strategyNamed(valueAt(input, ['strategy', 'type']));
          // Moved into another strategy, it would be as wrong there.
          const isItsKey = strategy !== undefined && Object.hasOwn(strategy.schema.shape, unknown);
          return {
            ...{ code: 'unknown-key', keys: [unknown] },
            ...(isItsKey && { belongs: ['strategy', unknown] as const }),
            message: `unknown key "${unknown}"; did you mean "strategy.${unknown}"?`,
            hint: `It is a key of "strategy". ${inStrategy}`,
          };
        }
        const nearest = nearestKey(unknown, known);
        const guessed = nearest === undefined ? '.' : `; did you mean "${prefix}${nearest}"?`;
        const hint =
          key === ''
            ? 'docs/recipe.md lists every key.'
            : (strategiesWith(key, unknown) ?? `Its keys are: ${known.join(', ')}.`);
        return {
          code: 'unknown-key',
          keys: [...path, unknown],
          message: `unknown key "${prefix}${unknown}"${guessed}`,
          hint,
          ...(nearest === undefined ? {} : { instead: [nearest] }),
        };
      });
    }
    case 'invalid_type':
      if (value === undefined) return missing(hintForMissing(path));
      if (key === 'strategy' && typeof value === 'string') return asObject(value, wrong);
      return wrong(`is ${shown} and must be ${article(issue.expected)}.`, ofType(issue.expected, value));
    case 'too_small': {
      if (issue.origin === 'string' || issue.origin === 'array') return wrong('is empty.');
      const bound = `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
      return wrong(`is ${shown} and must be ${bound}.`, issue.inclusive ? [Number(issue.minimum)] : []);
    }
    case 'too_big': {
      const bound = `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
      return wrong(`is ${shown} and must be ${bound}.`, issue.inclusive ? [Number(issue.maximum)] : []);
    }
    case 'invalid_value':
      if (key === 'task' && value === FILL_MASK) {
        return wrong(
          `is ${shown}, which Luthier does not train yet; a model with a masked-language head fills in masks as it is (luthier predict).`,
        );
      }
      return wrong(...oneOf(value, shown, issue.values.map(String)));
    case 'invalid_union': {
      if ('options' in issue && Array.isArray(issue.options)) {
        return wrong(...oneOf(value, shown, issue.options.map(String)));
      }
      // Of a string or an object, the branch that fits what was written says more.
      const branch = issue.errors.find((e) => e.every((i) => i.path.length > 0 || i.code === 'unrecognized_keys'));
      const inner = branch?.find((i) => i.code === 'unrecognized_keys') ?? branch?.[0];
      if (inner !== undefined) return explain({ ...inner, path: [...path, ...inner.path] }, input);
      return value === undefined ? missing(EXAMPLE_HINT) : wrong(`is ${shown} and must be ${unionOf(issue)}.`);
    }
    default:
      return wrong(`is ${shown}: ${issue.message}.`);
  }
}

/** A strategy's name alone: what it is written like. */
function asObject(name: string, wrong: (message: string, instead: unknown[]) => RecipeIssue[]): RecipeIssue[] {
  const type = nearest(name, Object.keys(STRATEGIES), 2) ?? 'full';
  const [issue] = wrong(`is ${JSON.stringify(name)} and must be an object, such as {"type": "${type}"}.`, [{ type }]);
  return [{ ...issue!, hint: `On the command line: --set strategy.type=${type}` }];
}

/** Says which strategies have a key that the one written has not. */
export function strategiesWith(path: string, key: string): string | undefined {
  if (path !== 'strategy') return undefined;
  const types = Object.keys(STRATEGIES).filter((type) => Object.hasOwn(STRATEGIES[type]!.schema.shape, key));
  return types.length === 0 ? undefined : `It works only with ${listed(types.map((type) => `{"type": "${type}"}`))}.`;
}

/** The sentence for a value that is none of those allowed, and these, the nearest first. */
function oneOf(value: unknown, shown: string, allowed: string[]): [message: string, instead: string[]] {
  const near = typeof value === 'string' ? nearest(value, allowed, 2) : undefined;
  const guess = near === undefined ? '' : ` Did you mean "${near}"?`;
  const instead = near === undefined ? allowed : [near, ...allowed.filter((other) => other !== near)];
  return [`is ${shown} and must be ${orList(allowed)}.${guess}`, instead];
}

/** What a value of the wrong type says in the right one: "1e-4" in quotes is a number all the same. */
function ofType(expected: string, value: unknown): unknown[] {
  if (expected === 'boolean') return value === 'false' || value === 0 ? [false, true] : [true, false];
  if (expected === 'int' && typeof value === 'number') return [Math.round(value)];
  if (typeof value !== 'string' || value.trim() === '') return [];
  const number = Number(value);
  return (expected === 'number' || expected === 'int') && Number.isFinite(number) ? [number] : [];
}

/** A union whose message was written for it says what it takes; else it is one of file names. */
const unionOf = ({ message }: Issue): string => (message === 'Invalid input' ? 'a string or an object' : message);

/** What other tools and everyday speech call a key. */
const OTHER_NAMES: Record<string, string> = { lr: 'learning_rate', train: 'dataset', epoch: 'num_train_epochs' };

/** The field whose column other tools name so at the top: `text_column`, `label_column_name`, `label`. */
function fieldNamed(unknown: string): string | undefined {
  const name = unknown.toLowerCase().replace(/_columns?(_names?)?$/, '');
  return Object.hasOwn(columnsSchema.shape, name) ? name : undefined;
}

/** A key that contains what was written (`batch_size`), or is close to it (`learning_rat`). */
function nearestKey(unknown: string, known: string[]): string | undefined {
  const other = OTHER_NAMES[unknown.toLowerCase()];
  if (other !== undefined && known.includes(other)) return other;
  const containing = unknown.length >= 4 ? known.find((key) => key.includes(unknown.toLowerCase())) : undefined;
  return containing ?? nearest(unknown, known, Math.max(3, unknown.length / 2));
}

const article = (type: string): string =>
  type === 'boolean'
    ? 'true or false'
    : type === 'int'
      ? 'a whole number'
      : /^[aeiou]/.test(type)
        ? `an ${type}`
        : `a ${type}`;

const orList = (values: string[]): string =>
  values.length < 2
    ? `"${values[0]}"`
    : `${values
        .slice(0, -1)
        .map((v) => `"${v}"`)
        .join(', ')} or "${values.at(-1)}"`;

function valueAt(input: unknown, path: PropertyKey[]): unknown {
  let value = input;
  for (const key of path) value = isRecord(value) ? value[String(key)] : undefined;
  return value;
}

/** Keys allowed in the object that stands at `path`. */
function knownKeys(path: PropertyKey[], value: unknown): string[] {
  switch (path[0]) {
    case undefined:
      return Object.keys(inputSchema.shape).filter((key) => key !== '$schema');
    case 'columns':
      return Object.keys(columnsSchema.shape);
    case 'dataset':
      return ['train', 'validation', 'test'];
    case 'strategy': {
      const type = isRecord(value) ? value.type : undefined;
      return Object.keys(strategyNamed(type)?.schema.shape ?? {});
    }
    case 'search':
      return path.length === 1 ? Object.keys(searchSchema.shape) : path.length === 3 ? RANGE_KEYS : [];
    default:
      return [];
  }
}

const RANGE_KEYS = ['min', 'max', 'scale'];

/** A key of a strategy is missing beside its type; any other is one that every recipe needs. */
function hintForMissing(path: PropertyKey[]): string {
  if (path[0] === 'search') return SEARCH_HINT;
  return path[0] === 'strategy' ? `Add it next to "type", or pass --set ${path.join('.')}=…` : EXAMPLE_HINT;
}

/** What a search is written like. */
export const SEARCH_HINT =
  'For example: "search": {"method": "random", "values": {"learning_rate": {"min": 1e-5, "max": 1e-3, "scale": "log"}}, "trials": 10}.';

/** Where nothing is written yet. */
export const EXAMPLE_HINT =
  'The smallest recipe is {"model": "starters/bert", "dataset": "rows.csv"}; docs/recipe.md lists every key.';

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
