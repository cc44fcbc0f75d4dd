// Commands that the project's own pages and messages name: programs, scripts, options and cases that are there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { CASES } from '../bench/cases.ts';
import { benchProgram } from '../bench/program.ts';
import { buildProgram } from '../src/engine/cli/program.ts';

const root = path.join(import.meta.dirname, '..');
const textOf = (file: string) => readFileSync(path.join(root, file), 'utf8');
/** Every file in and below a folder, by its path from the root. */
const below = (folder: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file}`.replaceAll(path.sep, '/'))
    .filter((file) => !file.includes('node_modules/'));

const folders = ['docs', 'bench', 'examples', 'media', 'scripts', 'starters'];
/** Without CHANGELOG.md: what was, is told there by the names that it had. */
const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...folders.flatMap(below)].filter((file) =>
  file.endsWith('.md'),
);
const sources = below('src').filter((file) => /(?<!\.test)\.ts$/.test(file));
/** What tests in a real VS Code are called stands in these. */
const endToEnd = below('test/e2e').filter((file) => /\.[mc]?[jt]s$/.test(file));

/** Code on a page: each line of a block, and each span in a line. */
function codeIn(page: string): string[] {
  const blocks = /^```.*\n([\s\S]*?)^```/gm;
  const text = textOf(page);
  const lines = [...text.matchAll(blocks)].flatMap(([, block]) => block!.split('\n'));
  const spans = [...text.replace(blocks, '').matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!.replaceAll('\\|', '|'));
  return [...lines, ...spans].map((code) => code.trim());
}

/** Words as a shell reads them, without a comment and what the output is written to. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (word.startsWith('#') || word === '>') break;
    words.push(word.replace(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single));
  }
  return words;
}

const everyCommand = (command: Command): Command[] => [command, ...command.commands.flatMap(everyCommand)];
const pathOf = (command: Command): string[] => (command.parent ? [...pathOf(command.parent), command.name()] : []);

/** A program that says nothing and does nothing. */
function luthier(): Command {
  const program = buildProgram(() => async () => undefined);
  for (const command of everyCommand(program)) command.configureOutput({ writeErr: () => {}, writeOut: () => {} });
  return program;
}
const commands = everyCommand(luthier()).map(pathOf);

/** The command that words begin with, the longest. */
const commandIn = (words: readonly string[]): string[] | undefined =>
  commands
    .filter((names) => names.length > 0 && names.every((name, i) => words[i] === name))
    .sort((a, b) => b.length - a.length)[0];

const optionsOf = (names: readonly string[]): string[] => {
  const of = (program: Command) =>
    everyCommand(program).find((command) => pathOf(command).join(' ') === names.join(' '))!.options;
  return [...of(luthier()), ...(names[0] === 'bench' ? benchProgram().options : [])].map(({ long }) => long!);
};
const flagsIn = (text: string): string[] => [...text.matchAll(/(?<![\w-])--[a-z][a-z0-9-]*/g)].map(([flag]) => flag);

/** Why a command line would be refused; undefined where it would not. */
function refusal(words: string[]): string | undefined {
  const names = commandIn(words);
  // Groups are named as such: luthier prompt.
  if (names?.length === words.length) return undefined;
  if (names?.[0] === 'bench') return refusalOfBench(words.slice(1));
  try {
    luthier().parse(words, { from: 'user' });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function refusalOfBench(words: string[]): string | undefined {
  // `…` stands for more of the same.
  const program = benchProgram()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    const last = words.at(-1) === '…' && !words.at(-2)!.startsWith('--') ? words.slice(0, -1) : words;
    program.parse(last, { from: 'user' });
  } catch (error) {
    return (error as Error).message;
  }
  const unknown = program.args.filter((name) => !/^(\[?[A-Z]+…?\]?)$/.test(name) && !(name in CASES));
  return unknown.length > 0 ? `no case ${unknown.join(', ')}` : undefined;
}

const LINE = /^(?:npx )?luthier (?=[a-z-])/;

test.each([
  ['trian a.json', /unknown command/],
  ['runs shw RUN', /unknown command/],
  ['train a.json --sets 3', /unknown option/],
  ['export RUN --format onxx', /Allowed choices/],
  ['export --format onnx', /missing required argument/],
  ['bench bert-bas', /no case bert-bas/],
  ['bench bert-base --pair 2', /unknown option/],
])('a page could not name luthier %s', (line, why) => {
  expect(refusal(wordsOf(line))).toMatch(why);
});

test.each(pages)('command lines of %s are taken', (page) => {
  for (const code of codeIn(page)) {
    if (!LINE.test(code)) continue;
    const words = wordsOf(code.replace(LINE, '').replace(/^(\w+) --help$/, '$1'));
    expect({ code, refusal: refusal(words) }).toEqual({ code, refusal: undefined });
  }
});

test('the pages have command lines', () => {
  const lines = pages.flatMap(codeIn).filter((code) => LINE.test(code));
  expect(lines.length).toBeGreaterThan(150);
});

test.each(pages.filter((page) => /^(README|docs\/)/.test(page)))('options that %s names are some command’s', (page) => {
  const known = new Set(['--help', ...commands.flatMap(optionsOf)]);
  // Behind a program's name they are that program's.
  for (const code of codeIn(page).filter((span) => span.startsWith('--')))
    expect({ code, unknown: flagsIn(code).filter((flag) => !known.has(flag)) }).toEqual({ code, unknown: [] });
});

test('options in docs/cli.md are those of the command beside them', () => {
  const rows = [...textOf('docs/cli.md').matchAll(/^\| `luthier ([^`]*)`.*$/gm)];
  expect(rows.length).toBeGreaterThan(25);
  for (const [row, line] of rows) {
    const names = commandIn(wordsOf(line!))!;
    const spans = [...row.matchAll(/`(--[^`]+)`/g)].flatMap(([, span]) => flagsIn(span!));
    expect({ names, unknown: spans.filter((flag) => !optionsOf(names).includes(flag)) }).toEqual({
      names,
      unknown: [],
    });
  }
});

/** A script's text, and that of the files beside it which it imports or builds: one of them reads its options. */
function scriptText(script: string): string {
  const text = textOf(script);
  const beside = [...text.matchAll(/(?:from|new URL\() ?'(\.?[^']+\.[cm]?[jt]s)'/g)].map(([, name]) =>
    path.join(path.dirname(script), name!),
  );
  return [text, ...beside.filter((file) => existsSync(path.join(root, file))).map(textOf)].join('\n');
}

test.each(pages)('scripts that %s names are there, with their options', (page) => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  for (const code of codeIn(page)) {
    const [program, ...words] = wordsOf(code.replace(/^[A-Z_0-9]+=\S+ /, ''));
    if (program === 'npm' && words[0] === 'run') {
      expect(scripts, code).toHaveProperty([words[1]!]);
      const [, own] = / node (scripts\S+)$/.exec(scripts[words[1]!]!) ?? [];
      for (const flag of flagsIn(words.join(' '))) expect(scriptText(own!), code).toContain(flag.slice(2));
    }
    if (program === 'npx' && words[0] === 'vitest') expect(existsSync(path.join(root, words[2]!)), code).toBe(true);
    if (!/^(node|python3?)$/.test(program ?? '') || !/\.([mc]?js|py)$/.test(words[0] ?? '')) continue;
    // What is built is named by its source.
    const script = words[0]!.replace(/^dist\/(bench\/.*)\.mjs$/, '$1.ts');
    expect(existsSync(path.join(root, script)), code).toBe(true);
    if (script !== words[0]) expect(textOf('esbuild.mjs'), code).toContain(`'${script}'`);
    for (const flag of flagsIn(words.join(' ')))
      expect(scriptText(script), code).toMatch(new RegExp(`\\b${flag.slice(2)}\\b`));
    const grep = words.indexOf('--grep');
    if (grep < 0) continue;
    const title = new RegExp(words[grep + 1]!);
    expect(
      endToEnd.some((file) => title.test(textOf(file))),
      code,
    ).toBe(true);
  }
});

test('commands that messages name are there', () => {
  const groups = new Set(commands.filter((names) => names.length > 1).map(([name]) => name!));
  let count = 0;
  for (const file of sources) {
    // Up to the string's end, or where something is put in.
    for (const [line, words] of textOf(file).matchAll(
      /(?<![\w./-])luthier ([a-z][a-z -]*[a-z](?![\w-])[^'`"”;.,:)<$]*)/g,
    )) {
      const named = wordsOf(words!);
      const found = commandIn(named);
      expect({ file, line, found }).toEqual({ file, line, found: expect.anything() });
      // Behind a group stands one of its commands, or what is put in.
      if (groups.has(found!.join(' '))) expect({ file, line, named }).toEqual({ file, line, named: found });
      const unknown = flagsIn(words!).filter((flag) => flag !== '--help' && !optionsOf(found!).includes(flag));
      expect({ file, line, unknown }).toEqual({ file, line, unknown: [] });
      count++;
    }
  }
  expect(count).toBeGreaterThan(60);
});
