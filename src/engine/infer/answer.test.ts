import { describe, expect, it } from 'vitest';
import type { ChatMessage, TaskName } from '../../protocol/index.ts';
import { unrendered } from '../prompts/row-template.ts';
import { answer } from './answer.ts';
import type { Writer } from './writer.ts';

/** A writer that says nothing and keeps what it was asked, a text or a dialogue. */
function writerOf(task: TaskName, text: string) {
  const asked: (string | readonly ChatMessage[])[] = [];
  let dialogue: readonly ChatMessage[] = [];
  const template = {
    ...unrendered({ path: 'ask.prompty', text }),
    render: async ({ question }: Record<string, unknown>) => {
      const system = text.includes('system:') ? [{ role: 'system', content: 'Be brief.' }] : [];
      return { messages: [...system, { role: 'user', content: `Q: ${question}` }], text: `Q: ${question}` };
    },
  };
  const writer = {
    ...{ task, template, positions: 100 },
    chat: {
      prompt: (messages: readonly ChatMessage[]) => {
        dialogue = messages;
        return new Int32Array(1);
      },
      turnEnds: () => [],
    },
    write: async (prompt: string | Int32Array) => {
      asked.push(typeof prompt === 'string' ? prompt : dialogue);
      return { generated_text: 'A', token_ids: [1], finish_reason: 'end' };
    },
  } as unknown as Writer;
  return { writer, asked };
}

const INPUTS = 'inputs: { question: { type: string } }';
const COMPLETION = `---\n${INPUTS}\nmodel: { api: completion }\n---\nQ: {{ question }}`;
const CHAT = `---\n${INPUTS}\n---\nuser:\nQ: {{ question }}`;
const asTaught = { settings: {}, asTaught: true };
const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const system = { role: 'system', content: 'Be kind.' };

describe('a model that learned its rows through a template', () => {
  it('of texts is asked the last message, and not the first again', async () => {
    const { writer, asked } = writerOf('text-generation', COMPLETION);
    expect((await answer(writer, [user('one')], asTaught)).notes).toEqual([]);
    const { notes } = await answer(writer, [user('one'), assistant('A'), user('two')], asTaught);
    expect(asked).toEqual(['Q: one', 'Q: two']);
    expect(notes).toEqual([expect.stringMatching(/ask\.prompty: the last message is asked by itself/)]);
  });

  it('of dialogues reads what a completion makes as a message, as in training', async () => {
    const { writer, asked } = writerOf('conversational', COMPLETION);
    await answer(writer, 'one', asTaught);
    await answer(writer, [user('one'), assistant('A'), user('two')], asTaught);
    expect(asked).toEqual([[user('Q: one')], [user('Q: one'), assistant('A'), user('two')]]);
  });

  it('hears a system message, unless the template has one, which is said', async () => {
    const plain = writerOf('conversational', CHAT);
    expect((await answer(plain.writer, [system, user('one')], asTaught)).notes).toEqual([]);
    expect(plain.asked).toEqual([[system, user('Q: one')]]);
    const own = writerOf('conversational', CHAT.replace('user:', 'system:\nBe brief.\nuser:'));
    const { notes } = await answer(own.writer, [system, user('one')], asTaught);
    expect(own.asked).toEqual([[{ role: 'system', content: 'Be brief.' }, user('Q: one')]]);
    expect(notes).toEqual(['The system message is left out: ask.prompty has one of its own.']);
  });

  it('reads a text as it is where it is not asked as it was taught', async () => {
    const { writer, asked } = writerOf('conversational', CHAT);
    await answer(writer, 'one', { settings: {} });
    expect(asked).toEqual(['one']);
  });
});
