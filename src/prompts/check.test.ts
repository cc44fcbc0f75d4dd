import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALONE, checkPrompt, type PromptSurroundings } from './check.ts';
import { parsePrompt } from './parse.ts';
import type { PromptProblem } from './prompt-file.ts';

const check = (text: string, around: PromptSurroundings = ALONE) => checkPrompt(text, parsePrompt(text), around);
const template = (body: string, front = 'inputs:\n  - name: text\n    kind: string\n    example: x\n') =>
  `---\n${front}---\n${body}`;
const told = (text: string, around?: PromptSurroundings) =>
  check(text, around).problems.map(({ code, range }) => [code, text.slice(range.start, range.end)]);

/** A text with the nth way to mend a problem carried out. */
function mended(text: string, problem: PromptProblem | undefined, n = 0): string {
  const edits = [...problem!.fixes![n]!.edits].sort((a, b) => b.range.start - a.range.start);
  return edits.reduce((now, { range, text: by }) => now.slice(0, range.start) + by + now.slice(range.end), text);
}

describe('what is not closed', () => {
  test('expressions, statements, comments and raw texts end with their line, and the rest stays whole', () => {
    const text = template('user:\n{{ text\n{% if text\n{# note\n{{ text }} {% raw %}{{ x }}');
    expect(told(text)).toEqual([
      ['unclosed-tag', '{{ text'],
      ['unclosed-tag', '{% if text'],
      ['unclosed-tag', '{# note'],
      ['unclosed-tag', '{% raw %}'],
      ['unknown-variable', 'x'],
    ]);
    const [first] = check(text).problems;
    expect(first!.message).toBe('The expression that begins with {{ is not closed: }} is missing.');
    expect(mended(text, first)).toContain('{{ text }}\n{% if text\n');
  });

  test('an expression with braces and quotes of its own is whole', () => {
    expect(told(template(`user:\n{{ {"a": {"b": text}}["}}"] ~ '{%' }} {{ {'a': text}}}`))).toEqual([]);
  });

  test('a quote that its line does not end ends nothing else', () => {
    expect(told(template(`user:\n{{ text | replace("a, "") }}\n{{ text }}`))).toEqual([
      ['unclosed-tag', '{{ text | replace("a, "") }}'],
    ]);
  });

  test.each(['\n', '\r\n'])('a block gets its end on a line of its own (line ends %j)', (end) => {
    const text = template('user:\n{% for a in text %}\n{{ a }}\n{% if a %}\nyes\n{% endfor %}\nend\n').replaceAll(
      '\n',
      end,
    );
    const { problems } = check(text);
    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ['unclosed-block', '“if” is not closed: {% endif %} is missing.'],
    ]);
    const whole = mended(text, problems[0]);
    expect(whole).toContain(`yes${end}{% endif %}${end}{% endfor %}`);
    expect(check(whole).problems).toEqual([]);
  });

  test('a block that the end of the file leaves open, and an end without its block', () => {
    const open = template('user:\n{% if text %}a');
    expect(mended(open, check(open).problems[0])).toBe(`${open}{% endif %}`);
    const stray = template('user:\n{{ text }}{% endif %}{% else %}');
    expect(told(stray)).toEqual([
      ['stray-tag', '{% endif %}'],
      ['stray-tag', '{% else %}'],
    ]);
    expect(mended(stray, check(stray).problems[0])).toBe(stray.replace('{% endif %}', ''));
  });
});

