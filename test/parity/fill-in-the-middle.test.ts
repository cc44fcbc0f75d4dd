import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FillInTheMiddle } from '../../src/engine/tasks/text-generation/fill-in-the-middle.ts';
import { type Divided, middlePrompt } from '../../src/engine/text/fill-in-the-middle.ts';
import { Tokenizer } from '../../src/engine/text/tokenizer.ts';
import { figures } from './executors.ts';

/** What fim_figures.py wrote. */
const f = JSON.parse(readFileSync(figures('fim.json'), 'utf8')) as {
  fim_tokens: string[];
  byte_level: (Divided & { ids: number[] })[];
  small_tokenizer: object;
  with_blank: (Divided & { ids: number[] })[];
};
const STARTER = join(import.meta.dirname, '../../starters/decoder');

/** What a model is asked is what it learnt, up to the middle; behind that stands the token that ends it. */
function asked(tokenizer: Tokenizer, rows: typeof f.byte_level) {
  for (const { ids, prefix, middle, suffix, suffixFirst } of rows) {
    const prompt = middlePrompt(tokenizer, prefix, suffix, suffixFirst)!;
    expect([...prompt.ids], prefix).toEqual(ids.slice(0, prompt.ids.length));
    const rest = ids.slice(prompt.ids.length);
    expect(prompt.ends).toContain(rest.at(-1));
    expect(tokenizer.decode(rest).trim()).toBe(middle.trim());
  }
}

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'luthier-fim-'));
});
afterAll(() => rmSync(place, { recursive: true }));

test('texts are rearranged as Megatron-LM’s and StarCoder’s scripts do it', async () => {
  cpSync(STARTER, place, { recursive: true, filter: (path) => !path.endsWith('safetensors') });
  const file = join(place, 'tokenizer.json');
  const json = JSON.parse(readFileSync(file, 'utf8')) as { added_tokens: object[] };
  const plain = { special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
  json.added_tokens.push(...f.fim_tokens.map((content, i) => ({ id: 8192 + i, content, ...plain })));
  writeFileSync(file, JSON.stringify(json));
  const tokenizer = await Tokenizer.load(place);
  const middles = new FillInTheMiddle(tokenizer, { seed: 1, fim_rate: 1 });
  for (const { ids, ...divided } of f.byte_level) expect([...middles.ids(divided)], divided.prefix).toEqual(ids);
  asked(tokenizer, f.byte_level);
});

test('a tokenizer that puts a blank before each text puts none within one, as CodeLlama’s infilling', async () => {
  const folder = join(place, 'small');
  cpSync(STARTER, folder, { recursive: true, filter: (path) => !/safetensors|tokenizer\.json/.test(path) });
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(f.small_tokenizer));
  const config = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' };
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
  const tokenizer = await Tokenizer.load(folder);
  const middles = new FillInTheMiddle(tokenizer, { seed: 1, fim_rate: 1 });
  expect(middles.names.middle).toBe('▁<MID>');
  for (const { ids, ...divided } of f.with_blank) expect([...middles.ids(divided)], divided.prefix).toEqual(ids);
  asked(tokenizer, f.with_blank);
  expect(middlePrompt(tokenizer, 'a', 'b')!.ends).toContain(tokenizer.idOf('▁<EOT>'));
});
