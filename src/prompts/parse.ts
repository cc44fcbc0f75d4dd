import { at, fix } from './edits.ts';
import { frameOf, readFrontMatter, Yaml } from './front-matter.ts';
import { readInputs, readSample } from './inputs.ts';
import { readModel } from './model.ts';
import { problem } from './problems.ts';
import type { PromptExamples, PromptFile, PromptProblem, PromptReference, Range } from './prompt-file.ts';
import { filesIn, referenceIn } from './references.ts';
import { partsOf, roleMarkers } from './roles.ts';

/**
 * Reads a `.prompty` file of either generation. It never throws: what is wrong is in `problems`, with its place, and
 * the rest is read as well as it can be. Nothing outside of the text is looked at.
 */
export function parsePrompt(text: string): PromptFile {
  const frame = frameOf(text);
  const body = frame?.body ?? { start: text.startsWith('\uFEFF') ? 1 : 0, end: text.length };
  const front = frame
    ? readFrontMatter(text, frame.frontMatter)
    : { root: new Yaml({}, { start: body.start, end: body.start }, new Map()), keys: [], problems: [] };
  const { root, keys, problems } = front;
  if (frame && !frame.closed) {
    problems.push({
      ...{ code: 'unclosed-front-matter', severity: 'error', range: frame.opening },
      message: 'The front matter that begins here is not closed: a line with --- is missing behind it.',
      fixes: [fix('Close the front matter', at(body.start), closing(text, body.start))],
    });
  }
  const generation = generationOf(root);
  checkTemplate(root, problems);
  checkUnread(root, problems);
  const { sample, sampleFile } = readSample(root, problems);
  const inputs = readInputs(root, sample, problems);
  const markers = roleMarkers(text, body, generation);
  const model = readModel(root, generation, problems);
  const file: PromptFile = {
    ...{ generation, inputs, sample, sampleFile, model, template: 'jinja2', keys, body },
    ...strings(root, ['name', 'description'], problems),
    ...readOwn(root, problems),
    parts: model.api === 'completion' ? [] : partsOf(text, body, markers),
    references: [...referencesIn(root, [], problems), ...inBody(text, body)],
    frontMatter: frame?.frontMatter ?? null,
    problems,
  };
  if (model.api === 'chat') checkRoles(text, file, markers, problems);
  if (text.slice(body.start, body.end).trim() === '')
    problems.push(problem('empty-body', 'warning', 'There is no prompt below the front matter.', body));
  problems.sort((a, b) => a.range.start - b.range.start);
  return file;
}

/** What closes front matter at a place: a line of its own. */
const closing = (text: string, at: number): string => {
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  return `${at > 0 && text[at - 1] !== '\n' ? end : ''}---${end}`;
};

/** Generation 2 has a list of inputs, a model with an id or options, a template of format and parser. */
function generationOf(root: Yaml): 1 | 2 {
  const [inputs, model, template] = [root.get('inputs'), root.get('model'), root.get('template')];
  if (inputs?.isList || root.get('outputs')?.isList) return 2;
  if (template?.get('format') || template?.get('parser')?.isMap) return 2;
  const has = (...names: string[]) => names.some((name) => model?.get(name) != null);
  if (has('id', 'provider', 'apiType', 'connection', 'options') || model?.text !== undefined) return 2;
  if (['metadata', 'displayName', 'tools'].some((name) => root.get(name))) return 2;
  const kinds = inputs?.isMap ? inputs.entries.map(([, { node }]) => node) : [];
  if (kinds.some((input) => input?.get('kind'))) return 2;
  const isFirst =
    has('api', 'configuration', 'parameters', 'response') ||
    ['sample', 'authors', 'tags', 'version', 'base'].some((name) => root.get(name)) ||
    kinds.some((input) => input?.get('type')) ||
    template !== null;
  return isFirst ? 1 : 2;
}

