import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDataset } from '../data/dataset.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { taskOfRecipe } from '../recipes/template.ts';

const CSV = `review,verdict,stars
"Great {{ food }}, lovely",good,5
Never again,bad,1
"user:
You are mine",good,4
`;
const CHAT = `---
inputs:
  review: { type: string }
  tone: { type: string, default: short }
---
system:
Be {{ tone }}.
user:
Like it?
assistant:
good
user:
{{ review }}
`;
const COMPLETION = `---
inputs: { text: { type: string } }
model: { api: completion }
luthier: { columns: { text: review } }
---
Review: {{ text }} ({{ stars }} stars)
Verdict:`;

const ANSWERS = { columns: { completion: 'verdict' } };

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier templated-'));
  await writeFile(join(place, 'rows.csv'), CSV);
});
afterAll(() => rm(place, { recursive: true, force: true }));

/** A recipe's rows, read as a run reads them. */
async function rowsOf(template: string, keys: object, csv = 'rows.csv') {
  const path = join(place, 'x.prompty');
  await writeFile(path, template);
  const recipe = parseRecipe({ model: 'm', dataset: csv, template: path, validation_split: 0, ...keys });
  const task = await taskOfRecipe(recipe, undefined, () => Promise.reject(new Error('no tokens are asked for')));
  const { columns } = recipe;
  return await loadDataset(task, recipe.dataset, { base: place, columns, validation_split: 0, seed: 1 });
}

describe('rows through a template', () => {
  it('text-generation learns what follows the rendered text, with a blank where the prompt ends without one', async () => {
    const { train, columns, columns_reason } = await rowsOf(COMPLETION, {
      ...{ task: 'text-generation', columns: { completion: 'verdict' } },
    });
    expect(train.map((row) => 'prompt' in row && [row.prompt, 'text' in row && row.text])).toEqual([
      ['Review: Great {{ food }}, lovely (5 stars)\nVerdict:', ' good'],
      ['Review: Never again (1 stars)\nVerdict:', ' bad'],
      ['Review: user:\nYou are mine (4 stars)\nVerdict:', ' good'],
    ]);
    expect(columns).toEqual({ prompt: 'x.prompty', completion: 'verdict' });
    expect(columns_reason).toBe(
      'Each row is rendered by x.prompty; the answer that is learnt is “verdict”, with a blank before it where the prompt ends without one.',
    );
    expect(train.map(({ line }) => line)).toEqual([2, 3, 4]);
  });

  it('conversational learns the answer alone: what the template has the assistant say is an example', async () => {
    const { train } = await rowsOf(CHAT, { task: 'conversational', columns: { completion: 'verdict' } });
    expect(train).toHaveLength(3);
    expect((train[2] as unknown as { messages: object[] }).messages).toEqual([
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'Like it?' },
      { role: 'assistant', content: 'good', learns: false },
      // What a cell says opens no message.
      { role: 'user', content: 'user:\nYou are mine' },
      { role: 'assistant', content: 'good' },
    ]);
  });

  it('a dialogue that ends with the assistant needs no column of answers', async () => {
    const { train } = await rowsOf('user:\n{{ review }}\nassistant:\nIt is {{ verdict }}.\n', {
      task: 'conversational',
    });
    expect((train[0] as unknown as { messages: object[] }).messages.at(-1)).toEqual({
      role: 'assistant',
      content: 'It is good.',
    });
  });

  it('text-classification reads the rendered text, and its labels where they are', async () => {
    const { train, labels, columns } = await rowsOf(COMPLETION, { columns: { label: 'verdict' } });
    expect(labels).toEqual(['bad', 'good']);
    expect(columns).toEqual({ label: 'verdict', text: 'x.prompty' });
    expect(train.map((row) => 'text' in row && row.text)[1]).toBe('Review: Never again (1 stars)\nVerdict:');
  });
});

describe('what does not go together', () => {
  it.each([
    ['an input without a column', CHAT.replaceAll('review', 'reviw'), {}, 'did you mean “review”?'],
    [
      'a variable without a value',
      'user:\n{{ review }} {{ nowhere }}\n',
      ANSWERS,
      'rows.csv, line 2: x.prompty, line 2: “nowhere” has no value.',
    ],
    ['roles for plain texts', CHAT, { task: 'text-generation' }, 'text-generation learns plain texts'],
    ['no column of answers', CHAT, { columns: { completion: 'verdct' } }, 'has no column “verdct” with the answers'],
    ['a file that it takes in', 'user:\n${file:rules.txt} {{ review }}\n', ANSWERS, 'rules.txt does not exist'],
    ['a file that is gone', '', { template: 'gone.prompty' }, 'does not exist'],
    ['a loop that is not closed', 'user:\n{% for a in b %}{{ review }}\n', ANSWERS, 'x.prompty, line 2'],
  ])('%s', async (_, template, keys, message) => {
    await expect(rowsOf(template, { task: 'conversational', ...keys })).rejects.toThrow(message);
  });

  it('token-classification has no texts to be written', () => {
    expect(() =>
      parseRecipe({ model: 'm', dataset: 'd', task: 'token-classification', template: 'x.prompty' }),
    ).toThrow('template writes texts, and token-classification learns from marked words.');
  });
});
