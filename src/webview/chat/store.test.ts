import { describe, expect, it } from 'vitest';
import type { ChatPageMessage } from '../../protocol/chat-page.ts';
import { ChatStore } from './store.ts';

const snapshot = { type: 'snapshot', run: 'r', name: 'tuned', base: 'base', dialogue: true } as const;
const answer = (id: number, text: string, writer: 'tuned' | 'base' = 'tuned'): ChatPageMessage => ({
  ...{ type: 'answer', id, writer, text, tokens: 3, rate: 9, reason: 'end', notes: [] },
});

function started(more: object = {}): ChatStore {
  const store = new ChatStore();
  store.apply({ ...snapshot, ...more });
  return store;
}
function say(store: ChatStore, text: string) {
  store.draft = text;
  return store.send();
}

describe('ChatStore', () => {
  it('sends the dialogue with its system text, and takes the answer as it is written', () => {
    const store = started();
    store.system = ' Be brief. ';
    expect(say(store, ' Hi ')).toMatchObject({
      ...{ type: 'generate', id: 1, compare: false, settings: { max_new_tokens: 128 } },
      prompt: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
    });
    expect([store.draft, store.isWriting, say(store, 'too early')]).toEqual(['', true, null]);
    store.apply({ type: 'part', id: 1, writer: 'tuned', text: 'Hel' });
    store.apply({ type: 'part', id: 1, writer: 'tuned', text: 'lo' });
    expect(store.turns[0]!.answers.tuned).toMatchObject({ text: 'Hello', end: null });
    store.apply(answer(1, 'Hello.'));
    expect(store.isWriting).toBe(false);
    expect(say(store, 'And?')?.type === 'generate').toBe(true);
    expect(store.turns.map(({ said }) => said)).toEqual(['Hi', 'And?']);
  });

  it('keeps what the model read, where a template made it of what was said', () => {
    const store = started();
    say(store, 'Hi');
    store.apply({ ...answer(1, 'Hello.'), prompt: 'user: Hi' } as ChatPageMessage);
    const again = new ChatStore();
    again.restore(JSON.parse(JSON.stringify(store.kept())));
    expect(again.turns[0]!.answers.tuned).toMatchObject({ text: 'Hello.', prompt: 'user: Hi' });
  });

  it('hears no more of an answer that another one has replaced', () => {
    const store = started();
    say(store, 'one');
    store.apply({ type: 'cancelled', id: 1 });
    store.regenerate();
    store.apply({ type: 'failed', request: 'generate', id: 1, error: { code: 'usage', message: 'late' } });
    expect([store.failure, store.isWriting]).toEqual([null, true]);
    store.apply({ type: 'failed', request: 'generate', id: 2, error: { code: 'usage', message: 'now' } });
    expect([store.failure?.error.message, store.isWriting]).toEqual(['now', false]);
  });

  it('asks again, and from a turn that is edited on', () => {
    const store = started();
    say(store, 'one');
    store.apply(answer(1, 'first'));
    const second = say(store, 'two') as { prompt: unknown };
    expect(second.prompt).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'first' },
      { role: 'user', content: 'two' },
    ]);
    store.apply(answer(2, 'second'));
    expect(store.regenerate()).toMatchObject({ id: 3, prompt: second.prompt });
    // What the answer before still sends is not this one's.
    store.apply({ type: 'part', id: 2, writer: 'tuned', text: 'late' });
    expect(store.turns[1]!.answers).toEqual({});
    store.apply(answer(3, 'third'));
    store.edit(0);
    expect([store.draft, store.turns]).toEqual(['one', []]);
  });

  it('keeps what is written when it is stopped, waits for both answers when they are compared', () => {
    const store = started();
    store.compare = true;
    expect(say(store, 'x')).toMatchObject({ compare: true });
    store.apply(answer(1, 'a'));
    expect(store.isWriting).toBe(true);
    store.apply({ type: 'part', id: 1, writer: 'base', text: 'half' });
    store.apply({ type: 'cancelled', id: 1 });
    expect(store.isWriting).toBe(false);
    expect(store.turns[0]!.answers.base).toMatchObject({ text: 'half', end: { reason: 'cancelled' } });
  });

  it('draws where a setting says so, with a seed of its own each time or the given one, and refuses what cannot be', () => {
    const store = started();
    store.settings.temperature = '0.7';
    const first = say(store, 'x') as { settings: { seed: number } };
    expect(first.settings).toMatchObject({ do_sample: true, temperature: 0.7 });
    expect(first.settings.seed).toBeGreaterThanOrEqual(0);
    store.apply(answer(1, 'a'));
    store.settings.seed = '5';
    expect(store.regenerate()).toMatchObject({ settings: { seed: 5 } });
    store.apply(answer(2, 'a'));
    store.settings.top_p = '7';
    expect([store.problem, store.regenerate()]).toEqual(['top_p must be above 0 and at most 1', null]);
  });

  it('continues a text as it is, spaces too, and keeps it to be changed', () => {
    const store = started({ dialogue: false });
    expect(say(store, ' The server ')).toMatchObject({ prompt: ' The server ' });
    expect(store.draft).toBe(' The server ');
  });

  it('comes back as it was; an answer that was being written has stopped', () => {
    const store = started();
    say(store, 'x');
    store.apply({ type: 'part', id: 1, writer: 'tuned', text: 'half' });
    const back = new ChatStore();
    back.restore(JSON.parse(JSON.stringify(store.kept())));
    back.apply(snapshot);
    expect(back.turns[0]!.answers.tuned).toMatchObject({ text: 'half', end: { reason: 'cancelled' } });
    expect(back.isWriting).toBe(false);
    const other = new ChatStore();
    other.restore({ turns: [{ said: 3 }, null], settings: { seed: 4 }, draft: 'kept' });
    expect([other.turns, other.settings.seed, other.draft]).toEqual([[], '', 'kept']);
  });

  it('shows calls, takes what the tools give back, and goes on from there', () => {
    const store = started();
    store.tools = '[{"type": "function"}]';
    expect(store.toolsProblem).toBe('Tool 1 has no name.');
    expect(say(store, 'Rain?')).toBeNull();
    store.apply({ type: 'tools', text: '[{"type": "function", "function": {"name": "weather"}}]\n' });
    expect(store.toolsProblem).toBeNull();
    expect(say(store, 'Rain?')).toMatchObject({ tools: [{ function: { name: 'weather' } }] });
    const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: { city: 'Oslo' } } } as const;
    store.apply({ ...answer(1, '<tool_call>…'), tool_calls: [call], content: 'A moment.' } as ChatPageMessage);
    expect(store.waiting).toEqual([call]);
    store.results = ['{"rain": true}'];
    const next = store.answerCalls() as { prompt: unknown };
    expect(next.prompt).toEqual([
      { role: 'user', content: 'Rain?' },
      { role: 'assistant', content: 'A moment.', tool_calls: [call] },
      { role: 'tool', content: '{"rain": true}', tool_call_id: 'c1' },
    ]);
    expect(store.waiting).toEqual([]);
    store.apply(answer(2, 'Yes.'));
    const again = started();
    again.restore(structuredClone(store.kept()));
    expect(again.turns).toEqual(store.turns);
    // Taken back, what was given is there to be changed.
    store.edit(1);
    expect([store.results, store.draft, store.waiting]).toEqual([['{"rain": true}'], '', [call]]);
    store.edit(0);
    expect([store.results, store.draft]).toEqual([[], 'Rain?']);
    // A text that is continued has no tools.
    expect(started({ dialogue: false }).toolList).toEqual([]);
  });
});
