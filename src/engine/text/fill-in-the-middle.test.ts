import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MiddleTokens, middlePrompt } from './fill-in-the-middle.ts';
import { Tokenizer } from './tokenizer.ts';

const STARTER = join(import.meta.dirname, '../../../starters/decoder');
/** The starter's vocabulary: what is added comes behind it. */
const VOCABULARY = 8192;
const BEFORE = 'def hello():\n    ';
const AFTER = "\n    print('Hello world!')\n";

/**
 * How the cards of models ask for a middle. Their tokenizers are stood in for by the starter's with their tokens, which
 * are special ones in some, and with their token in front of each text.
 * @param text the example's, as it is handed to the tokenizer
 */
interface Card {
  model: string;
  tokens: string[];
  isSpecial: boolean;
  bos: boolean;
  text: string;
  /** What the middle ends at, beside the token that ends a text. */
  ends: string[];
}
const CARDS: Card[] = [
  {
    model: 'Qwen2.5-Coder',
    tokens: ['<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>', '<|fim_pad|>', '<|repo_name|>', '<|file_sep|>'],
    ...{ isSpecial: false, bos: false },
    text: `<|fim_prefix|>${BEFORE}<|fim_suffix|>${AFTER}<|fim_middle|>`,
    ends: ['<|endoftext|>', '<|fim_prefix|>', '<|fim_suffix|>', '<|fim_pad|>', '<|repo_name|>', '<|file_sep|>'],
  },
  {
    model: 'StarCoder2',
    tokens: ['<fim_prefix>', '<fim_middle>', '<fim_suffix>', '<fim_pad>'],
    ...{ isSpecial: true, bos: false },
    text: `<fim_prefix>${BEFORE}<fim_suffix>${AFTER}<fim_middle>`,
    ends: ['<|endoftext|>', '<file_sep>', '<fim_pad>'],
  },
  {
    model: 'Granite',
    tokens: ['<fim_prefix>', '<fim_middle>', '<fim_suffix>', '<fim_pad>', '<filename>', '<gh_stars>', '<reponame>'],
    ...{ isSpecial: true, bos: false },
    text: `<fim_prefix>${BEFORE}<fim_suffix>${AFTER}<fim_middle>`,
    ends: ['<|endoftext|>', '<fim_pad>', '<filename>', '<reponame>'],
  },
  {
    // Suffix first; of StarCoder's tokens, and roles beside them.
    model: 'Mellum',
    tokens: [
      ...['<fim_prefix>', '<fim_middle>', '<fim_suffix>', '<fim_pad>', '<filename>', '<gh_stars>', '<reponame>'],
      ...['<system>', '</system>', '<assistant>', '</assistant>', '<user>', '</user>', '<think>', '</think>'],
    ],
    ...{ isSpecial: true, bos: false },
    text: `<fim_suffix>${AFTER}<fim_prefix>${BEFORE}<fim_middle>`,
    ends: ['<|endoftext|>', '<fim_suffix>', '<fim_pad>', '<filename>', '<reponame>'],
  },
  {
    model: 'Seed-Coder',
    tokens: ['<[fim-prefix]>', '<[fim-suffix]>', '<[fim-middle]>'],
    ...{ isSpecial: true, bos: true },
    text: `<[fim-suffix]>${AFTER}<[fim-prefix]>${BEFORE}<[fim-middle]>`,
    ends: ['<[fim-suffix]>'],
  },
  {
    model: 'SantaCoder',
    tokens: ['<fim-prefix>', '<fim-middle>', '<fim-suffix>', '<fim-pad>'],
    ...{ isSpecial: true, bos: false },
    text: `<fim-prefix>${BEFORE}<fim-suffix>${AFTER}<fim-middle>`,
    ends: ['<|endoftext|>', '<fim-pad>'],
  },
  {
    model: 'CodeGemma',
    tokens: ['<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>', '<|file_separator|>'],
    ...{ isSpecial: true, bos: true },
    text: `<|fim_prefix|>${BEFORE}<|fim_suffix|>${AFTER}<|fim_middle|>`,
    ends: ['<|file_separator|>', '<|fim_prefix|>'],
  },
  {
    model: 'DeepSeek-Coder',
    tokens: ['<｜fim▁hole｜>', '<｜fim▁begin｜>', '<｜fim▁end｜>'],
    ...{ isSpecial: false, bos: true },
    text: `<｜fim▁begin｜>${BEFORE}<｜fim▁hole｜>${AFTER}<｜fim▁end｜>`,
    ends: ['<｜fim▁begin｜>'],
  },
];

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-fim-cards-'));
});
afterAll(() => rm(place, { recursive: true }));

async function tokenizerOf({ model, tokens, isSpecial, bos }: Card): Promise<Tokenizer> {
  const folder = join(place, model);
  await cp(STARTER, folder, { recursive: true, filter: (path) => !path.endsWith('safetensors') });
  const file = join(folder, 'tokenizer.json');
  const json = JSON.parse(await readFile(file, 'utf8')) as { added_tokens: object[]; post_processor: object };
  const plain = { special: isSpecial, single_word: false, lstrip: false, rstrip: false, normalized: false };
  json.added_tokens.push(...tokens.map((content, i) => ({ id: VOCABULARY + i, content, ...plain })));
  const first = '<|im_start|>';
  const text = { Sequence: { id: 'A', type_id: 0 } };
  if (bos)
    json.post_processor = {
      ...{ type: 'TemplateProcessing', single: [{ SpecialToken: { id: first, type_id: 0 } }, text] },
      pair: [text, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { [first]: { id: first, ids: [1], tokens: [first] } },
    };
  await writeFile(file, JSON.stringify(json));
  return await Tokenizer.load(folder);
}

describe('a prompt for what belongs between two texts', () => {
  it.each(CARDS)('is what the card of $model says, in its tokens', async (card) => {
    const tokenizer = await tokenizerOf(card);
    const { ids, ends } = middlePrompt(tokenizer, BEFORE, AFTER)!;
    const asked = tokenizer.encode(card.text, Number.MAX_SAFE_INTEGER).ids;
    expect([...ids]).toEqual([...asked]);
    const added = [...ids].filter((id) => id >= VOCABULARY);
    expect(added).toHaveLength(3);
    expect([...ids].indexOf(added[0]!)).toBe(card.bos ? 1 : 0);
    expect(ids.at(-1)).toBe(added[2]);
    // As it is asked it learns more, too, in whichever order a draw would have it.
    const tokens = MiddleTokens.of(tokenizer)!;
    const parts = { prefix: BEFORE, middle: 'pass', suffix: AFTER };
    const learned = [...tokens.whole({ ...parts, suffixFirst: false })];
    const end = tokenizer.specialId('eos_token')!;
    expect(learned).toEqual([...ids, ...tokenizer.encodeBare('pass').ids, end]);
    const drawn = [...tokens.whole({ ...parts, suffixFirst: true })];
    if (tokens.names.isSuffixFirst) expect(drawn).toEqual(learned);
    else expect(drawn).not.toEqual(learned);
    expect(ends).toEqual(
      expect.arrayContaining([tokenizer.specialId('eos_token'), ...card.ends.map((name) => tokenizer.idOf(name))]),
    );
  });

  it('is none where the tokenizer lacks one of the tokens', async () => {
    expect(middlePrompt(await Tokenizer.load(STARTER), BEFORE, AFTER)).toBeNull();
    const [qwen] = CARDS;
    const lacking = { ...qwen!, model: 'lacking', tokens: qwen!.tokens.slice(0, 2) };
    expect(middlePrompt(await tokenizerOf(lacking), BEFORE, AFTER)).toBeNull();
  });
});
