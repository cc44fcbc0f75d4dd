import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import answers from '../../../test/parity/figures/tokenizers/answers.json' with { type: 'json' };
import gpt2 from '../../../test/parity/figures/tokenizers/gpt2-answers.json' with { type: 'json' };
import { Tokenizer } from './tokenizer.ts';

const figures = join(import.meta.dirname, '../../../test/parity/figures/tokenizers');
const shared = join(import.meta.dirname, '../../../../shared/tokenizers/gpt2');

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'luthier-merges-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** The vocab.json and merges.txt that a tokenizer.json of the figures would have been saved as before it. */
async function older(name: 'roberta' | 'gpt2', beside: Record<string, object> = {}): Promise<string> {
  const { model } = JSON.parse(await readFile(join(figures, `${name}.json`), 'utf8')) as {
    model: { vocab: object; merges: [string, string][] };
  };
  const folder = join(root, `${count++}`);
  await mkdir(folder);
  await writeFile(join(folder, 'vocab.json'), JSON.stringify(model.vocab));
  const merges = model.merges.map((pair) => pair.join(' ')).join('\n');
  await writeFile(join(folder, 'merges.txt'), `#version: 0.2\n${merges}\n`);
  for (const [file, json] of Object.entries(beside)) await writeFile(join(folder, file), JSON.stringify(json));
  return folder;
}

const expectedOf = (name: 'roberta' | 'gpt2') =>
  answers.texts.flatMap((text, i) =>
    /<(m|one|LONG)/i.test(text) ? [] : [[text, answers.answers[name].texts[i]![0]!] as const],
  );

describe('a folder with vocab.json and merges.txt', () => {
  it.each(['roberta', 'gpt2'] as const)('is read as %s, known by its special tokens', async (name) => {
    const tokenizer = await Tokenizer.load(await older(name));
    const around = name === 'roberta' ? 2 : 0;
    for (const [text, ids] of expectedOf(name)) {
      const ours = [...tokenizer.encode(text, 10_000).ids];
      expect(around === 2 ? ours.slice(1, -1) : ours).toEqual(ids);
    }
    expect(tokenizer.encode('a', 9, 'b').ids.length).toBe(around === 2 ? 6 : 2);
    expect(tokenizer.padId).toBe(name === 'roberta' ? 1 : 0);
  });

  it('is saved with a tokenizer.json that is read as the same', async () => {
    const tokenizer = await Tokenizer.load(await older('roberta', { 'config.json': { model_type: 'roberta' } }));
    const folder = join(root, 'saved');
    await tokenizer.save(folder, 64);
    await rm(join(folder, 'vocab.json'));
    const again = await Tokenizer.load(folder);
    expect(again.encode(' Hello  wörld', 64, 'x')).toEqual(tokenizer.encode(' Hello  wörld', 64, 'x'));
    expect(JSON.parse(await readFile(join(folder, 'tokenizer_config.json'), 'utf8'))).toMatchObject({
      tokenizer_class: 'RobertaTokenizer',
      mask_token: '<mask>',
      sep_token: '</s>',
    });
  });

  it('takes add_prefix_space from tokenizer_config.json, also over a tokenizer.json', async () => {
    const config = { tokenizer_class: 'RobertaTokenizer', add_prefix_space: true };
    const older1 = await Tokenizer.load(await older('roberta', { 'tokenizer_config.json': config }));
    expect(older1.encode('one', 9).ids).toEqual(older1.encode(' one', 9).ids);
    const folder = join(root, 'prefix');
    await mkdir(folder);
    await cp(join(figures, 'roberta.json'), join(folder, 'tokenizer.json'));
    expect((await Tokenizer.load(folder)).encode('one', 9).ids).not.toEqual(older1.encode('one', 9).ids);
    await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
    expect((await Tokenizer.load(folder)).encode('one', 9).ids).toEqual(older1.encode('one', 9).ids);
  });

  it('is refused without merges.txt, and where nothing tells whose it is', async () => {
    const folder = await older('gpt2');
    await writeFile(join(folder, 'vocab.json'), '{"a": 0}');
    await expect(Tokenizer.load(folder)).rejects.toThrow(/vocab\.json: is neither RoBERTa’s nor GPT-2’s/);
    await rm(join(folder, 'merges.txt'));
    await expect(Tokenizer.load(folder)).rejects.toThrow(/vocab\.json: needs a merges\.txt beside it/);
  });
});

describe('what is not known of a byte-level tokenizer.json', () => {
  const load = async (change: (json: Record<string, object>) => unknown) => {
    const json = JSON.parse(await readFile(join(figures, 'llama3.json'), 'utf8'));
    change(json);
    const folder = join(root, `${count++}`);
    await mkdir(folder);
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
    return Tokenizer.load(folder);
  };
  const split = { type: 'Split', pattern: { Regex: '(?~|a)(' }, behavior: 'Isolated', invert: false };

  it.each<[string, (json: Record<string, object>) => unknown, RegExp]>([
    ['a part', (j) => Object.assign(j, { postscript: {} }), /key "postscript" is not one that Luthier knows/],
    [
      'a setting',
      (j) => Object.assign(j.pre_tokenizer!, { shape: 1 }),
      /"pre_tokenizer\.shape" is not one .* Sequence/,
    ],
    ['a step', (j) => Object.assign(j.pre_tokenizer!, { type: 'UnicodeScripts' }), /the type "UnicodeScripts"/],
    ['a model', (j) => Object.assign(j.model!, { type: 'Neural' }), /key "model" has the type "Neural"/],
    ['dropout', (j) => Object.assign(j.model!, { dropout: 0.1 }), /"model\.dropout" is 0\.1: it would split/],
    ['a merge', (j) => Object.assign(j.model!, { merges: [['q', 'zz']] }), /"model\.merges\[0\]" needs the piece "zz"/],
    [
      'a regular expression',
      (j) => Object.assign(j.pre_tokenizer!, split),
      /"pre_tokenizer\.pattern" has a regular ex/,
    ],
    ['a decoder', (j) => Object.assign(j.decoder!, { type: 'CTC' }), /key "decoder" has the type "CTC"/],
  ])('%s is refused by name', async (_, change, message) => {
    await expect(load(change)).rejects.toThrow(message);
  });
});

describe.skipIf(!existsSync(shared))('GPT-2 itself (skipped: ../shared is not there)', () => {
  it('has the ids and offsets of transformers', async () => {
    const folder = join(root, 'gpt2');
    await mkdir(folder);
    await cp(join(shared, 'encoder.json'), join(folder, 'vocab.json'));
    await cp(join(shared, 'vocab.bpe'), join(folder, 'merges.txt'));
    const tokenizer = await Tokenizer.load(folder);
    for (const [i, text] of gpt2.texts.entries()) {
      const { ids } = tokenizer.encodePlaced(text, { maxLength: 10_000 })[0]!;
      expect([...ids]).toEqual(gpt2.ids[i]);
      expect([...tokenizer.encode(text, 10_000).ids]).toEqual(gpt2.ids[i]);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });
});