function checkTemplate(root: Yaml, problems: PromptProblem[]): void {
  const template = root.get('template');
  const format = template?.get('format', 'kind') ?? template?.get('format') ?? template?.get('type') ?? template;
  if (format?.text !== undefined && format.text !== 'jinja2') {
    problems.push(
      problem(
        'template-format',
        'error',
        `template: “${format.text}” is not supported. Write the text for jinja2.`,
        format.range,
      ),
    );
  }
}

/** Prompty's keys that would change what a model does, and are not read here. */
const UNREAD = {
  tools: 'tools are not supported, so the model is told of none.',
  base: 'no other template is built on: write what it says here, or take in its text with ${file:PATH}.',
} as const;

function checkUnread(root: Yaml, problems: PromptProblem[]): void {
  for (const [name, why] of Object.entries(UNREAD)) {
    const node = root.get(name);
    if (node !== null && node.value !== null)
      problems.push(problem('unsupported-key', 'warning', `${name}: ${why}`, root.keyOf(name)));
  }
}

/** Keys that are texts, where they are there. */
function strings<K extends string>(root: Yaml, names: K[], problems: PromptProblem[]): { [name in K]?: string } {
  const found: { [name in K]?: string } = {};
  for (const name of names) {
    const node = root.get(name);
    if (node === null || node.value === null) continue;
    if (['string', 'number', 'boolean'].includes(typeof node.value)) found[name] = String(node.value);
    else problems.push(problem('key-type', 'error', `${name}: a text is expected.`, node.range));
  }
  return found;
}

/** What stands under `luthier`: the bound dataset, its columns, examples. */
function readOwn(
  root: Yaml,
  problems: PromptProblem[],
): Pick<PromptFile, 'dataset' | 'columns' | 'examples' | 'verbalizer'> {
  const own = root.get('luthier');
  const none = { columns: {}, examples: null, verbalizer: null };
  if (own === null || own.value === null) return none;
  if (!own.isMap) {
    problems.push(problem('key-type', 'error', 'luthier: keys are expected, like “dataset”.', own.range));
    return none;
  }
  for (const [name, { key }] of own.entries) {
    if (!['dataset', 'columns', 'examples', 'verbalizer'].includes(name))
      problems.push(problem('unknown-key', 'warning', `luthier: “${name}” is not known.`, key));
  }
  const columns: Record<string, string> = {};
  const named = own.get('columns');
  if (named && !named.isMap)
    problems.push(
      problem('key-type', 'error', 'luthier.columns: inputs with their columns are expected.', named.range),
    );
  for (const [input, { node, key }] of named?.isMap ? named.entries : []) {
    if (node?.text !== undefined) columns[input] = node.text;
    else
      problems.push(problem('key-type', 'error', `luthier.columns.${input}: the name of a column is expected.`, key));
  }
  return {
    ...strings(own, ['dataset'], problems),
    ...{ columns, examples: readExamples(own, problems), verbalizer: readVerbalizer(own, problems) },
  };
}

function readVerbalizer(own: Yaml, problems: PromptProblem[]): Record<string, string[]> | null {
  const node = own.get('verbalizer');
  if (node === null || node.value === null) return null;
  const labels = node.isMap ? node.entries : [];
  const words: [label: string, words: string[]][] = [];
  for (const [label, { node: given, key }] of labels) {
    const list = given?.isList ? given.entries.map(([, { node: word }]) => word?.value) : [given?.value];
    const isWord = (word: unknown): word is string | number | boolean =>
      ['string', 'number', 'boolean'].includes(typeof word) && String(word).trim() !== '';
    if (list.length > 0 && list.every(isWord)) words.push([label, list.map(String)]);
    else
      problems.push(
        problem('key-type', 'error', `luthier.verbalizer.${label}: a word, or a list of words, is expected.`, key),
      );
  }
  if (labels.length > 0) return Object.fromEntries(words);
  const message = 'luthier.verbalizer: labels with their words are expected, as in “positive: good”.';
  problems.push(problem('key-type', 'error', message, node.range));
  return null;
}

const MOST_EXAMPLES = 100;

