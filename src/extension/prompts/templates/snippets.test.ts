import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KINDS, LANGUAGES, WORDS } from './kinds.ts';
import { snippetsText } from './snippets.ts';

const root = join(import.meta.dirname, '../../../..');
const { contributes } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

interface Snippet {
  prefix: string[];
  description: string;
  body: string[];
}
const files: string[] = contributes.snippets.map(({ path }: { path: string }) => path);
const snippets = files.flatMap((file) =>
  Object.entries(JSON.parse(readFileSync(join(root, file), 'utf8')) as Record<string, Snippet>),
);

test('the snippets are those of the templates that are there (npm run snippets)', () => {
  expect(readFileSync(join(root, 'snippets/prompty.json'), 'utf8')).toBe(snippetsText());
});

test('every slot of a body has a text, every text a place, in each language', () => {
  for (const language of LANGUAGES) {
    for (const { id, inputs, ...kind } of KINDS) {
      const { body, slots, examples, title, description } = WORDS[language][id];
      const used = new Set([...body.matchAll(/‹(\w+)›/g)].map((match) => match[1]!));
      if ('verbalizer' in kind) used.add(kind.labels);
      const given = [...inputs.map(({ key }) => key), ...Object.keys(slots)];
      expect([...used].sort(), `${id} (${language})`).toEqual(given.sort());
      expect(Object.keys(examples).sort()).toEqual(inputs.map(({ key }) => key).sort());
      for (const text of [title, description, ...Object.values(examples)])
        expect(text).not.toMatch(/: | #|^[-[{>|*&!%@`'"]/);
    }
  }
});

test('a prefix means one snippet, and both languages have all of them', () => {
  const prefixes = snippets.flatMap(([, { prefix }]) => prefix);
  expect(new Set(prefixes).size).toBe(prefixes.length);
  for (const { id } of KINDS) {
    for (const language of LANGUAGES) expect(snippets.some(([name]) => name === `${id} (${language})`)).toBe(true);
  }
});

test('tab stops are numbered without a gap', () => {
  for (const [name, { body }] of snippets) {
    const numbers = new Set([...body.join('\n').matchAll(/(?<!\\)\$\{?(\d+)/g)].map((match) => Number(match[1])));
    numbers.delete(0);
    expect(
      [...numbers].sort((a, b) => a - b),
      name,
    ).toEqual([...numbers].map((_, i) => i + 1));
  }
});

test('files that package.json contributes for the language are there', () => {
  const [language] = contributes.languages;
  const paths = [
    language.configuration,
    language.icon.light,
    language.icon.dark,
    contributes.grammars[0].path,
    ...files,
  ];
  for (const path of paths) expect(existsSync(join(root, path)), path).toBe(true);
});