describe('names', () => {
  test('what loops, set and macros make is known where it is there, and nowhere else', () => {
    const text = template(
      [
        'user:',
        '{% for a, b in text if a.x is defined %}{{ loop.index }} {{ a }} {{ b | upper }}{% set c = b %}{{ c }}{% endfor %}',
        '{{ a }} {{ c }}',
        '{% if text %}{% set d = 1 %}{% endif %}{{ d }}',
        '{% macro m(e, f=text) %}{{ e ~ f }}{% endmacro %}{{ m(1, f=2) }} {{ e }}',
        '{% set g %}block{% endset %}{{ g }} {{ text.missing["x"] }} {{ range(3) }} {{ true and none }}',
      ].join('\n'),
    );
    expect(told(text)).toEqual([
      ['unknown-variable', 'a'],
      ['unknown-variable', 'c'],
      ['unknown-variable', 'e'],
    ]);
  });

  test('filters and tests are no variables; names may be of any script', () => {
    const text =
      '---\ninputs:\n  - name: 文本\n    kind: string\n    example: 好\n---\nuser:\n😀 {{ 文本 | trim | truncate_tokens(200) }} {{ 文本 is not defined }} {{ 文 }}';
    expect(told(text)).toEqual([['unknown-variable', '文']]);
  });

  test('a name that is nearly one is changed, or added to the inputs', () => {
    const text = template('user:\n{{ texxt }} {{ text }}');
    const [problem] = check(text).problems;
    expect(problem!.message).toBe('“texxt” is not among the inputs. Did you mean “text”?');
    expect(problem!.fixes!.map(({ title }) => title)).toEqual(['Change to text', 'Add texxt to the inputs']);
    expect(mended(text, problem)).toContain('{{ text }} {{ text }}');
    const added = mended(text, problem, 1);
    expect(parsePrompt(added).inputs.map(({ name }) => name)).toEqual(['text', 'texxt']);
    expect(parsePrompt(added).problems).toEqual([]);
  });

  test('a column of the dataset is no near miss, but an input that is not declared', () => {
    const text = template('user:\n{{ texts }} {{ text }}');
    const [problem] = check(text, { sample: null, columns: ['texts'] }).problems;
    expect(problem!.message).toBe('“texts” is not among the inputs, though the dataset has such a column.');
    expect(problem!.fixes!.map(({ title }) => title)).toEqual(['Add texts to the inputs']);
  });

  test('what a sample has is given; a sample in a file that was not read may have anything', () => {
    const body = 'user:\n{{ question }} {{ missing }}';
    expect(told(template(body, 'sample:\n  question: a\n'))).toEqual([['unknown-variable', 'missing']]);
    const file = template(body, `sample: \${file:sample.json}\n`);
    expect(told(file)).toEqual([]);
    expect(told(file, { sample: ['question'], columns: null })).toEqual([['unknown-variable', 'missing']]);
  });

  test('examples are there where they are drawn', () => {
    const body = 'user:\n{% for one in examples %}{{ one.text }}{% endfor %}';
    expect(told(template(body, 'name: x\n'))).toEqual([['unknown-variable', 'examples']]);
    expect(told(template(body, 'luthier:\n  dataset: a.csv\n  examples: 3\n'))).toEqual([]);
  });
});