function readExamples(own: Yaml, problems: PromptProblem[]): PromptExamples | null {
  const node = own.get('examples');
  if (node === null || node.value === null) return null;
  const listed = node.get('rows');
  const count = node.isMap ? (node.get('count')?.value ?? (listed?.isList ? listed.entries.length : 3)) : node.value;
  const seed = node.get('seed')?.value ?? 0;
  const whole = (value: unknown, least: number): value is number =>
    Number.isSafeInteger(value) && (value as number) >= least;
  if (!whole(count, 1) || count > MOST_EXAMPLES) {
    const message = `luthier.examples: a number of rows from 1 to ${MOST_EXAMPLES} is expected, as in “count: 3”.`;
    problems.push(problem('key-type', 'error', message, node.range));
    return null;
  }
  if (!whole(seed, 0))
    problems.push(problem('key-type', 'error', 'luthier.examples.seed: a whole number is expected.', node.range));
  if (listed !== null && !isRows(listed.value)) {
    const message = 'luthier.examples.rows: a list of rows is expected, each with its columns.';
    problems.push(problem('key-type', 'error', message, listed.range));
  }
  return {
    ...{ count, seed: whole(seed, 0) ? seed : 0 },
    ...(node.isMap ? strings(node, ['dataset'], problems) : {}),
    ...(listed !== null && isRows(listed.value) && { rows: listed.value }),
  };
}

const isRows = (value: unknown): value is Record<string, unknown>[] =>
  Array.isArray(value) && value.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row));

function referencesIn(node: Yaml, path: string[], problems: PromptProblem[]): PromptReference[] {
  const { text, range } = node;
  if (text === undefined)
    return node.entries.flatMap(([name, { node: child }]) =>
      child ? referencesIn(child, [...path, name], problems) : [],
    );
  const reference = referenceIn(text);
  if (reference === 'unknown') {
    const message = `${path.join('.')}: “${text.trim().slice(0, 80)}” is no reference. There are \${file:PATH} and \${env:NAME:DEFAULT}.`;
    problems.push(problem('reference', 'error', message, range));
    return [];
  }
  return reference ? [{ ...reference, range, path }] : [];
}

const inBody = (text: string, { start, end }: Range): PromptReference[] =>
  filesIn(text.slice(start, end), start).map(({ target, range }) => ({ kind: 'file', target, range, path: null }));

function checkRoles(
  text: string,
  { body, parts, generation }: PromptFile,
  markers: ReturnType<typeof roleMarkers>,
  problems: PromptProblem[],
): void {
  if (markers.length === 0 && parts.length > 0) {
    const start = parts[0]!.range.start;
    problems.push({
      ...problem(
        'no-roles',
        'information',
        'No line opens a message, so all of this is the system’s. Write “user:” above what is asked, or “api: completion” under model.',
        { start, end: Math.min(body.end, lineEnd(text, start)) },
      ),
      fixes: [fix('Insert user:', at(body.start), text.includes('\r\n') ? 'user:\r\n' : 'user:\n')],
    });
  }
  for (const { attributes, word, line } of markers) {
    if (attributes)
      problems.push(
        problem(
          'role-attributes',
          'information',
          `${word}: ${attributes} is not passed on: chat templates know roles only.`,
          line,
        ),
      );
    if (word.toLowerCase() === 'function')
      problems.push(
        problem('role', 'warning', 'function: the message gets the role “tool”, which few chat templates know.', line),
      );
  }
  if (generation === 1) {
    // Nothing that is gone through twice: a line of opening brackets is no image, and may be long.
    for (const match of text.slice(body.start, body.end).matchAll(/!\[[^[\]\r\n]*\]\([^()\r\n]*(?:\)|\()/g)) {
      const start = body.start + match.index;
      const message = 'Images are not supported: the model sees this line as text.';
      problems.push(problem('image', 'warning', message, { start, end: start + match[0].length }));
    }
  }
}

const lineEnd = (text: string, start: number): number => {
  const end = text.slice(start).search(/\S[^\r\n]*/);
  const first = end < 0 ? start : start + end;
  const stop = text.slice(first).search(/[\r\n]/);
  return stop < 0 ? text.length : first + stop;
};
