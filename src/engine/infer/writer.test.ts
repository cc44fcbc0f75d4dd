import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../model-files/open-model.ts';
import { requireTask } from '../tasks/registry.ts';
import { ChatTemplate } from '../text/chat-template.ts';
import { fitDialogue } from './dialogue.ts';
import { stopTokens } from './ends.ts';
import { predictorOf } from './predictor.ts';
import { openWriter, shareWriter, type Writer } from './writer.ts';

const starter = fileURLToPath(new URL('../../../starters/decoder', import.meta.url));

describe('openWriter', () => {
  let folder: string;
  let writer: Writer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'luthier-writer-'));
    await cp(starter, folder, { recursive: true });
    const said = { eos_token_id: [2, 30], do_sample: true, temperature: 0.6, top_p: 0.92, max_length: 20 };
    await writeFile(join(folder, 'generation_config.json'), JSON.stringify(said));
    writer = await openWriter(folder);
  });
  afterAll(async () => {
    writer?.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  it('writes what transformers writes, streams it, and ends at any of the end tokens', async () => {
    const parts: string[] = [];
    const answer = await writer.write('The server', {
      settings: { max_new_tokens: 50 },
      onText: (part) => void parts.push(part),
    });
    // Of transformers 5.24's generate in float32, the token 30 (a full stop) being an end.
    expect(answer.token_ids).toEqual([314, 253, 6064, 338, 314, 253, 6064, 29, 1908, 6064, 30]);
    expect(answer).toMatchObject({
      text: 'The server',
      generated_text: ' is a server that is a server-side server.',
      finish_reason: 'end',
    });
    expect(parts.join('')).toBe(answer.generated_text);
  });

  it('writes in 8 bits, too', async () => {
    const narrow = await openWriter(folder, { load_in_8bit: true });
    const { token_ids } = await narrow.write('The server', { settings: { max_new_tokens: 3 } });
    expect(token_ids).toEqual([314, 253, 6064]);
    // The same layers say how likely a text is: near the float's, and not them.
    const words = [' is a', ' was the', ' runs'];
    const [float, eight] = [
      await writer.logProbabilities('The server', words),
      await narrow.logProbabilities('The server', words),
    ];
    for (const [i, log] of eight.entries()) {
      expect(log).not.toBe(float[i]);
      expect(Math.abs(log - float[i]!)).toBeLessThan(0.5);
    }
    narrow.dispose();
  });

  it('ends at a stop text that is a special token, which no text holds', () => {
    expect(stopTokens(['<|im_end|>', 'server', ' is', ''], writer.tokenizer)).toEqual([2]);
    expect(stopTokens(undefined, writer.tokenizer)).toEqual([]);
  });

  it('tells what generation_config.json suggests, and does not do it', () => {
    expect(writer.suggestion).toEqual({ do_sample: true, temperature: 0.6, top_p: 0.92 });
  });

  it('leaves the oldest turns of a dialogue out where the positions end, and keeps the system text', () => {
    const turn = (role: string, content: string) => ({ role, content });
    const messages = [
      turn('system', 'Be brief.'),
      ...Array.from({ length: 6 }, (_, i) => [turn('user', `Question ${i}?`), turn('assistant', 'It is.')]).flat(),
      turn('user', 'And now?'),
    ];
    const chat = new ChatTemplate(writer.tokenizer);
    const whole = chat.prompt(messages).length;
    expect(fitDialogue(chat, messages, whole + 10, 10).leftOut).toBe(0);
    const { ids, leftOut } = fitDialogue(chat, messages, whole, 10);
    expect(leftOut).toBe(2);
    expect([...ids]).toEqual([...chat.prompt([messages[0]!, ...messages.slice(3)])]);
    expect(() => fitDialogue(chat, [turn('user', 'word '.repeat(90))], 64, 10)).toThrow(
      /The message has \d+ tokens, but the model has 64 positions/,
    );
  });

  it('shares a model that was loaded for other questions, and evaluates and writes with it as with one of its own', async () => {
    const open = await openModel(folder, 'auto');
    try {
      let loaded = 0;
      const opened = async () => {
        loaded++;
        return open;
      };
      const shared = await shareWriter(folder, opened, () => {});
      const settings = { max_new_tokens: 5 };
      expect((await shared.write('The server', { settings })).token_ids).toEqual([314, 253, 6064, 338, 314]);
      const { measure, task, tokenizer } = predictorOf(open);
      const messages = [
        { role: 'user', content: 'Is it up?' },
        { role: 'assistant', content: 'It is.' },
      ];
      const { items } = requireTask(task, folder).encode([{ messages, file: '', line: 1 }] as never, tokenizer, 64);
      const { losses } = (await measure(items)) as { losses?: unknown };
      expect(losses).toBeDefined();
      expect((await shared.write('The server', { settings })).token_ids).toEqual([314, 253, 6064, 338, 314]);
      expect(loaded).toBe(1);
    } finally {
      open.dispose();
    }
  });

  it('shares one whose folder does not say what it is, and loads none that does not write', async () => {
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    const silent = join(folder, 'silent');
    await cp(starter, silent, { recursive: true });
    const named = (architectures?: string[]) =>
      writeFile(join(silent, 'config.json'), JSON.stringify({ ...config, architectures }));
    await named();
    const open = await openModel(silent, 'auto');
    const shared = await shareWriter(
      silent,
      async () => open,
      () => {},
    );
    const settings = { max_new_tokens: 5 };
    expect((await shared.write('The server', { settings })).token_ids).toEqual([314, 253, 6064, 338, 314]);
    shared.dispose();
    await named(['LlamaForSequenceClassification']);
    const unasked = () => Promise.reject(new Error('loaded'));
    await expect(shareWriter(silent, unasked, () => {})).rejects.toThrow(
      'is a LlamaForSequenceClassification, which does not write texts',
    );
    await rm(join(silent, 'config.json'));
    await expect(shareWriter(silent, unasked, () => {})).rejects.toThrow('loaded');
  });

  it('refuses a model that does not write, naming its class', async () => {
    const config = JSON.parse(await readFile(join(starter, 'config.json'), 'utf8'));
    const other = join(folder, 'classifier');
    await cp(starter, other, { recursive: true });
    await writeFile(
      join(other, 'config.json'),
      JSON.stringify({ ...config, architectures: ['LlamaForSequenceClassification'] }),
    );
    await expect(openWriter(other)).rejects.toThrow('is a LlamaForSequenceClassification, which does not write texts');
  });
});
