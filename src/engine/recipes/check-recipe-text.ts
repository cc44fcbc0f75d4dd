import { applyEdits, findNodeAtLocation, getNodeValue, type JSONPath, modify, type Node } from 'jsonc-parser';
import {
  type Recipe,
  type RecipeChoice,
  type RecipeEdit,
  type RecipeFix,
  type RecipeProblem,
  TASKS,
} from '../../protocol/index.ts';
import type { RecipeIssue } from './explain-issue.ts';
import { readTree } from './parse-json.ts';
import { checkRecipe } from './recipe.ts';
import { recipeSchema } from './recipe-schema.ts';
import { type Unusual, unusualValues } from './unusual.ts';

/**
 * What can be said of a recipe from its text alone, with the place of each problem and what would mend it. Reads no
 * file, so that a workspace that is not trusted gets it too.
 */
export function checkRecipeText(text: string): RecipeProblem[] {
  return checkText(text).problems;
}

export interface CheckedText {
  problems: RecipeProblem[];
  /** Where things are; null when the text is not JSON. */
  places: Places | null;
  /** The value of the text, and the complete recipe when nothing is wrong with its own words. */
  value: unknown;
  recipe: Recipe | null;
}

export function checkText(text: string): CheckedText {
  const read = readTree(text);
  if (!('root' in read)) {
    const start = Math.min(read.offset, text.length);
    const end = Math.min(text.length, start + Math.max(1, read.length));
    const { message } = read;
    const problem: RecipeProblem = {
      severity: 'error',
      code: 'syntax',
      message: message[0]!.toUpperCase() + message.slice(1),
      // At the end of the text the last character stands for what is missing.
      start: start === end ? Math.max(0, start - 1) : start,
      end,
      fixes: [],
      choices: [],
    };
    return { problems: [problem], places: null, value: undefined, recipe: null };
  }
  const places = new Places(text, read.root);
  const value: unknown = getNodeValue(read.root);
  const checked = checkRecipe(value);
  const issues = 'issues' in checked ? checked.issues : [];
  const unusual = 'recipe' in checked ? unusualValues(checked.recipe) : [];
  return {
    problems: [
      ...issues.map((issue) => problemOf(issue, places)),
      ...unusual.map((value) => unlikely(value, places)),
      ...repeatedKeys(read.root),
    ],
    places,
    value,
    recipe: 'recipe' in checked ? checked.recipe : null,
  };
}

/** Where the keys and values of a recipe's text are, and the edits that change them. */
export class Places {
  constructor(
    readonly text: string,
    private readonly root: Node,
  ) {}

  has(keys: readonly PropertyKey[]): boolean {
    return this.node(keys) !== undefined;
  }

  /** The key at the end of a path; of one that is missing, what it is missing from. */
  key(keys: readonly PropertyKey[]): { start: number; end: number } {
    const node = this.node(keys);
    if (node === undefined) return this.missingFrom(keys.slice(0, -1));
    return range(node.parent?.type === 'property' ? node.parent.children![0]! : node);
  }

  /** The value at the end of a path; of one that is missing, what it is missing from. */
  value(keys: readonly PropertyKey[]): { start: number; end: number } {
    const node = this.node(keys);
    return node === undefined ? this.missingFrom(keys.slice(0, -1)) : range(node);
  }

  /** Edits after which the value stands there; `undefined` takes the key out. */
  set(keys: readonly PropertyKey[], value: unknown): RecipeEdit[] {
    const edits = modify(this.text, keys as JSONPath, value, { formattingOptions: this.formatting() });
    return edits.map(({ offset, length, content }) => ({ start: offset, end: offset + length, text: content }));
  }

  /** Another value there, as what mends a problem. */
  replace(keys: readonly PropertyKey[], value: unknown): RecipeFix {
    return { title: `Change to ${JSON.stringify(value)}`, edits: this.set(keys, value) };
  }

  /** One edit after which a key's value stands elsewhere; null where it cannot. */
  move(from: string, to: readonly [object: string, key: string]): RecipeEdit | null {
    const node = this.node([from]);
    const object = this.node([to[0]]);
    if (!node || (object && object.type !== 'object') || this.has(to)) return null;
    const without = applyEdits(this.text, modify(this.text, [from], undefined, {}));
    const formattingOptions = this.formatting();
    const whole = applyEdits(without, modify(without, [...to], getNodeValue(node), { formattingOptions }));
    return difference(this.text, whole);
  }

  /** A choice whose outcome becomes the value at the end of a path. */
  choice(keys: readonly PropertyKey[], what: RecipeChoice['what'], title: string, names?: string[]): RecipeChoice {
    const mark = JSON.stringify('\u0000');
    const [edit] = this.set(keys, '\u0000');
    const [before, after] = edit!.text.split(mark) as [string, string];
    const task = TASKS.find(({ name }) => name === this.node(['task'])?.value)?.name;
    const of = { ...(names ? { names } : {}), ...(what === 'model' && task ? { task } : {}) };
    return { what, title, ...of, start: edit!.start, end: edit!.end, before, after };
  }

