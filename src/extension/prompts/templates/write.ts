import { KINDS, type Kind, type KindId, type Language, WORDS } from './kinds.ts';

/** An input as a template declares it. */
export interface FilledInput {
  name: string;
  /** As YAML has it. */
  example: string;
}

/** What is put where a kind leaves room: as texts, or as tab stops of a snippet. */
export interface Fill {
  title: string;
  /** By the input's key. */
  inputs: Readonly<Record<string, FilledInput>>;
  /** By the slot's name. */
  slots: Readonly<Record<string, string>>;
  /** The dataset whose rows it is for, as a path from the template's folder, and columns that are not called like their input. */
  dataset?: { path: string; columns: Readonly<Record<string, string>>; examples?: number };
}

export const kindOf = (id: KindId): Kind => KINDS.find((kind) => kind.id === id)!;

/** A template with one language's words: front matter as the newest Prompty has it, and ours under `luthier`. */
export function writeTemplate(id: KindId, language: Language, fill: Fill): string {
  const kind = kindOf(id);
  const words = WORDS[language][id];
  const inputs = kind.inputs.map(({ key }) => fill.inputs[key]!);
  const ours = [
    ...(fill.dataset ? [`  dataset: ${fill.dataset.path}`, ...map('columns', fill.dataset.columns)] : []),
    ...(fill.dataset?.examples ? ['  examples:', `    count: ${fill.dataset.examples}`] : []),
    ...(kind.verbalizer ? ['  verbalizer:', ...indented(fill.slots[kind.labels!]!, 4)] : []),
  ];
  const lines = [
    '---',
    `name: ${fill.title}`,
    `description: ${words.description}`,
    'model:',
    `  apiType: ${kind.api}`,
    'inputs:',
    ...inputs.flatMap(({ name, example }) => [`  - name: ${name}`, '    kind: string', `    example: ${example}`]),
    ...(ours.length > 0 ? ['luthier:', ...ours] : []),
    '---',
  ];
  const written = fill.dataset?.examples ? words.drawn! : words.body;
  const body = written.replace(/‹(\w+)›/g, (_, name: string) => fill.inputs[name]?.name ?? fill.slots[name]!);
  return `${lines.join('\n')}\n${body}\n`;
}

const map = (key: string, values: Readonly<Record<string, string>>): string[] =>
  Object.keys(values).length === 0
    ? []
    : [`  ${key}:`, ...Object.entries(values).map(([name, value]) => `    ${name}: ${value}`)];

const indented = (text: string, blanks: number): string[] =>
  text.split('\n').map((line) => `${' '.repeat(blanks)}${line}`);
