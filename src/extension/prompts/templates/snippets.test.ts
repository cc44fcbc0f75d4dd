import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkPrompt } from '../../../prompts/check.ts';
import { parsePrompt } from '../../../prompts/parse.ts';
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

/** A snippet as it stands when nobody changes its tab stops. */
function resolved(body: string): string {
  const first = new Map<string, string>();
  const stop = (_: string, number: string, words: string) => {
    first.set(number, words);
    return words;
  };
  const text = body
    .replace(/\\([\\$}])/g, (_, sign: string) => ({ '\\': '⟦b⟧', $: '⟦d⟧', '}': '⟦c⟧' })[sign]!)
    .replace(/\$\{(\d+)\|([^,|]*)[^|]*\|\}/g, stop)
    .replace(/\$\{(\d+):([^}]*)\}/g, stop)
    .replace(/\$(\d+)/g, (_, n: string) => first.get(n) ?? '');
  return text.replaceAll('⟦b⟧', '\\').replaceAll('⟦d⟧', '$').replaceAll('⟦c⟧', '}');
}

const problemsIn = (text: string) => {
  const file = parsePrompt(text);
  return [...file.problems, ...checkPrompt(text, file).problems].map(({ code, message }) => `${code}: ${message}`);
};

test.each(snippets.filter(([name]) => /\((en|zh)\)$|front matter/.test(name)))(
  '%s is a template without a problem',
  (_, { body }) => {
    const text = resolved(body.join('\n'));
    expect(problemsIn(text), text).toEqual([]);
    expect(parsePrompt(text).inputs.length).toBeGreaterThan(0);
    // Windows writes other line ends.
    expect(problemsIn(text.replaceAll('\n', '\r\n'))).toEqual([]);
  },
);

test('parts are parts of a template that can be read', () => {
  for (const [name, { body }] of snippets.slice(KINDS.length * LANGUAGES.length)) {
    if (name === 'front matter') continue;
    const front =
      '---\ninputs:\n  - {name: text, kind: string, example: x}\n  - {name: items, kind: array, example: [a]}\n  - {name: context, kind: string, example: x}\nluthier:\n  dataset: a.csv\n  examples: 3\n---\n';
    const errors = problemsIn(`${front}user:\n${resolved(body.join('\n'))}`).filter(
      (one) => !one.startsWith('unused-input'),
    );
    expect(errors, name).toEqual([]);
  }
});

test('the guide’s templates are those of the snippets, in both languages', () => {
  for (const [page, language] of [
    ['docs/prompting.md', 'en'],
    ['docs/prompting.zh.md', 'zh'],
  ] as const) {
    const text = readFileSync(join(root, page), 'utf8');
    const templates = [...text.matchAll(/```prompty\n([\s\S]*?)```/g)].map((match) => match[1]!);
    expect(templates.length).toBe(KINDS.length - 1);
    for (const template of templates) {
      expect(problemsIn(template), template).toEqual([]);
      const { name } = parsePrompt(template);
      expect(
        Object.values(WORDS[language]).some(({ title }) => title === name),
        name,
      ).toBe(true);
    }
    const named = [...text.matchAll(/(?:Snippet|代码片段) (.*)[:：]/g)].flatMap((match) =>
      [...match[1]!.matchAll(/`([^`]+)`/g)].map((one) => one[1]!),
    );
    for (const prefix of named)
      expect(
        snippets.some(([, one]) => one.prefix.includes(prefix)),
        prefix,
      ).toBe(true);
  }
});
