import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenModel, openModel } from '../model-files/open-model.ts';
import { type Completer, shareCompleter } from './completer.ts';

const starter = fileURLToPath(new URL('../../../starters/decoder', import.meta.url));

describe('a completer', () => {
  let open: OpenModel;
  let completer: Completer;
  beforeAll(async () => {
    open = await openModel(starter, 'auto');
    completer = await shareCompleter(
      starter,
      async () => open,
      () => {},
    );
  });
  afterAll(() => open?.dispose());

  const request = { model: starter, language: 'plaintext', after: '' };

  it('suggests the rest of a sentence, and remembers what it has read', async () => {
    const text = 'The parcel came late, and the server is a';
    const first = await completer.complete({ ...request, before: text });
    expect(first.items).toHaveLength(1);
    expect(first.items[0]!.text.trim()).not.toBe('');
    expect(first.items[0]!.score).toBeLessThan(0);
    const again = await completer.complete({ ...request, before: text });
    expect(again).toMatchObject({ items: [{ text: first.items[0]!.text }], reused: first.prompt - 1 });
    const typed = await completer.complete({ ...request, before: `${text} server` });
    expect(typed.reused).toBeGreaterThanOrEqual(first.prompt - 1);
  });

  it('refuses what makes no sense, and ends when it is cancelled', async () => {
    await expect(completer.complete({ ...request, before: 'a', maxTokens: 0 })).rejects.toMatchObject({
      code: 'usage',
    });
    await expect(completer.complete({ ...request, before: 'The' }, AbortSignal.abort())).rejects.toMatchObject({
      code: 'cancelled',
    });
    const abort = new AbortController();
    const asked = completer.complete(
      { ...request, before: 'The server is', maxTokens: 900, extent: 'block' },
      abort.signal,
    );
    setTimeout(() => abort.abort(), 20);
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
  });
});
