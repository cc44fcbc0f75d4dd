import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type * as vscode from 'vscode';
import type { DataSummary, PromptChecked } from '../../protocol/index.ts';
import { silentLog } from '../log.ts';
import * as editor from '../testing/vscode.ts';
import { PromptChecks } from './checks.ts';
import { PromptCompletion } from './completion.ts';
import { PromptDiagnostics } from './diagnostics.ts';
import { PromptDocuments } from './documents.ts';
import { PromptFormat } from './format.ts';
import { PromptHover } from './hover.ts';
import { PromptNames } from './names.ts';
import { PromptOutline } from './outline.ts';
import { PromptFiles } from './surroundings.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'luthier prompts ü-'));
  writeFileSync(join(folder, 'sample.json'), '{"question": "Where is *my* parcel?"}');
  writeFileSync(join(folder, 'rows.csv'), 'text,kind\na,b\n');
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => editor.reset());

const column = (name: string, ...examples: string[]) => ({ name, examples, distinct: 1, empty: 0, mean_length: 1 });
const summary = { columns: [column('text', 'My card'), column('kind', 'billing')] } as unknown as DataSummary;

/** Everything that is registered for templates, with an engine that the test plays. */
function open(text: string, { name = 'a.prompty', language = 'prompty' } = {}) {
  const document = new editor.Document(editor.Uri.file(join(folder, name)), language, text);
  const files = new PromptFiles({
    inspect: async () => summary,
    list: async () => [],
    mayStart: async () => true,
    log: silentLog,
  });
  const documents = new PromptDocuments(files);
  const checked: PromptChecked = {
    problems: [],
    tokens: { prompt: 1234, messages: [], inputs: { text: 7 }, positions: 2048 },
  };
  const ask = vi.fn(async () => checked);
  const checks = new PromptChecks(documents, {
    ...{ ask, modelOf: async () => '/models/m', mayStart: async () => true, log: silentLog },
    ...{ pauseMs: 1, engineMs: 2 },
  });
  const real = document as unknown as vscode.TextDocument;
  const at = (mark: string, after = 0) =>
    document.positionAt(document.getText().indexOf(mark) + after) as vscode.Position;
  return {
    ...{ document, real, files, documents, checks, checked, ask, at },
    outline: new PromptOutline(documents),
    hover: new PromptHover(documents, checks),
    names: new PromptNames(documents),
    format: new PromptFormat(documents),
    completion: new PromptCompletion(documents, {
      models: async () => [{ name: 'starters/decoder', detail: 'Writes text' }],
      datasets: async () => [{ path: join(folder, 'rows.csv'), detail: '9 rows' }],
    }),
    /** Until what the template names has been read. */
    settle: async () => {
      const told = new Promise<void>((resolve) => void files.changed.on(() => resolve()));
      documents.look(real);
      await told;
    },
  };
}

const TEMPLATE = `---
name: Tickets
inputs:
  - name: text
    kind: string
    description: What was *written*
    example: My card
  - name: other
    kind: string
    default: none
luthier:
  dataset: rows.csv
---
system:
Be short.

user:
{% for line in text | list %}
{{ line | upper }} {{ other }}
{% if line is defined %}
x
{% endif %}
{% endfor %}
{# a
note #}
`;

describe('outline and folding', () => {
  const tree = (symbols: vscode.DocumentSymbol[]): unknown[] =>
    symbols.map(({ name, detail, children }) =>
      children.length > 0 ? [name, detail, tree(children)] : [name, detail],
    );

  test('front matter with its keys, messages and their blocks', () => {
    const { outline, real } = open(TEMPLATE);
    expect(tree(outline.provideDocumentSymbols(real))).toEqual([
      [
        'Front matter',
        'Tickets',
        [
          ['name', 'Tickets'],
          [
            'inputs',
            '',
            [
              [
                'text',
                '',
                [
                  ['name', 'text'],
                  ['kind', 'string'],
                  ['description', 'What was *written*'],
                  ['example', 'My card'],
                ],
              ],
              [
                'other',
                '',
                [
                  ['name', 'other'],
                  ['kind', 'string'],
                  ['default', 'none'],
                ],
              ],
            ],
          ],
          ['luthier', '', [['dataset', 'rows.csv']]],
        ],
      ],
      ['system', 'Be short.'],
      ['user', '{% for line in text | list %}', [['for line in text | list', '', [['if line is defined', '']]]]],
    ]);
  });

  test.each(['\n', '\r\n'])('folds front matter, keys, messages, blocks and comments (line ends %j)', (end) => {
    const text = TEMPLATE.replaceAll('\n', end);
    const { outline, real } = open(text);
    const lines = text.split(end);
    const folds = outline.provideFoldingRanges(real).map(({ start, end: last }) => [lines[start], lines[last]]);
    expect(folds).toEqual(
      expect.arrayContaining([
        ['---', '---'],
        ['inputs:', '    default: none'],
        ['  - name: text', '    example: My card'],
        ['system:', 'Be short.'],
        ['user:', 'note #}'],
        ['{% for line in text | list %}', '{% endif %}'],
        ['{% if line is defined %}', 'x'],
        ['{# a', 'note #}'],
      ]),
    );
  });

  test('of a broken file stay', () => {
    const { outline, real } = open('---\nname:Ticket\ninputs:[]\nuser:\n{% for a in\n{{ hello\n');
    const names = outline.provideDocumentSymbols(real).map(({ name }) => name);
    expect(names).toEqual(['Front matter', 'user']);
    expect(outline.provideFoldingRanges(real).length).toBeGreaterThan(0);
  });
});