  private formatting() {
    const indent = /\n([ \t]+)\S/.exec(this.text)?.[1] ?? '  ';
    return {
      insertSpaces: !indent.startsWith('\t'),
      tabSize: indent.length,
      eol: this.text.includes('\r\n') ? '\r\n' : '\n',
    };
  }

  private node(keys: readonly PropertyKey[]): Node | undefined {
    return findNodeAtLocation(this.root, keys as JSONPath);
  }

  /** The key of the object that lacks something; of the recipe itself its opening brace. */
  private missingFrom(keys: readonly PropertyKey[]): { start: number; end: number } {
    if (keys.length > 0) return this.key(keys);
    return { start: this.root.offset, end: this.root.offset + 1 };
  }
}

/** The edit that makes one text of another. */
function difference(before: string, after: string): RecipeEdit {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start++;
  let same = 0;
  while (same < most - start && before.at(-1 - same) === after.at(-1 - same)) same++;
  return { start, end: before.length - same, text: after.slice(start, after.length - same) };
}

const range = ({ offset, length }: Node) => ({ start: offset, end: offset + length });

function problemOf(issue: RecipeIssue, places: Places): RecipeProblem {
  const { code, keys, message, hint } = issue;
  const isUnknown = code === 'unknown-key';
  // Completion lists the keys where the cursor is; of a nested object the hint names them.
  const isShown = hint !== undefined && !(isUnknown && (issue.instead || issue.belongs || keys.length === 1));
  return {
    severity: 'error',
    code,
    message: message[0]!.toUpperCase() + message.slice(1),
    ...(isShown ? { hint } : {}),
    ...(isUnknown || code === 'missing-key' ? places.key(keys) : places.value(keys)),
    fixes: isUnknown ? renames(issue, places) : values(issue, places),
    choices: code === 'missing-key' && keys[0] === 'model' ? [places.choice(keys, 'model', 'Choose a model…')] : [],
  };
}

/** To the key that is likely meant or the object it belongs in, unless that is there already; and out. */
function renames({ keys, instead = [], belongs }: RecipeIssue, places: Places): RecipeFix[] {
  const path = keys.slice(0, -1);
  const moved = belongs && places.move(String(keys[0]), belongs);
  const fixes = instead
    .map(String)
    .filter((name) => !places.has([...path, name]))
    .map(
      (name): RecipeFix => ({
        title: `Change to "${name}"`,
        edits: [{ ...places.key(keys), text: JSON.stringify(name) }],
        preferred: true,
      }),
    );
  if (moved) fixes.push({ title: `Move to "${belongs.join('.')}"`, edits: [moved], preferred: true });
  return [...fixes, { title: `Remove "${String(keys.at(-1))}"`, edits: places.set(keys, undefined) }];
}

/** A value that is allowed and hardly meant. */
function unlikely({ key, message }: Unusual, places: Places): RecipeProblem {
  const keys = [key];
  return {
    ...{ severity: 'warning', code: 'wrong-value', message },
    ...places.value(keys),
    ...{ fixes: values({ code: 'wrong-value', keys, message }, places), choices: [] },
  };
}

/** To values that fit, the likeliest first, and to the default. */
function values({ code, keys, instead = [] }: RecipeIssue, places: Places): RecipeFix[] {
  if (code !== 'wrong-value' || !places.has(keys) || keys.length === 0) return [];
  const change = (value: unknown, title: string): RecipeFix => ({
    title,
    edits: [{ ...places.value(keys), text: JSON.stringify(value) }],
  });
  const fixes = instead.map((value) => change(value, `Change to ${JSON.stringify(value)}`));
  const fallback = keys.length === 1 ? defaultOf(String(keys[0])) : undefined;
  if (fallback !== undefined && !instead.includes(fallback)) {
    fixes.push(change(fallback, `Use the default, ${JSON.stringify(fallback)}`));
  }
  return fixes.map((fix, i) => (i === 0 ? { ...fix, preferred: true } : fix));
}

function defaultOf(key: string): unknown {
  const schema = Object.entries(recipeSchema.shape).find(([name]) => name === key)?.[1];
  const filled = schema?.safeParse(undefined);
  return filled?.success ? filled.data : undefined;
}

/** Of a key that is given twice only the last counts, which nobody sees. */
function repeatedKeys(node: Node): RecipeProblem[] {
  const problems = (node.children ?? []).flatMap(repeatedKeys);
  if (node.type !== 'object') return problems;
  const seen = new Set<string>();
  for (const { children } of node.children ?? []) {
    const key = children?.[0];
    if (!key) continue;
    if (seen.has(key.value)) {
      problems.push({
        severity: 'warning',
        code: 'duplicate-key',
        message: `"${key.value}" is given twice; the last one counts.`,
        ...range(key),
        fixes: [],
        choices: [],
      });
    }
    seen.add(key.value);
  }
  return problems;
}
