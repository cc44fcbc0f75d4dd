import { describe, expect, it } from 'vitest';
import { readMessages, TURN_PROBLEMS, type TurnProblem } from './turns.ts';

function read(list: unknown[]) {
  const told: [TurnProblem, string][] = [];
  const messages = readMessages(list, (code, detail = '') => told.push([code, detail]));
  return {
    messages: messages?.map(({ role, content, learns }) => [role, content, ...(learns === false ? ['context'] : [])]),
    told,
  };
}

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown, more = {}) => ({ role: 'assistant', content, ...more });

describe('readMessages', () => {
  it('reads OpenAI’s and ShareGPT’s messages alike', () => {
    const wanted = [
      ['system', 'Be brief.'],
      ['user', 'Hi'],
      ['assistant', 'Hello.'],
    ];
    const openai = read([{ role: 'System', content: 'Be brief.' }, user('Hi'), assistant('Hello.')]);
    const sharegpt = read([
      { from: 'system', value: 'Be brief.' },
      { from: 'human', value: 'Hi' },
      { from: 'gpt', value: 'Hello.' },
    ]);
    expect(openai).toEqual({ messages: wanted, told: [] });
    expect(sharegpt).toEqual({ messages: wanted, told: [] });
  });

  it('takes an opening answer as context, joins turns that follow each other, and keeps every system message', () => {
    expect(read([assistant('Welcome!'), user('Refund'), user('please'), assistant('Done.')])).toEqual({
      messages: [
        ['assistant', 'Welcome!', 'context'],
        ['user', 'Refund\n\nplease'],
        ['assistant', 'Done.'],
      ],
      told: [
        ['joined-turns', 'user'],
        ['opening-answer', ''],
      ],
    });
    const twice = read([
      { role: 'system', content: 'a' },
      user('b'),
      assistant('c'),
      { role: 'system', content: 'd' },
      user('e'),
      assistant('f'),
    ]);
    expect(twice.messages?.map(([role]) => role).join(' ')).toBe('system user assistant system user assistant');
    expect(twice.told).toEqual([]);
  });

  it('leaves out what has no answer to learn, and says why', () => {
    expect(read([user('Hi')])).toEqual({ messages: undefined, told: [['no-answer', '']] });
    expect(read([user('Hi'), assistant('')])).toEqual({ messages: undefined, told: [['no-content', 'assistant']] });
    expect(read([user('Hi'), assistant(null)])).toEqual({ messages: undefined, told: [['no-content', 'assistant']] });
    expect(read([user('Hi'), assistant('Yes', { weight: 0 })])).toEqual({
      messages: undefined,
      told: [['no-answer', '']],
    });
    expect(read([user('Hi'), { role: 'asistant', content: 'Yes' }])).toEqual({
      messages: undefined,
      told: [['unknown-role', 'asistant']],
    });
    expect(read([user('Hi'), assistant({ answer: 'Yes' })]).told).toEqual([['content-not-text', '']]);
    expect(read([user('Hi'), assistant(null, { tool_calls: [{ id: 'c1' }] })]).told).toEqual([['tool-calls', '']]);
    expect(read([user('Hi'), { role: 'tool', content: '12' }, assistant('12')]).told).toEqual([['tool-calls', '']]);
    expect(read(['Hi', 'Hello'])).toEqual({ messages: undefined, told: [['not-messages', 'a message']] });
  });

  it('reads calls of tools as OpenAI’s files have them, and leaves out what is written otherwise', () => {
    const call = (given: unknown, more: object = {}) =>
      assistant(null, {
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'now', arguments: given } }],
        ...more,
      });
    const tool = { role: 'tool', tool_call_id: 'c1', content: '12:30' };
    const told: string[] = [];
    const messages = readMessages(
      [user('Time?'), call('{"zone": "UTC"}'), tool, assistant('Half past twelve.')],
      (code) => told.push(code),
    );
    const calls = [{ id: 'c1', type: 'function', function: { name: 'now', arguments: { zone: 'UTC' } } }];
    expect(messages).toEqual([
      { role: 'user', content: 'Time?' },
      { role: 'assistant', content: '', tool_calls: calls },
      { role: 'tool', content: '12:30', tool_call_id: 'c1' },
      { role: 'assistant', content: 'Half past twelve.' },
    ]);
    expect(told).toEqual([]);
    // Two calls, and two answers of tools, stay apart.
    const twice = readMessages([user('a'), call({}), tool, tool, assistant('b'), call({})], () => {});
    expect(twice?.map(({ role }) => role).join(' ')).toBe('user assistant tool tool assistant assistant');
    for (const odd of [
      [user('a'), call('no JSON'), tool, assistant('b')],
      [user('a'), call('[1]'), assistant('b')],
      [{ role: 'user', content: 'a', tool_calls: [{ function: { name: 'f' } }] }, assistant('b')],
      [user('a'), { role: 'function_call', content: '{}' }, assistant('b')],
      [user('a'), assistant('b', { function_call: { name: 'f', arguments: '{}' } })],
    ])
      expect(read(odd)).toEqual({ messages: undefined, told: [['tool-calls', '']] });
  });

  it('does not learn an answer of weight 0, and leaves out what nobody answers', () => {
    const { messages, told } = read([user('a'), assistant('b', { weight: 0 }), user('c'), assistant('d'), user('e')]);
    expect(messages).toEqual([
      ['user', 'a'],
      ['assistant', 'b', 'context'],
      ['user', 'c'],
      ['assistant', 'd'],
    ]);
    expect(told).toEqual([['no-last-answer', '']]);
  });

  it('reads the text parts of a message alone, and an empty system message as none', () => {
    const parts = [
      { type: 'text', text: 'Hello' },
      { type: 'image_url', image_url: { url: 'x.png' } },
    ];
    expect(read([{ role: 'system', content: '' }, user(parts), assistant('Hi')])).toEqual({
      messages: [
        ['user', 'Hello'],
        ['assistant', 'Hi'],
      ],
      told: [['other-parts', 'image_url']],
    });
    expect(read([user([{ type: 'image_url' }]), assistant('Hi')]).messages).toBeUndefined();
  });

  it('names the role that may be meant', () => {
    expect(TURN_PROBLEMS['unknown-role'].describe('line 4', 1, 'asistant')).toBe(
      '1 conversation is left out (line 4): the role “asistant” is unknown; did you mean “assistant”?',
    );
  });
});