describe('hover', () => {
  const shown = (hover: vscode.Hover | null) =>
    (hover?.contents as unknown as { value: string } | undefined)?.value.split('\n\n');

  test('of an input: what it is, where from, a value, and tokens as the engine counts them', async () => {
    const { hover, real, at, settle, checks, ask } = open(TEMPLATE);
    await settle();
    checks.schedule(real);
    await vi.waitFor(() => expect(checks.tokensOf(real)).not.toBeNull());
    expect(ask).toHaveBeenCalledWith(
      expect.objectContaining({ text: TEMPLATE, model: '/models/m' }),
      expect.anything(),
    );
    expect(shown(hover.provideHover(real, at('text | list', 2)))).toEqual([
      '**text** — input, string',
      'What was \\*written\\*',
      'Column text of rows\\.csv',
      'Sample: My card',
      '7 tokens of 1,234 in the prompt',
    ]);
    expect(shown(hover.provideHover(real, at('{{ other', 5)))).toContain('Default: none');
  });

  test('of filters, tests, names of loops, keys, roles; of plain words nothing', () => {
    const { hover, real, at } = open(TEMPLATE);
    expect(shown(hover.provideHover(real, at('upper', 1)))).toEqual(['**upper** — filter', 'All letters large']);
    expect(shown(hover.provideHover(real, at('defined %', 1)))?.[0]).toBe('**defined** — test');
    expect(shown(hover.provideHover(real, at('{{ line', 4)))).toEqual(['**line**', 'Each item of the loop in turn']);
    expect(shown(hover.provideHover(real, at('dataset:', 1)))?.[0]).toBe('**dataset**');
    expect(shown(hover.provideHover(real, at('user:', 1)))?.[0]).toBe('**user\\:**');
    expect(hover.provideHover(real, at('Be short', 1))).toBeNull();
  });

  test('of a name from the file of the sample, whose text is no markup', async () => {
    const { hover, real, at, settle } = open(
      '---\nsample: ${file:sample.json}\n---\nuser:\n{{ question }}'.replace('\\', ''),
    );
    await settle();
    expect(shown(hover.provideHover(real, at('{{ question', 5)))).toEqual([
      '**question** — from the sample',
      'From sample\\.json: Where is \\*my\\* parcel\\?',
    ]);
  });
});

