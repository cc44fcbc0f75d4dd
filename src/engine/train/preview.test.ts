import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { learntLine } from '../tasks/language/preview.ts';
import { taskNamed } from '../tasks/registry.ts';
import { previewData } from './preview.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-preview-'));
});
afterAll(() => rm(place, { recursive: true }));

async function written(name: string, rows: readonly unknown[]): Promise<string> {
  const file = join(place, name);
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}
const talk = (...turns: string[]) => ({
  messages: turns.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })),
});

describe('what is learnt, told before a run', () => {
  it('of conversations are the answers with the token that ends them, by the starter’s template', async () => {
    const data = await written('chat.jsonl', [
      talk('Hi', 'Hello!'),
      talk('One', 'Two', 'Three', 'Four'),
      talk('A', 'B'),
    ]);
    const preview = await previewData({ data, columns: {}, base: place }, taskNamed('conversational'));
    expect(preview).toMatchObject({ model: 'starters/decoder', max_length: 512, read: 3, truncated: 0, notes: [] });
    const [first, second] = preview!.rows;
    expect(first).toMatchObject({ file: data, line: 1, windows: 1 });
    expect(first!.parts).toEqual([
      { text: '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n', kind: 'read' },
      { text: 'Hello!<|im_end|>', kind: 'learnt' },
      { text: '\n', kind: 'read' },
    ]);
    expect(second!.parts.filter(({ kind }) => kind === 'learnt').map(({ text }) => text)).toEqual([
      'Two<|im_end|>',
      'Four<|im_end|>',
    ]);
  });

  it('of a single token at a time is nothing, which is said', async () => {
    const data = await written('text.jsonl', [{ text: 'A text of several tokens.' }]);
    const asked = previewData({ data, columns: {}, base: place, max_length: 1 }, taskNamed('text-generation'));
    await expect(asked).rejects.toThrow('Texts are read 1 token at a time, which leaves none to learn.');
  });

  it('a long one is among them, with what is cut', async () => {
    const long = talk('The oldest question', 'The oldest answer', 'The last question', 'The last answer is long, too');
    const rows = [talk('A', 'B'), talk('C', 'D'), talk('E', 'F'), talk('G', 'H'), long];
    const data = await written('long.jsonl', rows);
    const options = { data, columns: {}, base: place };
    const preview = await previewData({ ...options, max_length: 24 }, taskNamed('conversational'));
    expect(preview!.rows.map(({ line }) => line)).toEqual([1, 2, 5]);
    expect(preview).toMatchObject({ read: 5, truncated: 1 });
    const { parts, tokens } = preview!.rows[2]!;
    expect(tokens).toBeLessThanOrEqual(24);
    expect(parts[0]).toEqual({ text: 'user: The oldest question\nassistant: The oldest answer\n', kind: 'cut' });
    expect(learntLine(preview!.rows[2]!)).toMatch(
      /^long\.jsonl, line 5: \d+ of \d+ tokens are learnt, between ⟦ and ⟧; what is cut, between ⟨ and ⟩: ⟨user: The oldest question assistant: The oldest answer ⟩/,
    );
    // Of one answer alone that does not fit, its end goes.
    const tail = await previewData({ ...options, max_length: 14 }, taskNamed('conversational'));
    const last = tail!.rows.at(-1)!.parts.at(-1)!;
    expect(last.kind).toBe('cut');
    expect(last.text.trimEnd()).toMatch(/long, too$/);
  });

  it('of texts is all, in windows; of completions what fits behind the end of the prompt', async () => {
    const text = 'word '.repeat(60).trim();
    const texts = await written('texts.jsonl', [{ text }]);
    const plain = await previewData(
      { data: texts, columns: {}, base: place, max_length: 25 },
      taskNamed('text-generation'),
    );
    expect(plain!.rows).toMatchObject([{ tokens: 25, learnt: 24, windows: 3 }]);
    const prompts = await written('prompts.jsonl', [{ prompt: `first ${text}`, completion: ' end' }]);
    const options = { data: prompts, columns: {}, base: place, max_length: 16 };
    const asked = await previewData(options, taskNamed('text-generation'));
    const { parts } = asked!.rows[0]!;
    expect(parts.map(({ kind }) => kind)).toEqual(['cut', 'read', 'learnt']);
    expect(parts[0]!.text).toMatch(/^first word/);
    expect(parts[2]!.text).toBe(' end<|im_end|>');
  });

  it('is null for a task that learns labels, and an error where nothing would be learnt', async () => {
    const data = await written('chat.jsonl', [talk('Hi', 'Hello!')]);
    const options = { data, columns: {}, base: place };
    expect(await previewData(options, taskNamed('text-classification'))).toBeNull();
    await expect(previewData({ ...options, max_length: 3 }, taskNamed('conversational'))).rejects.toThrow('max_length');
    await expect(previewData({ ...options, model: 'nowhere' }, taskNamed('conversational'))).rejects.toThrow('nowhere');
  });
});
