import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { ChatTemplate } from './chat-template.ts';
import { withTimeLimit } from './time-limit.ts';
import { Tokenizer } from './tokenizer.ts';

vi.mock('./time-limit.ts', async (original) => {
  const { withTimeLimit, ...rest } = await original<typeof import('./time-limit.ts')>();
  return { ...rest, withTimeLimit: vi.fn(withTimeLimit) };
});

test('each rendering has the time of one, however many answers a dialogue has', async () => {
  const template = new ChatTemplate(await Tokenizer.load(join(import.meta.dirname, '../../../starters/decoder')));
  const limited = vi.mocked(withTimeLimit);
  const limits = (answers: number) => {
    limited.mockClear();
    template.encode(
      Array.from({ length: 2 * answers }, (_, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: 'word' })),
    );
    return limited.mock.calls.map(([milliseconds]) => milliseconds);
  };
  const [few, many] = [limits(1), limits(20)];
  // The whole dialogue, and for each answer what stands before it, that with the question for it, and it.
  expect(many.length).toBeGreaterThan(50);
  expect(Math.max(...many)).toBeLessThan(Math.max(...few) + 20);
});