describe('completion', () => {
  /** The cursor is at `|`, written `¦` in what is completed. */
  const complete = async (marked: string, settled = false) => {
    const offset = marked.indexOf('¦');
    const made = open(marked.replace('¦', ''));
    if (settled) await made.settle();
    const items = await made.completion.provideCompletionItems(
      made.real,
      made.document.positionAt(offset) as vscode.Position,
    );
    return { ...made, items, labels: items.map(({ label }) => label) };
  };
  const front =
    '---\ninputs:\n  - name: text\n    kind: string\n    example: x\nluthier:\n  dataset: rows.csv\n---\nuser:\n';

  test('variables: inputs first, then names of the template, then columns, which are added to the inputs', async () => {
    const { items, labels, document } = await complete(`${front}{% for row in text %}{{ ¦ }}{% endfor %}`, true);
    expect(labels).toEqual(expect.arrayContaining(['text', 'row', 'kind', 'loop', 'range']));
    expect(items.find(({ label }) => label === 'text')?.detail).toBe('column text: x');
    const added = items.find(({ label }) => label === 'kind')!.additionalTextEdits as unknown as editor.TextEdit[];
    expect(editor.edited(document, added)).toContain('  - name: kind\n    kind: string\nluthier:');
  });

  test('filters behind a bar, tests behind is, statements, properties; nothing in a string', async () => {
    expect((await complete(`${front}{{ text | ¦ }}`)).labels).toEqual(
      expect.arrayContaining(['trim', 'truncate_tokens']),
    );
    expect((await complete(`${front}{{ text | tr¦ }}`)).labels).toContain('trim');
    expect((await complete(`${front}{{ text is ¦`)).labels).toContain('defined');
    expect((await complete(`${front}{{ text is not d¦`)).labels).toContain('defined');
    expect((await complete(`${front}{% ¦ %}`)).labels).toEqual(expect.arrayContaining(['for', 'if', 'set']));
    expect((await complete(`${front}{% if text %}{% ¦`)).labels[0]).toBe('endif');
    expect((await complete(`${front}{% for a in text %}{{ loop.¦ }}`)).labels).toContain('index');
    expect((await complete(`${front}{{ "¦" }}`)).labels).toEqual([]);
    expect((await complete(`${front}{{ text ¦ }}`)).labels).toEqual(['if', 'else', 'is', 'and', 'or']);
    expect((await complete(`${front}hello ¦`)).labels).toEqual([]);
  });

  test('roles at the beginning of a line', async () => {
    expect((await complete(`${front}hi\n¦`)).labels).toEqual(['system:', 'user:', 'assistant:', 'developer:']);
    expect((await complete(`${front}hi\nas¦`)).labels).toContain('assistant:');
  });

  test('keys of front matter where they belong, without those that are there', async () => {
    const top = (await complete('---\nname: x\n¦\n---\nuser:\nhi')).labels;
    expect(top).toEqual(expect.arrayContaining(['description', 'model', 'inputs', 'luthier']));
    expect(top).not.toContain('name');
    expect((await complete('---\nmodel:\n  a¦\n---\n')).labels).toEqual(['id', 'apiType', 'options']);
    expect((await complete('---\ninputs:\n  - name: a\n    ¦\n---\n')).labels).toEqual([
      'kind',
      'description',
      'example',
      'default',
    ]);
    expect((await complete('---\ninputs:\n- ¦\n---\n')).labels).toContain('name');
    expect((await complete('---\nluthier:\n  columns:\n    a: b\n  ¦\n---\n')).labels).toEqual([
      'dataset',
      'examples',
      'verbalizer',
    ]);
  });

  test('values: kinds, models, datasets, columns', async () => {
    expect((await complete('---\ninputs:\n  - name: a\n    kind: ¦\n---\n')).labels).toContain('thread');
    expect((await complete('---\nmodel:\n  id: st¦\n---\n')).labels).toEqual(['starters/decoder']);
    expect((await complete('---\nmodel:\n  configuration:\n    name: ¦\n---\n')).labels).toEqual(['starters/decoder']);
    expect((await complete('---\nluthier:\n  dataset:¦\n---\n')).items.map(({ insertText }) => insertText)).toEqual([
      ' rows.csv',
    ]);
    expect((await complete('---\nluthier:\n  dataset: rows.csv\n  columns:\n    a: ¦\n---\n', true)).labels).toEqual([
      'text',
      'kind',
    ]);
  });
});

