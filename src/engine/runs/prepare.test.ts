import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RunRecord } from '../../protocol/index.ts';
import '../recipes/template.ts';
import { compareTemplate } from './prepare.ts';

it('a run that goes on says that its template’s file is another now, or gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'luthier prepare-'));
  const path = join(folder, 'ask.prompty');
  const text = 'user:\n{{ text }}';
  const said = async (template: RunRecord['template']) => {
    const notes: string[] = [];
    const record = { ...({} as RunRecord), ...(template && { template }) };
    await compareTemplate({ record, noteOnce: (level, message) => notes.push(`${level}: ${message}`) });
    return notes;
  };
  const goesOn = 'the run goes on with the template that it began with, which its folder has kept.';
  await writeFile(path, text);
  expect(await said({ path, text })).toEqual([]);
  expect(await said(undefined)).toEqual([]);
  await writeFile(path, `${text}!`);
  expect(await said({ path, text })).toEqual([`warning: ask.prompty has changed since the run was made: ${goesOn}`]);
  await rm(folder, { recursive: true });
  expect(await said({ path, text })).toEqual([`warning: ask.prompty can no longer be read: ${goesOn}`]);
});
