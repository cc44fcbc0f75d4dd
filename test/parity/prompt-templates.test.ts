import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parsePrompt } from '../../src/prompts/parse.ts';
import { fillTemplate, PromptFault, readPromptTemplate } from '../../src/prompts/render.ts';
import { inputValues } from '../../src/prompts/values.ts';

const figures = <T>(name: string): T =>
  JSON.parse(readFileSync(path.join(import.meta.dirname, 'figures', name), 'utf8')) as T;

const noFiles = (target: string): never => {
  throw new Error(target);
};

interface Templates {
  values: Record<string, unknown>;
  templates: { template: string; rendered?: string; error?: string }[];
}

const { values, templates } = figures<Templates>('prompt-templates.json');

/** The body of a completion is rendered as it is. */
function render(body: string): string {
  const text = `---\nmodel: { api: completion }\n---\n${body}`;
  return fillTemplate(readPromptTemplate(text, { read: noFiles }), values, null).text!;
}

test('there are 200 templates and more, by hand and made of parts', () => {
  expect(new Set(templates.map(({ template }) => template)).size).toBeGreaterThan(200);
});

test.each(templates)('as Python’s jinja2 renders it: $template', ({ template, rendered }) => {
  if (rendered === undefined) expect(() => render(template)).toThrow(PromptFault);
  else expect(render(template)).toBe(rendered);
});

interface Prompty {
  file: string;
  generation: 1 | 2;
  text: string;
  inputs: Record<string, unknown>;
  name: string;
  description: string;
  api: string;
  options: Record<string, unknown>;
  messages: string | { role: string; content: string }[];
}

test.each(figures<Prompty[]>('prompty.json'))('as Prompty reads and renders $file', (figure) => {
  const file = parsePrompt(figure.text);
  expect(file.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(file).toMatchObject({ generation: figure.generation, name: figure.name });
  expect(file.description ?? '').toBe(figure.description);
  expect(file.model.api).toBe(figure.api === '' ? 'chat' : figure.api);
  expect(file.model.options).toEqual(figure.options);
  const template = readPromptTemplate(figure.text, { file, read: noFiles });
  const { messages, text } = fillTemplate(template, inputValues(file, { values: figure.inputs }), null);
  expect(text ?? messages).toEqual(figure.messages);
});
