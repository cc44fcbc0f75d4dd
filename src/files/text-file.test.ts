import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTextFile, type TextKind } from './text-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-text-'));
});
afterAll(() => rm(folder, { recursive: true }));

const kind: TextKind = { code: 'prompt-invalid', noun: 'a template', most: 8, hint: 'Name another.' };
const at = (name: string) => join(folder, name);

test('a text is read with its byte order mark or without', async () => {
  await writeFile(at('marked'), '\uFEFFhi ä');
  expect(await readTextFile(at('marked'), kind)).toBe('hi ä');
  expect(await readTextFile(at('marked'), { ...kind, keepsMark: true })).toBe('\uFEFFhi ä');
});

test('what cannot be read is said with the reason', async () => {
  await writeFile(at('long'), '123456789');
  await writeFile(at('latin'), Buffer.from([0x68, 0xe4]));
  const reasons = {
    none: `${at('none')} does not exist.`,
    '': `${at('')} is a folder.`,
    long: `${at('long')} has 9 bytes; a template has at most 8.`,
    latin: `${at('latin')} is not UTF-8 text.`,
  };
  for (const [name, message] of Object.entries(reasons))
    await expect(readTextFile(at(name), kind)).rejects.toMatchObject({ code: 'prompt-invalid', message });
  await expect(readTextFile(at('none'), { ...kind, subject: 'The template' })).rejects.toMatchObject({
    ...{ message: 'The template does not exist.', hint: 'Name another.' },
  });
});
