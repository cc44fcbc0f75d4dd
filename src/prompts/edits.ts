import type { PromptFile, PromptFix, PromptInput, PromptKey, Range } from './prompt-file.ts';

/** Edits of front matter that mend problems of inputs. Each is null where the text is written in a way that it would spoil. */

export const fix = (title: string, range: Range, text: string): PromptFix => ({ title, edits: [{ range, text }] });
export const at = (offset: number): Range => ({ start: offset, end: offset });

export const newlineOf = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

/** Where the line that a place is on ends, with its end. */
function nextLine(text: string, offset: number): number {
  const newline = text.indexOf('\n', offset);
  return newline < 0 ? text.length : newline + 1;
}

/** Where the last line of a key's value ends. */
const endOf = (text: string, { key, value }: PromptKey): number =>
  nextLine(
    text,
    value ? Math.max(key.end, value.start + text.slice(value.start, value.end).trimEnd().length) : key.end,
  );

const lineStartOf = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;
const indentOf = (text: string, offset: number): string => {
  const start = lineStartOf(text, offset);
  return /^[ \t]*/.exec(text.slice(start, offset))![0];
};

const topKey = (file: PromptFile, name: string) => file.keys.find(({ path }) => path.length === 1 && path[0] === name);

/** Whether inputs are a list, and with what its items are indented; of a map, its keys. Null where they stand on one line. */
function inputsShape(text: string, file: PromptFile): { isList: boolean; indent: string; end: number } | null {
  const first = file.keys.find(({ path }) => path.length === 2 && path[0] === 'inputs');
  const last = file.keys.findLast(({ path }) => path[0] === 'inputs' && path.length >= 2);
  if (!first || !last) return null;
  const isList = first.path[1] === '0' && file.inputs[0]?.name !== '0';
  const line = text.slice(lineStartOf(text, first.key.start), first.key.start);
  if (!(isList ? /^[ \t]*-[ \t]+$/ : /^[ \t]+$/).test(line)) return null;
  const end = endOf(text, last);
  return { isList, indent: indentOf(text, first.key.start), end };
}

/** Declares an input behind those that there are; front matter that has none gets `inputs`, and a file without, front matter. */
export function addInput(text: string, file: PromptFile, name: string): PromptFix | null {
  const title = `Add ${name} to the inputs`;
  const newline = newlineOf(text);
  const item = (indent: string, isList: boolean) =>
    isList
      ? `${indent}- name: ${name}${newline}${indent}  kind: string${newline}`
      : `${indent}${name}:${newline}${indent}  ${file.generation === 1 ? 'type' : 'kind'}: string${newline}`;
  const shape = inputsShape(text, file);
  if (shape) {
    const broken = shape.end > 0 && text[shape.end - 1] !== '\n' ? newline : '';
    return fix(title, at(shape.end), broken + item(shape.indent, shape.isList));
  }
  const key = topKey(file, 'inputs');
  if (key) {
    // `inputs:` with nothing, or `inputs: []`.
    const value = key.value ? text.slice(key.value.start, key.value.end).replace(/\s/g, '') : '';
    if (value !== '' && value !== '[]' && value !== '{}') return null;
    const line = { start: key.key.end, end: nextLine(text, key.key.end) };
    return fix(title, line, `:${newline}${item('  ', file.generation === 2)}`);
  }
  if (!file.frontMatter)
    return fix(title, at(file.body.start), `---${newline}inputs:${newline}${item('  ', true)}---${newline}`);
  return fix(title, at(file.frontMatter.end), `inputs:${newline}${item('  ', file.generation === 2)}`);
}

/** Takes an input's lines out of the front matter; null where it shares a line with others. */
export function removeInput(text: string, file: PromptFile, input: PromptInput): PromptFix | null {
  const own = file.keys.filter(({ path }) => path[0] === 'inputs' && path.length === 2);
  const at = own.findIndex(({ key, value }) =>
    key.start === input.range.start
      ? true
      : value !== null && key.start <= input.range.start && input.range.end <= value.end,
  );
  const key = own[at];
  if (!key) return null;
  const start = lineStartOf(text, key.key.start);
  if (!/^[ \t]*(?:-[ \t]+)?$/.test(text.slice(start, key.key.start))) return null;
  const last = file.keys.findLast(({ path }) => path[0] === 'inputs' && path[1] === key.path[1])!;
  const end = endOf(text, last);
  // The last of them takes `inputs:` with it.
  const whole = own.length === 1 ? lineStartOf(text, topKey(file, 'inputs')!.key.start) : start;
  return fix(`Remove ${input.name} from the inputs`, { start: whole, end }, '');
}

/** Gives an input a value to try the prompt with: under `sample`, or as the input's own `example` in generation 2. */
export function addSample(text: string, file: PromptFile, input: PromptInput): PromptFix | null {
  const title = `Add a sample for ${input.name}`;
  const newline = newlineOf(text);
  const value = SAMPLES[input.kind];
  const shape = inputsShape(text, file);
  if (file.generation === 2 && shape) {
    const own = file.keys.filter(({ path }) => path[0] === 'inputs' && path.length > 2);
    const key = own.find(
      ({ key, value: place }) => key.start === input.range.start || place?.start === input.range.start,
    );
    const last = own.findLast(({ path }) => path[1] === (key ?? own[0])?.path[1]);
    const map = file.keys.find(({ path, key: place }) => path.length === 2 && place.start === input.range.start);
    if (last && (key || map)) {
      const end = endOf(text, last);
      return fix(title, at(end), `${shape.indent}  example: ${value}${newline}`);
    }
  }
  const samples = file.keys.filter(({ path }) => path[0] === 'sample' && path.length === 2);
  const last = file.keys.findLast(({ path }) => path[0] === 'sample' && path.length >= 2);
  if (samples.length > 0 && last) {
    const line = text.slice(lineStartOf(text, samples[0]!.key.start), samples[0]!.key.start);
    if (!/^[ \t]+$/.test(line)) return null;
    const end = endOf(text, last);
    return fix(title, at(end), `${line}${input.name}: ${value}${newline}`);
  }
  if (topKey(file, 'sample') || !file.frontMatter) return null;
  return fix(title, at(file.frontMatter.end), `sample:${newline}  ${input.name}: ${value}${newline}`);
}

const SAMPLES = {
  string: 'An example',
  number: '1',
  boolean: 'true',
  array: '[]',
  object: '{}',
  thread: '[]',
} as const;