describe('names', () => {
  const places = (locations: readonly vscode.Location[] | null, document: editor.Document) =>
    (locations ?? []).map(({ range }) => [range.start.line, document.getText(range as unknown as editor.Range)]);
  const text =
    '---\ninputs:\n  - name: "text"\n    kind: string\nsample:\n  text: x\nluthier:\n  dataset: rows.csv\n  columns:\n    text: kind\n---\nuser:\n{{ text }} {% for text in text %}{{ text }}{% endfor %}\n${file:sample.json}';

  test('an input is renamed wherever it is named, and not where a loop calls something else so', () => {
    const { names, real, document, at } = open(text);
    const edit = names.provideRenameEdits(real, at('{{ text', 4), '文本') as unknown as editor.WorkspaceEdit;
    expect(editor.edited(document, edit.edits)).toBe(
      text
        .replace('"text"', '"文本"')
        .replace('  text: x', '  文本: x')
        .replace('text: kind', '文本: kind')
        .replace('{{ text }} {% for text in text %}', '{{ 文本 }} {% for text in 文本 %}'),
    );
    const inLoop = names.provideRenameEdits(real, at('%}{{ text', 6), 'row') as unknown as editor.WorkspaceEdit;
    expect(editor.edited(document, inLoop.edits)).toContain('{% for row in text %}{{ row }}{% endfor %}');
    expect(() => names.provideRenameEdits(real, at('{{ text', 4), 'a b')).toThrow('cannot be a name');
    expect(() => names.prepareRename(real, at('user:'))).toThrow('Only inputs');
  });

  test('definitions: of an input its declaration, of a loop’s name the loop, of a reference and a dataset the file', async () => {
    const { names, real, document, at } = open(text);
    const to = async (mark: string, after: number) => await names.provideDefinition(real, at(mark, after));
    expect(places([(await to('{{ text', 4))!], document)).toEqual([[2, 'text']]);
    expect((await to('%}{{ text', 6))?.range.start.line).toBe(12);
    expect((await to('${file', 4))?.uri.fsPath).toBe(join(folder, 'sample.json'));
    expect((await to('rows.csv', 2))?.uri.fsPath).toBe(join(folder, 'rows.csv'));
    expect(await to('user:', 1)).toBeNull();
    expect(places(names.provideReferences(real, at('{{ text', 4)), document)).toHaveLength(5);
  });
});

test('formatting puts one blank inside of delimiters and touches nothing that a model sees', () => {
  const text =
    '---\nname:  x\n---\n# User :\n{{text}}  {{-  text  -}} {%if text%} x {%endif%} {# a #} {{ "a  b" }} {{\n text\n}}\r\nSYSTEM:\n{{ broken';
  const { format, real, document } = open(text);
  const edits = format.provideDocumentFormattingEdits(real) as unknown as editor.TextEdit[];
  expect(editor.edited(document, edits)).toBe(
    '---\nname:  x\n---\n# user:\n{{ text }}  {{- text -}} {% if text %} x {% endif %} {# a #} {{ "a  b" }} {{\n text\n}}\r\nsystem:\n{{ broken',
  );
});

describe('diagnostics', () => {
  const watch = (made: ReturnType<typeof open>) => {
    editor.workspace.textDocuments = [made.document];
    return new PromptDiagnostics(made.checks);
  };
  const told = ({ document }: ReturnType<typeof open>) =>
    (editor.problems.get(document.uri.toString()) ?? []).map(({ code, message, range }) => [
      code,
      message,
      document.getText(range),
    ]);

  test('come while typing, with what the engine finds of text and model, once each', async () => {
    const made = open(
      '---\ninputs:\n  - name: text\n    kind: string\n    example: x\n---\nuser:\n{{ text }} {{ txet }}',
    );
    const { document, checked } = made;
    const start = document.getText().indexOf('user:');
    checked.problems.push(
      { code: 'role-order', severity: 'error', message: 'The model refuses it.', range: { start, end: start + 5 } },
      {
        code: 'undefined',
        severity: 'warning',
        message: '“txet” is not defined.',
        range: { start: start + 20, end: start + 24 },
      },
    );
    const diagnostics = watch(made);
    await vi.waitFor(() => expect(told(made)).toHaveLength(2));
    expect(told(made)).toEqual([
      ['unknown-variable', '“txet” is not among the inputs. Did you mean “text”?', 'txet'],
      ['role-order', 'The model refuses it.', 'user:'],
    ]);
    const actions = diagnostics.provideCodeActions(
      made.real,
      new editor.Range(
        made.at('txet', 1) as editor.Position,
        made.at('txet', 1) as editor.Position,
      ) as unknown as vscode.Range,
    );
    expect(actions.map(({ title, isPreferred }) => [title, isPreferred])).toEqual([
      ['Change to text', true],
      ['Add txet to the inputs', undefined],
    ]);
    const edit = actions[0]!.edit as unknown as editor.WorkspaceEdit;
    document.setText(editor.edited(document, edit.edits));
    // What the engine said is of another text.
    expect(made.checks.problemsOf(made.real)).toEqual([]);
    diagnostics.dispose();
  });

  test('an engine that fails or may not start leaves the text’s own', async () => {
    const made = open('user:\n{{ a');
    made.ask.mockRejectedValue(new Error('no engine'));
    const diagnostics = watch(made);
    await vi.waitFor(() => expect(told(made).map(([code]) => code)).toEqual(['unclosed-tag', 'unknown-variable']));
    diagnostics.dispose();
    const checks = new PromptChecks(made.documents, {
      ask: made.ask,
      modelOf: async () => null,
      mayStart: async () => false,
      log: silentLog,
      pauseMs: 1,
      engineMs: 1,
    });
    made.ask.mockClear();
    checks.schedule(made.real);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(made.ask).not.toHaveBeenCalled();
    expect(checks.problemsOf(made.real)).toHaveLength(2);
  });
});

