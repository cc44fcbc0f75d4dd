import type { Yaml } from './front-matter.ts';
import { problem, shownValue } from './problems.ts';
import type { InputKind, PromptFile, PromptInput, PromptProblem, Range } from './prompt-file.ts';
import { referenceIn } from './references.ts';

/** What the generations call the kinds of inputs. */
const KINDS: Record<string, InputKind> = {
  ...{ string: 'string', number: 'number', integer: 'number', float: 'number', boolean: 'boolean' },
  ...{ array: 'array', list: 'array', object: 'object', dict: 'object', thread: 'thread' },
};
const UNSUPPORTED = ['image', 'audio', 'file'];

type Sample = Pick<PromptFile, 'sample' | 'sampleFile'>;

/** Values for a try-out: a map, or the file that has them. */
export function readSample(root: Yaml, problems: PromptProblem[]): Sample {
  const none: Sample = { sample: null, sampleFile: null };
  const node = root.get('sample');
  if (node === null || node.value === null) return none;
  if (node.isMap) return { ...none, sample: node.value as Record<string, unknown> };
  const { text, range } = node;
  if (text === undefined) {
    problems.push(
      problem('sample', 'error', 'sample: inputs with their values are expected, or ${file:sample.json}.', range),
    );
    return none;
  }
  const reference = referenceIn(text);
  if (reference === null) {
    const meant = `\${file:${text.trim()}}`;
    problems.push({
      ...problem('sample', 'warning', `sample: a file is written ${meant}. It is read as if it were.`, range),
      fixes: [{ title: `Write ${meant}`, edits: [{ range, text: meant }] }],
    });
    return { ...none, sampleFile: text.trim() };
  }
  if (reference !== 'unknown' && reference.kind === 'file') return { ...none, sampleFile: reference.target };
  if (reference !== 'unknown')
    problems.push(
      problem('sample', 'error', 'sample: a variable of the environment has no inputs. Use ${file:…}.', range),
    );
  return none;
}

/** Inputs as a map (both generations) or a list (generation 2). */
export function readInputs(root: Yaml, sample: PromptFile['sample'], problems: PromptProblem[]): PromptInput[] {
  const node = root.get('inputs');
  if (node === null || node.value === null) return [];
  if (!node.isMap && !node.isList) {
    if (node.text === undefined || referenceIn(node.text) === null)
      problems.push(
        problem('inputs', 'error', 'inputs: a list of inputs is expected, each with “name” and “kind”.', node.range),
      );
    else
      problems.push(
        problem('inputs', 'error', 'inputs: write them here; they are not read from elsewhere.', node.range),
      );
    return [];
  }
  const inputs: PromptInput[] = [];
  for (const [key, { key: place, node: item }] of node.entries) {
    const named = node.isList ? nameIn(item, Number(key), place, problems) : { name: key, range: place };
    if (named === null) continue;
    if (inputs.some(({ name }) => name === named.name)) {
      problems.push(problem('inputs', 'error', `inputs: “${named.name}” is there twice.`, named.range));
      continue;
    }
    inputs.push(inputOf(named, item, sample, problems));
  }
  return inputs;
}

function nameIn(item: Yaml | null, i: number, place: Range, problems: PromptProblem[]): Named | null {
  const name = item?.get('name');
  if (name?.text !== undefined && name.text.trim() !== '') return { name: name.text, range: name.range };
  problems.push(problem('inputs', 'error', `inputs: input ${i + 1} has no name.`, name?.range ?? place));
  return null;
}

interface Named {
  name: string;
  range: Range;
}

function inputOf(
  { name, range }: Named,
  item: Yaml | null,
  sample: PromptFile['sample'],
  problems: PromptProblem[],
): PromptInput {
  if (!/^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(name)) {
    const message = `inputs: “${name}” cannot be used in a template. Names have letters, digits and _, no blanks.`;
    problems.push(problem('input-name', 'error', message, range));
  }
  const fromSample = sample && Object.hasOwn(sample, name) ? sample[name] : undefined;
  if (!item?.isMap) {
    // A plain value stands for itself: what the input is without another.
    const value = item?.value ?? undefined;
    return { name, range, kind: kindOf(value ?? fromSample), ...given({ default: value, sample: fromSample }) };
  }
  const written = item.get('kind') ?? item.get('type');
  const word = written?.text?.toLowerCase();
  const known = word !== undefined && Object.hasOwn(KINDS, word) ? KINDS[word] : undefined;
  if (written && !known) {
    const message = UNSUPPORTED.includes(word ?? '')
      ? `inputs.${name}: ${word} inputs are not supported. It is taken as a text.`
      : `inputs.${name}: “${shownValue(written.value)}” is no kind of input. There are ${Object.keys(KINDS).join(', ')}.`;
    problems.push(
      problem('input-kind', UNSUPPORTED.includes(word ?? '') ? 'warning' : 'error', message, written.range),
    );
  }
  const [first, ownSample] = [item.get('default')?.value ?? undefined, item.get('sample') ?? item.get('example')];
  const shown = fromSample ?? ownSample?.value ?? undefined;
  const description = item.get('description')?.text;
  return {
    ...{ name, range, kind: known ?? kindOf(first ?? shown) },
    ...given({ default: first, sample: shown, description }),
  };
}

/** Without the keys that have nothing. */
const given = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

function kindOf(value: unknown): InputKind {
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'boolean';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' && value !== null ? 'object' : 'string';
}
