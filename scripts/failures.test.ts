import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failedTests, failuresIn } from './failures.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'luthier-failures-')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The tool itself on a file with faults, as `npm test` runs it. */
function said(name: string, text: string, tool: string, args: string[]): string {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
  const options = { cwd: folder, encoding: 'utf8' } as const;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [path.join(root, 'node_modules', tool), ...args],
    options,
  );
  expect(status).not.toBe(0);
  return stdout + stderr;
}

test('lint and format: file, line, rule and what it says', () => {
  // The first line earns an advice only, which fails nothing.
  const text = "import { sep } from 'fs';\nexport const a   =  sep\ndebugger;\n";
  expect(failuresIn(said('lint/bad.ts', text, '@biomejs/biome/bin/biome', ['check', 'lint']))).toEqual([
    'lint/bad.ts:3:1 lint/suspicious/noDebugger: This is an unexpected use of the debugger statement.',
    'lint/bad.ts format: Formatter would have printed the following content:',
  ]);
});

test('types: file, line and error', () => {
  const text = "export const a: number = 'x';\n";
  expect(failuresIn(said('types.ts', text, 'typescript/bin/tsc', ['--noEmit', '--ignoreConfig', 'types.ts']))).toEqual([
    "types.ts(1,14): error TS2322: Type 'string' is not assignable to type 'number'.",
  ]);
});

test('a build: file, line and error', () => {
  const words = said('build.ts', 'let = ;\n', 'esbuild/bin/esbuild', ['build.ts']);
  expect(failuresIn(words)).toEqual(['build.ts:1:6: Unexpected ";"']);
});

test('tests: those that failed with the first line of their error, files that do not load, errors outside of tests', () => {
  const text = `
    test('passes', () => {});
    describe('group', () => {
      test('fails', () => { throw new Error('first line\\nsecond line'); });
    });`;
  const vitest = (name: string, source: string) =>
    said(name, source, 'vitest/vitest.mjs', [
      ...['run', '--globals', `--root=${folder}`, '--reporter=default', '--reporter=json'],
      ...[`--outputFile.json=${path.join(folder, 'report.json')}`, name],
    ]);
  const report = () => JSON.parse(readFileSync(path.join(folder, 'report.json'), 'utf8'));
  vitest('one.test.ts', text);
  expect(failedTests(report(), folder)).toEqual(['one.test.ts > group fails: Error: first line']);

  vitest('two.test.ts', "import './nowhere.ts';");
  expect(failedTests(report(), folder)).toEqual([expect.stringMatching(/^two\.test\.ts: .*nowhere\.ts/)]);

  vitest('four.test.ts', "afterAll(() => { throw new Error('left open'); }); test('passes', () => {});");
  expect(failedTests(report(), folder)).toEqual(['four.test.ts: left open']);

  const outside = vitest('three.test.ts', "test('passes', () => { void Promise.reject(new Error('nobody waits')); });");
  expect(failedTests(report(), folder)).toEqual([]);
  expect(failuresIn(outside)).toContain('outside of tests: Error: nobody waits');
});

test('broken input: reader and case; of what no tool says, the last line', () => {
  const fuzz = '✗ recipe, case 7: hangs\n  again: node test/fuzz/run.mjs --case 7\n8 passed, 1 failed\n';
  expect(failuresIn(fuzz)).toEqual(['recipe, case 7: hangs']);
  expect(failuresIn('starting\n\u001b[31mkilled\u001b[39m\n\n')).toEqual(['killed']);
  expect(failuresIn('')).toEqual([]);
});
