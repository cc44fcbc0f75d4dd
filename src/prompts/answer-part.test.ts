import { expect, test } from 'vitest';
import { endsWithAnswer, withoutAnswer } from './answer-part.ts';
import { parsePrompt } from './parse.ts';

const of = (body: string, inputs = '{ ask: { type: string }, answer: { type: string } }') => {
  const text = `---\ninputs: ${inputs}\n---\n${body}`;
  return { text, file: parsePrompt(text) };
};
const namesOf = ({ file }: ReturnType<typeof withoutAnswer>) => file.inputs.map(({ name }) => name);

test('a template that ends with an answer is asked without, and without the input that only that uses', () => {
  const asking = withoutAnswer(of('user:\n{{ ask }}\nassistant:\n{{ answer }}\n'));
  expect(asking.text.endsWith('user:\n{{ ask }}\n')).toBe(true);
  expect(namesOf(asking)).toEqual(['ask']);
  expect(asking.file.problems).toEqual([]);
  // One that is used before, too, is still asked for; so is one whose name only begins alike.
  expect(namesOf(withoutAnswer(of('user:\n{{ ask }} {{ answer }}\nassistant:\n{{ answer }}')))).toEqual([
    'ask',
    'answer',
  ]);
  expect(namesOf(withoutAnswer(of('user:\n{{ answers }}{{ e.answer }}\nassistant:\n{{ answer }}')))).toEqual(['ask']);
});

test('what ends otherwise stays as it is', () => {
  for (const body of [
    'user:\n{{ ask }}',
    'user:\n{{ ask }}\nassistant:\n',
    // The answer stands inside of a loop.
    'user:\n{{ ask }}\n{% for a in answer %}\nassistant:\n{{ a }}\n{% endfor %}',
  ]) {
    const given = of(body);
    expect(withoutAnswer(given).text).toBe(given.text);
  }
  const completion = of('{{ ask }}\nassistant:\n{{ answer }}', '{ ask: {}, answer: {} }\nmodel: { api: completion }');
  expect(withoutAnswer(completion).text).toBe(completion.text);
});

test('only the value of an input is an answer to be learnt; a text that begins one is gone on with', () => {
  expect(endsWithAnswer(of('user:\n{{ ask }}\nassistant:\n{{ answer | trim }}'))).toBe(true);
  expect(endsWithAnswer(of('user:\n{{ ask }}\nassistant:\nIt is {{ answer }}'))).toBe(false);
  expect(endsWithAnswer(of('user:\n{{ ask }}\nassistant:\n{{ ask }}'))).toBe(false);
  expect(endsWithAnswer(of('user:\n{{ ask }}\nassistant:\nSure'))).toBe(false);
});
