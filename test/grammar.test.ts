import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
/** What VS Code colours texts with is in the VS Code that end-to-end tests install. */
const editor = join(root, 'test/e2e/vscode/node_modules/code-server/lib/vscode');
const isThere = existsSync(join(editor, 'node_modules/vscode-textmate'));
if (!isThere)
  console.warn('Skipped: the grammar is tested with the VS Code of the end-to-end tests, which is not installed.');

interface Tokenizer {
  tokenizeLine(
    line: string,
    before: unknown,
  ): { tokens: { startIndex: number; endIndex: number; scopes: string[] }[]; ruleStack: unknown };
}
let grammar: Tokenizer;
let start: unknown;

beforeAll(async () => {
  if (!isThere) return;
  const require = createRequire(join(editor, 'package.json'));
  const oniguruma = require('vscode-oniguruma');
  const { INITIAL, parseRawGrammar, Registry } = require('vscode-textmate');
  await oniguruma.loadWASM(readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm')).buffer);
  const files: Record<string, string> = {
    'source.prompty': join(root, 'syntaxes/prompty.tmLanguage.json'),
    'source.yaml': join(editor, 'extensions/yaml/syntaxes/yaml.tmLanguage.json'),
    ...Object.fromEntries(
      ['1.2', '1.1', '1.0', '1.3', 'embedded'].map((version) => [
        `source.yaml.${version}`,
        join(editor, `extensions/yaml/syntaxes/yaml-${version}.tmLanguage.json`),
      ]),
    ),
  };
  const registry = new Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources: string[]) => new oniguruma.OnigScanner(sources),
      createOnigString: (text: string) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (scope: string) => {
      const file = files[scope];
      return file && existsSync(file) ? parseRawGrammar(readFileSync(file, 'utf8'), file) : null;
    },
  });
  grammar = await registry.loadGrammar('source.prompty');
  start = INITIAL;
});

/** The words of a text with the last of their scopes, without the file's own. */
function colours(text: string): [word: string, scope: string][] {
  let state = start;
  return text.split('\n').flatMap((line) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    return tokens
      .map(({ startIndex, endIndex, scopes }): [string, string] => [
        line.slice(startIndex, endIndex).trim(),
        scopes.at(-1)!.replace(/(\.jinja)?\.prompty$/, ''),
      ])
      .filter(([word]) => word !== '');
  });
}

const colourOf = (text: string, word: string) => colours(text).find(([one]) => one === word)?.[1];

describe.skipIf(!isThere)('the grammar of prompt templates', () => {
  test('front matter is YAML to its end, with references in its values', () => {
    const text = `---\nname: Tickets # ours\nsample: \${file:sample.json}\nmodel: \${env:M:gpt2}\n---\nuser:\nname: x`;
    expect(colourOf(text, 'name')).toBe('entity.name.tag.yaml');
    expect(colours(text)).toContainEqual(['file', 'keyword.other.reference']);
    expect(colours(text)).toContainEqual(['sample.json', 'variable.other.reference']);
    expect(colours(text)).toContainEqual(['gpt2', 'string.unquoted.default']);
    expect(
      colours(text)
        .filter(([word]) => word === '---')
        .map(([, scope]) => scope),
    ).toEqual(['punctuation.definition.begin.frontmatter', 'punctuation.definition.end.frontmatter']);
    expect(colours(text).at(-1)).toEqual(['name: x', 'source']);
    expect(colourOf(text, 'user')).toBe('entity.name.section.role');
  });

  test('roles are markers only alone on their line', () => {
    for (const marker of ['system:', '# User:', '  assistant :', 'user[name="Ada"]:', 'DEVELOPER:', 'tool:']) {
      expect(
        colours(marker).some(([, scope]) => scope === 'entity.name.section.role'),
        marker,
      ).toBe(true);
    }
    for (const text of ['user: hello', 'my user:', 'users:']) {
      expect(colours(text), text).toEqual([[text, 'source']]);
    }
  });

  test('expressions, filters, statements, comments and raw texts', () => {
    expect(colours('Hi {{ 名字 | upper }}!')).toEqual([
      ['Hi', 'source'],
      ['{{', 'punctuation.section.embedded'],
      ['名字', 'variable.other.readwrite'],
      ['|', 'keyword.operator.filter'],
      ['upper', 'support.function.filter'],
      ['}}', 'punctuation.section.embedded'],
      ['!', 'source'],
    ]);
    expect(colours('{%- for turn in history if turn.role is not defined -%}').map(([, scope]) => scope)).toEqual(
      expect.arrayContaining([
        'keyword.control',
        'keyword.operator.logical',
        'variable.other.property',
        'support.function.test',
      ]),
    );
    expect(colourOf('{# {{ not }} code #}', '{{ not }} code')).toBe('comment.block');
    expect(colourOf('{% raw %}{{ x }}{% endraw %}', '{{ x }}')).toBe('markup.raw.block');
    expect(colourOf('{"answer": "x", "tags": ["a"]}', '{"answer": "x", "tags": ["a"]}')).toBe('source');
    expect(colourOf('It is [MASK].', '[MASK]')).toBe('constant.other.placeholder.mask');
  });

  test('an expression that is being typed does not colour what stands outside of its line’s quotes', () => {
    expect(colourOf('{{ "a }} b', 'b')).toBe('source');
  });
});