describe('inputs', () => {
  const fronts: [string, string][] = [
    ['a list', 'name: x\ninputs:\n  - name: a\n    kind: string\n    example: one\nmodel:\n  apiType: chat\n'],
    ['a map of generation 1', 'name: x\ninputs:\n  a:\n    type: string\nsample:\n  a: one\nmodel:\n  api: chat\n'],
    ['a list that is not indented', 'inputs:\n- name: a\n  kind: string\n  example: one\nname: x\n'],
    ['values alone', 'inputs:\n  a: one\nname: x\n'],
    [
      'a text of several lines',
      'inputs:\n  - name: a\n    kind: string\n    example: |\n      one\n\n      two\nname: x\n',
    ],
    ['none yet', 'name: x\n'],
    ['an empty list', 'name: x\ninputs: []\nmodel:\n  apiType: chat\n'],
  ];

  test.each(fronts)('are added to %s', (_, front) => {
    for (const end of ['\n', '\r\n']) {
      const text = template(
        `user:\n${front.includes('a:') || front.includes('name: a') ? '{{ a }} ' : ''}{{ b }}`,
        front,
      ).replaceAll('\n', end);
      const problem = check(text).problems.find(({ code }) => code === 'unknown-variable');
      const added = mended(text, problem, problem!.fixes!.length - 1);
      expect(parsePrompt(added).problems, added).toEqual([]);
      expect(parsePrompt(added).inputs.at(-1)?.name, added).toBe('b');
      // Now it lacks a sample, which is added too.
      const [missing] = check(added).problems;
      expect([missing?.code, added.slice(missing!.range.start, missing!.range.end)]).toEqual(['missing-sample', 'b']);
      const sampled = mended(added, missing);
      expect(check(sampled).problems, sampled).toEqual([]);
      expect(parsePrompt(sampled).problems, sampled).toEqual([]);
      expect(parsePrompt(sampled).inputs.at(-1)?.sample).toBe('An example');
      expect(/(?<!\r)\n/.test(sampled)).toBe(end === '\n');
    }
  });

  test('a file without front matter gets it', () => {
    const text = 'user:\n{{ b }}';
    const added = mended(text, check(text).problems[0]);
    expect(added).toBe('---\ninputs:\n  - name: b\n    kind: string\n---\nuser:\n{{ b }}');
  });

  test('that are used nowhere are removed, the last with the key', () => {
    const two = template(
      'user:\n{{ b }}',
      'inputs:\n  - name: a\n    kind: string\n    example: x\n  - name: b\n    kind: string\n    example: y\n',
    );
    expect(told(two)).toEqual([['unused-input', 'a']]);
    const one = mended(two, check(two).problems[0]);
    expect(one).toBe(template('user:\n{{ b }}', 'inputs:\n  - name: b\n    kind: string\n    example: y\n'));
    const map = template('user:\nhi', 'name: x\ninputs:\n  a:\n    type: string\n    default: 1\nsample:\n  b: 1\n');
    expect(mended(map, check(map).problems[0])).toBe(template('user:\nhi', 'name: x\nsample:\n  b: 1\n'));
  });

  test('that share a line with others are left alone', () => {
    const text = template('user:\n{{ c }}', 'inputs: {a: {kind: string}, b: {kind: string}}\n');
    const titles = check(text).problems.flatMap(({ fixes = [] }) => fixes.map(({ title }) => title));
    expect(titles).toEqual([]);
  });
});

test('whatever the text is, nothing is thrown and every place lies within it', () => {
  const pieces = fc.constantFrom(
    ...[
      '{{',
      '}}',
      '{%',
      '%}',
      '{#',
      '#}',
      ' for a in b ',
      ' endfor ',
      ' if x ',
      ' else ',
      ' endif ',
      ' raw ',
      ' endraw ',
    ],
    ...[
      ' set a = ',
      ' set a ',
      ' macro f(a, ',
      ')',
      '(',
      '"',
      "'",
      '|',
      '.',
      ' is ',
      ' not ',
      '\\',
      '\r\n',
      '\n',
      '=',
      '-',
    ],
    ...[
      '---\n',
      'inputs:\n',
      '  - name: a\n',
      '  a: 1\n',
      'sample:\n',
      'inputs: [',
      '名',
      '\u{1F600}',
      '\uD800',
      '__proto__',
      'user:\n',
    ],
  );
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 4, arbitrary: pieces }, fc.string()), { maxLength: 40 }), (parts) => {
      const text = parts.join('');
      const { problems, names, tags, blocks } = check(text, { sample: ['q'], columns: ['a', 'c'] });
      const fixes = problems.flatMap(({ fixes = [] }) => fixes.flatMap(({ edits }) => edits.map(({ range }) => range)));
      const ranges = [...problems, ...names, ...tags, ...blocks].map(({ range }) => range);
      for (const { start, end } of [...ranges, ...fixes]) {
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeGreaterThanOrEqual(start);
        expect(end).toBeLessThanOrEqual(text.length);
      }
      // Those that mend do not move the rest about: a text that is mended is read as well.
      for (const problem of problems.slice(0, 3)) if (problem.fixes?.length) check(mended(text, problem));
    }),
    { numRuns: 1_500 },
  );
});

test('a long text of nothing but beginnings does not hang: each place is looked at once', () => {
  for (const piece of ['{{', '{# ', '{% raw %}', '{% if a %}\n', '{{ a }}{% set a = b %}', '{{ "', '{\n']) {
    const { problems } = check(piece.repeat(Math.floor(100_000 / piece.length)));
    expect(problems.length, piece).toBeLessThan(500);
  }
});
