import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Recipe } from '../../protocol/index.ts';
import type { TaskData, TaskRow } from '../data/types.ts';
import type { Architecture } from '../models/architecture.ts';
import { conversational } from '../tasks/conversational/task.ts';
import type { AnyTask } from '../tasks/task.ts';
import { Tokenizer } from '../text/tokenizer.ts';
import { encode } from './encode.ts';

it('names the part that has nothing to learn', async () => {
  const tokenizer = await Tokenizer.load(join(import.meta.dirname, '../../../starters/decoder'));
  const row = (question: string) => ({
    ...{ file: '/data/chat.jsonl', line: 1 },
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: 'Yes.' },
    ],
  });
  const encoded = (parts: Partial<TaskData<TaskRow>>) =>
    encode(
      conversational as unknown as AnyTask,
      { train: [row('Hi')], validation: [row('Hi')], test: [], ...parts } as unknown as TaskData<TaskRow>,
      tokenizer,
      { max_length: 32 } as Recipe,
      { maxPositions: 64 } as Architecture,
      null,
      () => {},
    );
  expect(encoded({}).validation).toHaveLength(1);
  const long = [row('word '.repeat(90))];
  const left = 'The conversation has no token of an answer left within 32 tokens (max_length).';
  expect(() => encoded({ validation: long })).toThrow(`Validation rows: ${left}`);
  expect(() => encoded({ test: long })).toThrow(`Test rows: ${left}`);
  expect(() => encoded({ train: long })).toThrow(`Training rows: ${left}`);
});
