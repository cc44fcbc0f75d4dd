// What failed, a line each, read of what the tools of `npm test` say.
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';

// How each tool begins what it has to say of one failure; what follows stands on lines of its own.
const TYPES = /^(\S.*\(\d+,\d+\)): (error .*)$/;
const LINT = /^(\S+) (\S+) .*━{3}$/;
const LINT_ERROR = /^\s*×\s*/;
const BUNDLE = /^✘ \[ERROR\] (.*)$/;
const OUTSIDE = /⎯ Un(?:handled|caught) (?!Errors)[\w ]+ ⎯/;
const CASE = /^✗ (.*: .*)$/;

/**
 * @param {string} output what tsc, biome, esbuild, vitest or test/fuzz has written, with or without colours
 * @returns {string[]} a line for each failure, with file and line where they are told; the last line of the output if
 *   none of them said what failed
 */
export function failuresIn(output) {
  const lines = stripVTControlCharacters(output).split(/\r?\n/);
  const said = (/** @type {number} */ from) => lines.slice(from + 1).find((line) => line.trim() !== '') ?? '';
  const found = lines.flatMap((line, i) => {
    const types = TYPES.exec(line);
    if (types) return [`${types[1]}: ${types[2]}`];
    const lint = LINT.exec(line);
    // Advice, which fails nothing, looks alike but for its sign.
    if (lint) return LINT_ERROR.test(said(i)) ? [`${lint[1]} ${lint[2]}: ${said(i).replace(LINT_ERROR, '')}`] : [];
    const bundle = BUNDLE.exec(line);
    if (bundle) return [`${said(i).trim().replace(/:$/, '')}: ${bundle[1]}`];
    if (OUTSIDE.test(line)) return [`outside of tests: ${said(i)}`];
    return CASE.exec(line)?.[1] ?? [];
  });
  const last = lines.findLast((line) => line.trim() !== '');
  return found.length > 0 || last === undefined ? found : [last.trim()];
}

/**
 * @param {any} report what vitest's JSON reporter has written
 * @param {string} root the folder that files are named from
 * @returns {string[]} a line for each test that failed, and for each file that failed without one
 */
export function failedTests(report, root) {
  return report.testResults.flatMap((/** @type {any} */ suite) => {
    const file = path.relative(root, suite.name).replaceAll('\\', '/');
    const failed = suite.assertionResults.filter((/** @type {any} */ { status }) => status === 'failed');
    if (suite.status === 'failed' && failed.length === 0) return [`${file}: ${firstLine(suite.message)}`];
    return failed.map(
      (/** @type {any} */ test) => `${file} > ${test.fullName}: ${firstLine(test.failureMessages[0] ?? '')}`,
    );
  });
}

/** @param {string} text an error's message or stack */
export const firstLine = (text) =>
  stripVTControlCharacters(text)
    .split('\n')
    .find((line) => line.trim() !== '')
    ?.trim() ?? 'no message';