test('a .prompt.md is a template only with inputs or a sample, whatever its language', () => {
  const file = { name: 'a.prompt.md', language: 'prompt' };
  const of = (text: string, given = file) =>
    open(text, given).outline.provideDocumentSymbols(open(text, given).real).length;
  expect(of('---\nname: x\nmode: agent\n---\nDo it')).toBe(0);
  expect(of('---\nsample:\n  a: 1\n---\nuser:\n{{ a }}')).toBe(2);
  expect(of('---\ninputs:\n  a: 1\n---\nuser:\n{{ a }}', { name: 'b.prompt.md', language: 'markdown' })).toBe(2);
  expect(of('---\ninputs:\n  a: 1\n---\nuser:\n{{ a }}', { name: 'b.md', language: 'markdown' })).toBe(0);
});

test('no provider throws on any text, at any place', async () => {
  const pieces = fc.constantFrom(
    ...[
      '---\n',
      'name: x\n',
      'inputs:\n',
      '  - name: a\n',
      '    kind: ',
      '  a:\n',
      'sample:\n',
      '  a: 1\n',
      'luthier:\n',
      '  columns:\n',
      '    a: b\n',
    ],
    ...[
      '  dataset: rows.csv\n',
      'model:\n',
      '  id: ',
      'user:\n',
      '# System:\n',
      '{{',
      '}}',
      ' a ',
      '|',
      '.',
      ' is ',
      '{%',
      '%}',
      ' for a in b ',
      ' endfor ',
    ],
    ...[
      ' if a ',
      ' endif ',
      ' else ',
      ' set a = 1 ',
      ' macro m(a) ',
      '{#',
      '#}',
      '"',
      '\r\n',
      '\n',
      '\r',
      '\t',
      '名',
      '\u{1F600}',
      '\uD800',
      '\uFEFF',
      '${file:sample.json}',
    ],
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 4, arbitrary: pieces }, fc.string()), { maxLength: 25 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (parts, share) => {
        const text = parts.join('');
        const { real, document, outline, hover, completion, names, format, checks } = open(text);
        const position = document.positionAt(Math.floor(share * text.length)) as vscode.Position;
        outline.provideDocumentSymbols(real);
        outline.provideFoldingRanges(real);
        hover.provideHover(real, position);
        await completion.provideCompletionItems(real, position);
        await names.provideDefinition(real, position);
        names.provideReferences(real, position);
        names.provideRenameEdits(real, position, 'other');
        format.provideDocumentFormattingEdits(real);
        checks.problemsOf(real);
      },
    ),
    { numRuns: 600 },
  );
});

const FIELD = join(import.meta.dirname, '../../../../shared/field/next/N16-prompty');
const isThere = existsSync(FIELD);
if (!isThere) console.warn('Skipped: templates from the field are not in this checkout.');

test.skipIf(!isThere)('templates from the field: each fault has its place, and the outline stays', async () => {
  const look = async (name: string) => {
    const text = readFileSync(join(FIELD, name), 'utf8');
    const made = open(text, { name });
    if (text.includes('sample')) {
      copyFileSync(join(FIELD, 'sample.json'), join(folder, 'sample.json'));
      await made.settle();
    }
    const problems = made.checks.problemsOf(made.real).map(({ code, range }) => {
      const { line } = made.document.positionAt(range.start);
      return `${line + 1} ${code}`;
    });
    return { problems, roles: made.outline.provideDocumentSymbols(made.real).map(({ name: role }) => role) };
  };
  expect(await look('crlf.prompty')).toMatchObject({
    problems: ['9 sample'],
    roles: ['Front matter', 'system', 'user'],
  });
  expect(await look('file-ref.prompty')).toEqual({
    problems: ['11 unknown-variable'],
    roles: ['Front matter', 'system', 'user'],
  });
  expect(await look('no-space.prompty')).toEqual({
    problems: ['2 colon-blank', '3 colon-blank'],
    roles: ['Front matter', 'user'],
  });
  expect(await look('unclosed.prompty')).toEqual({
    problems: ['1 unclosed-front-matter'],
    roles: ['Front matter', 'user'],
  });
});
