import { describe, expect, it } from 'vitest';
import type { ToolCall } from '../../protocol/index.ts';
import { type CallFormat, callFormatOf, PROBE, readCalls } from './tool-calls.ts';

const called = (given: string) => `{"name": "luthier_probe", "${given}": {"luthier_key": "luthier_value"}}`;
const HERMES: CallFormat = {
  ...{ open: '<tool_call>', close: '</tool_call>', isList: false, name: 'name', arguments: 'arguments' },
};
const LLAMA: CallFormat = { ...HERMES, open: '', close: '', arguments: 'parameters' };

const weather = (city: string, id: string): ToolCall => ({
  ...{ id, type: 'function' },
  function: { name: 'get_weather', arguments: { city } },
});

describe('how calls are written', () => {
  it('is told by a template’s own text: Qwen’s and Hermes’, Llama’s, Mistral’s', () => {
    expect(callFormatOf(`<tool_call>\n${called('arguments')}\n</tool_call>`)).toEqual(HERMES);
    expect(callFormatOf(called('parameters'))).toEqual(LLAMA);
    const mistral = `[TOOL_CALLS] [${called('arguments').slice(0, -1)}, "id": "${PROBE.id}"}]`;
    expect(callFormatOf(mistral)).toEqual({ ...HERMES, open: '[TOOL_CALLS]', close: '', isList: true });
  });

  it('is not known where a call is no JSON, or there is none', () => {
    for (const text of ['[luthier_probe(luthier_key="luthier_value")]', '', '{"name": "other"}', '{'.repeat(50)])
      expect(callFormatOf(text)).toBeNull();
  });
});

describe('calls in an answer', () => {
  it('are taken out, with what is said beside them', () => {
    const one = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Tromsø"}}\n</tool_call>';
    expect(readCalls(one, HERMES)).toEqual({ content: '', calls: [weather('Tromsø', 'call00001')] });
    const two = `Let me look.\n${one}\n${one.replace('Tromsø', 'a } in "Oslo\\"')}`;
    expect(readCalls(two.replace('a } in "', 'a } in '), HERMES)).toEqual({
      content: 'Let me look.',
      calls: [weather('Tromsø', 'call00001'), weather('a } in Oslo"', 'call00002')],
    });
    // The end may be a special token, which no text has.
    expect(readCalls(one.replace('</tool_call>', ''), HERMES).calls).toHaveLength(1);
    expect(readCalls('{"name": "now", "parameters": {}}', LLAMA).calls).toMatchObject([{ function: { name: 'now' } }]);
    const list = '[{"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "abcdefghi"}]';
    expect(readCalls(list, { ...HERMES, open: '', isList: true }).calls).toEqual([weather('Oslo', 'abcdefghi')]);
  });

  it('that are not whole stay a part of what is said, which is told', () => {
    for (const text of [
      '<tool_call>\n{"name": "get_weather", "argu',
      '<tool_call>\nget_weather\n</tool_call>',
      '<tool_call>{"name": 3, "arguments": {}}</tool_call>',
      '<tool_call>{"name": "x", "arguments": 5}</tool_call>',
      '<tool_call>',
    ])
      expect(readCalls(text, HERMES)).toEqual({ content: text, calls: [], problem: expect.stringContaining('call') });
    expect(readCalls('Plain words, {"a": 1}.', HERMES)).toEqual({ content: 'Plain words, {"a": 1}.', calls: [] });
    expect(readCalls('{"a": 1}', LLAMA)).toEqual({ content: '{"a": 1}', calls: [] });
    expect(readCalls('Plain words.', LLAMA)).toEqual({ content: 'Plain words.', calls: [] });
  });
});
