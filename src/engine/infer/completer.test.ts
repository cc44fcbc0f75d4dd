import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompletionRequest } from '../../protocol/index.ts';
import { type OpenModel, openModel } from '../model-files/open-model.ts';
import { type Completer, shareCompleter } from './completer.ts';

/** Half a surrogate pair. */
const LONE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

const starter = fileURLToPath(new URL('../../../starters/decoder', import.meta.url));
/** In floats, unless 8 bits are what is tested: of those the likeliest tokens are known. */
const completerOf = (open: OpenModel, eightBit = false) => shareCompleter(open.path, async () => open, { eightBit });

describe('a completer', () => {
  let open: OpenModel;
  let completer: Completer;
  beforeAll(async () => {
    open = await openModel(starter, 'auto');
    completer = await completerOf(open);
  });
  afterAll(() => open?.dispose());

  const complete = (before: string, more: Partial<CompletionRequest> = {}, signal?: AbortSignal) =>
    completer.complete({ model: starter, language: 'plaintext', before, after: '', ...more }, signal);
  const textOf = async (before: string, more?: Partial<CompletionRequest>) =>
    (await complete(before, more)).items[0]?.text;

  it('suggests the rest of a sentence', async () => {
    const { items, stopped, reused } = await complete('The server is');
    // Of the likeliest tokens, as writer.test.ts has them of transformers; those that begin with “ is” being the same.
    expect(items[0]).toMatchObject({ text: ' a server that is a server-side server.', stopped: 'sentence' });
    expect(items[0]!.score).toBeLessThan(0);
    expect({ stopped, reused }).toEqual({ stopped: 'sentence', reused: 0 });
  });

  it('completes a half-typed word, and suggests the same wherever it is cut', async () => {
    expect(await textOf('The server is a server-side ser')).toMatch(/^ver\b/);
    const whole = await textOf('It is a simple way to');
    for (const typed of ['It is a simple way t', 'It is a simple way ', 'It is a simple w'])
      expect('It is a simple way to'.slice(typed.length) + whole).toContain(await textOf(typed));
  });

  it('goes on from what it remembers while somebody types', async () => {
    const context = 'One of the most important things is to have a good idea of what is needed.\n'.repeat(40);
    const first = await complete(`${context}The parcel`);
    expect(first.prompt).toBeGreaterThan(300);
    expect(first.prompt).toBeLessThanOrEqual(512);
    let before = `${context}The parcel`;
    for (const typed of ['s', ' ', 'h', 'a', 'd', ' been in the ', 'house']) {
      before += typed;
      const { prompt, reused, cached } = await complete(before, { maxTokens: 2 });
      if (!cached) expect(prompt - reused).toBeLessThan(10);
    }
    const deleted = await complete(before.slice(0, -12), { maxTokens: 2 });
    expect(deleted.cached || deleted.prompt - deleted.reused < 3).toBe(true);
  });

  it('answers what is typed along a suggestion without the model', async () => {
    const text = (await textOf('She went to the'))!;
    const typed = await complete(`She went to the${text.slice(0, 3)}`);
    expect(typed).toMatchObject({ items: [{ text: text.slice(3) }], cached: true, prompt: 0 });
    const again = await complete('She went to the');
    expect(again).toMatchObject({ items: [{ text }], cached: true });
    expect((await complete('She went to the', { candidates: 2 })).cached).toBeUndefined();
  });

  it('suggests several texts, the best first, each once', async () => {
    const { items } = await complete('The weather in the', { candidates: 4 });
    expect(items.length).toBeGreaterThan(1);
    expect(new Set(items.map(({ text }) => text)).size).toBe(items.length);
    const scores = items.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    const best = await complete('The weather in the');
    expect(items.map(({ text }) => text)).toContain(best.items[0]!.text);
  });

  it('keeps to its number of tokens and to its time', async () => {
    const cut = await complete('We have been', { maxTokens: 3, language: 'typescript' });
    expect(cut.items[0]).toMatchObject({ tokens: 3, stopped: 'length' });
    const { stopped, items } = await complete('They have been', { budgetMs: 1, language: 'typescript' });
    expect(stopped).toBe('budget');
    expect(items.every(({ tokens }) => tokens === 1)).toBe(true);
    // A long prompt is read in parts, and what was read is not lost.
    const long = 'Nobody could say where the parcels had been all the while.\n'.repeat(30);
    const late = await complete(long, { budgetMs: 1 });
    expect(late).toMatchObject({ items: [], stopped: 'budget' });
    expect((await complete(long)).reused).toBeGreaterThan(200);
    // It is no answer to whoever has more time.
    expect((await complete('They have been', { language: 'typescript' })).cached).toBeUndefined();
  });

  it('shows nothing that stands below', async () => {
    const [rest] = (await complete('The server is')).items;
    const { items } = await complete('The server is', { after: `\nThe server is${rest!.text}\n` });
    expect(items).toEqual([]);
  });

  it('takes CJK, right-to-left and long lines, and an empty file', async () => {
    for (const before of ['今天天气', 'שלום עו', '🦜🦜', `${'x'.repeat(99_000)} and`, '']) {
      const { items, prompt } = await complete(before, { maxTokens: 4 });
      expect(prompt).toBeLessThanOrEqual(512);
      for (const { text } of items) expect(text).not.toMatch(LONE);
    }
  });

  it('refuses what makes no sense, and ends when it is cancelled', async () => {
    await expect(complete('a', { maxTokens: 0 })).rejects.toMatchObject({ code: 'usage' });
    await expect(complete('Nobody', {}, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    const abort = new AbortController();
    const asked = complete('Nobody knows', { maxTokens: 900, extent: 'block' }, abort.signal);
    setTimeout(() => abort.abort(), 20);
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
    // What it was stopped at does no harm.
    expect(await textOf('The server is')).toBe(' a server that is a server-side server.');
  });

  it('writes in 8 bits if it may, and compiles what it needs before it is asked', async () => {
    expect(await completer.prepare()).toMatchObject({ eightBit: false, middle: false });
    const narrow = await completerOf(open, true);
    expect(await narrow.prepare()).toMatchObject({ eightBit: true, middle: false });
    const request = { model: starter, language: 'plaintext', before: 'The server is', after: '' };
    const answer = await narrow.complete(request);
    // Asked for again, it forgets nothing.
    await narrow.prepare();
    expect((await narrow.complete({ ...request, candidates: 2 })).reused).toBeGreaterThan(0);
    expect(answer).toMatchObject({ eightBit: true, items: [{ text: expect.stringMatching(/^ \w/) }] });
  });
});

describe('a model that fills in the middle', () => {
  it('sees what stands behind the cursor', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'luthier-completer-'));
    await cp(starter, folder, { recursive: true });
    const file = join(folder, 'tokenizer.json');
    const names = {
      '<issue_start>': '<fim_prefix>',
      '<issue_comment>': '<fim_suffix>',
      '<issue_closed>': '<fim_middle>',
    };
    const text = Object.entries(names).reduce((all, [a, b]) => all.replaceAll(a, b), await readFile(file, 'utf8'));
    await writeFile(file, text);
    const open = await openModel(folder, 'auto');
    const completer = await completerOf(open);
    const request = { model: folder, language: 'typescript', before: 'const a = ', maxTokens: 4 };
    const without = await completer.complete({ ...request, after: '\n\n' });
    const within = await completer.complete({ ...request, after: ';\nconst b = 2;\n' });
    expect([without.middle, within.middle]).toEqual([false, true]);
    // “const a =” and three tokens around it; behind it what stands there.
    const { ids } = open.tokenizer.encodeBare(';\nconst b = 2;\n');
    expect(within.prompt).toBe(open.tokenizer.encodeBare('const a =').ids.length + 3 + ids.length);
    const long = await completer.complete({ ...request, after: ' = 2;\n'.repeat(1_000) });
    expect(long.prompt).toBeLessThan(140);
    open.dispose();
    await rm(folder, { recursive: true, force: true });
  });
});
