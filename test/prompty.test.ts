import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parsePrompt } from '../src/prompts/parse.ts';
import { lineAt } from '../src/prompts/places.ts';

const field = path.join(import.meta.dirname, '../../shared/field/next/N16-prompty');

test.skipIf(!existsSync(field))('files of the field (they are not part of the project)', () => {
  const read = (name: string) => readFileSync(path.join(field, name), 'utf8');
  expect(parsePrompt(read('crlf.prompty'))).toMatchObject({
    ...{ generation: 1, sampleFile: 'sample.json', inputs: [{ name: 'question' }] },
    problems: [{ code: 'sample', severity: 'warning' }],
    parts: [{ role: 'system' }, { role: 'user' }],
  });
  expect(parsePrompt(read('file-ref.prompty'))).toMatchObject({
    ...{ problems: [], sampleFile: 'sample.json', model: { name: '${env:LUTHIER_MODEL:starters/gpt2}' } },
  });
  const blank = read('no-space.prompty');
  expect(parsePrompt(blank).problems.map(({ code, range }) => [code, lineAt(blank, range.start)])).toEqual([
    ['colon-blank', 2],
    ['colon-blank', 3],
  ]);
  expect(parsePrompt(read('unclosed.prompty'))).toMatchObject({
    problems: [{ code: 'unclosed-front-matter', range: { start: 0 } }],
    parts: [{ role: 'user' }],
  });
});
