import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PromptSource } from '../../protocol/index.ts';
import { makeBertFolder } from '../hub/testing/bert-folder.ts';
import { openModel } from '../model-files/open-model.ts';
import { openPrompt } from '../prompts/prompt.ts';
import { PromptRenderer } from '../prompts/renderer.ts';
import { predictorOf } from './predictor.ts';
import { checkWithEngine } from './prompt-check.ts';
import { readPromptModel } from './prompt-model.ts';
import { type Asked, runPrompt } from './prompt-run.ts';
import { openWriter, type Writer } from './writer.ts';

const starter = fileURLToPath(new URL('../../../starters/decoder', import.meta.url));
const renderer = new PromptRenderer();
let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier prompt run '));
});
afterAll(async () => {
  renderer.dispose();
  await rm(place, { recursive: true, force: true });
});

const sourceOf = (front: string, body: string): PromptSource => ({ text: `---\n${front}\n---\n${body}`, base: place });

async function run(asked: Asked, source: PromptSource, settings = { max_new_tokens: 4 }) {
  return runPrompt(await openPrompt(source), null, source, asked, { renderer, settings });
}

describe('a model that writes', () => {
  let writer: Writer;
  let asked: Asked;
  beforeAll(async () => {
    writer = await openWriter(starter);
    const never = async () => expect.fail('it classifies nothing');
    asked = { model: await readPromptModel(starter), writer: async () => writer, predictor: never };
  });
  afterAll(() => writer.dispose());

  test('goes on with a completion as it is', async () => {
    const source = sourceOf('model: { api: completion }\nsample: { a: server }', 'The {{ a }}');
    const answer = await run(asked, source);
    expect(answer).toMatchObject({ prompt: 'The server', tokens: 4, finish_reason: 'length', notes: [] });
    expect(answer.answer).toBe((await writer.write('The server', { settings: { max_new_tokens: 4 } })).generated_text);
    expect(answer.prompt_tokens).toBe(writer.tokenizer.encode('The server', 100).ids.length);
  });

  test('goes on with an answer that the template begins', async () => {
    const answer = await run(asked, sourceOf('model: x', 'user:\nHi\nassistant:\nA file is'));
    expect(answer.prompt).toBe('<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nA file is');
    const ids = writer.tokenizer.encodeBare(answer.prompt).ids;
    expect(answer.prompt_tokens).toBe(ids.length);
    expect(answer.answer).toBe((await writer.write(ids, { settings: { max_new_tokens: 4 } })).generated_text);
  });

  test('is asked without the answer that a template ends with, whose value nobody has to give', async () => {
    const source = sourceOf(
      'inputs: { ask: {}, answer: {} }\nsample: { ask: Hi }',
      'user:\n{{ ask }}\nassistant:\n{{ answer }}\n',
    );
    const answer = await run(asked, source);
    expect(answer.prompt).toBe('<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n');
    expect(answer.warnings.map(({ message, line }) => [line, message])).toEqual([
      [8, 'The answer that the template ends with is what a model learns, and is left out when it is asked.'],
    ]);
    // Nor is it begun where a row has it.
    expect((await run(asked, { ...source, cells: { ask: 'Hi', answer: 'Hello' } })).prompt).toBe(answer.prompt);
  });

  test('cuts a text to its own tokens', async () => {
    const text = 'a rather long text that has more tokens than four';
    const front = `model: { api: completion }\nsample: { a: "${text}" }`;
    const { prompt } = await run(asked, sourceOf(front, '{{ a | truncate_tokens(4) }}'));
    expect(text.startsWith(prompt)).toBe(true);
    expect(writer.tokenizer.encodeBare(prompt).ids.length).toBe(4);
    expect(await run(asked, sourceOf(front, '{{ a | truncate_tokens(400) }}'))).toMatchObject({ prompt: text });
  });

  test('says how likely the labels of a verbalizer are', async () => {
    const source = sourceOf(
      'model: { api: completion }\nluthier: { verbalizer: { is: is, was: was, odd: zebra } }',
      'The server',
    );
    const answer = await run(asked, source);
    expect(answer.labels!.map(({ label }) => label).sort()).toEqual(['is', 'odd', 'was']);
    expect(answer.labels![0]).toMatchObject({ label: answer.answer });
    expect(answer.labels!.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
  });

  test('is not asked with nothing', async () => {
    await expect(run(asked, sourceOf('sample: { a: "" }', 'user:\n{{ a }}'))).rejects.toMatchObject({
      code: 'prompt-invalid',
      message: 'The template is empty, so there is nothing to ask.',
    });
  });

  test('is checked: tokens of messages and inputs, a prompt that is too long, files that are not there', async () => {
    const request = { renderer, model: asked.model };
    const long = sourceOf('sample: { a: x }\ninputs: [{name: a}]', 'user:\n{{ a }}');
    const checked = await checkWithEngine({ ...long, values: { a: 'word '.repeat(9_000) } }, request);
    expect(checked.problems).toMatchObject([{ code: 'too-long', severity: 'warning' }]);
    expect(checked.problems[0]!.message).toMatch(/has [\d,]+ tokens, more than the model’s 8,192 positions\./);
    expect(checked.tokens!.inputs.a).toBeGreaterThan(8_999);
    const missing = sourceOf('sample: ${file:nothing.json}', 'user:\nhi');
    const { problems } = await checkWithEngine(missing, request);
    expect(problems).toMatchObject([{ code: 'render', range: { start: 4, end: 10 } }]);
    const places = async (front: string, body: string) => {
      const source = sourceOf(front, body);
      const { problems } = await checkWithEngine(source, request);
      return problems.map(({ range }) => source.text.slice(range.start, range.end));
    };
    expect(await places('model: x', 'user:\nfirst\n${file:nothing.txt} more')).toEqual(['${file:nothing.txt}']);
    expect(await places('inputs: [{name: a, default: "${file:none.txt}"}]', 'user:\n{{ a }}')).toEqual([
      '"${file:none.txt}"',
    ]);
    await writeFile(join(place, 'names.json'), '"${file:gone.txt}"');
    expect(await places('inputs: [{name: a, default: "${file:names.json}"}]', 'user:\n{{ a }}')).toEqual([
      '"${file:names.json}"',
    ]);
    expect(await places('luthier: { dataset: none.csv }', 'user:\nhi')).toEqual(['none.csv']);
    expect(await places('luthier: { examples: { dataset: none.csv } }', 'user:\nhi')).toEqual(['none.csv']);
    // The key is named, whatever the file is called.
    const alike = await checkWithEngine(sourceOf('sample: ${file:sample.json}', 'user:\nhi'), request);
    expect(alike.problems).toMatchObject([{ range: { start: 4, end: 10 } }]);
    expect(alike.problems[0]!.message).toMatch(/sample: sample\.json does not exist/);
    await writeFile(join(place, 'guide.md'), 'see ${file:deeper.md}');
    expect(await places('model: x', 'user:\nfirst\n${file:guide.md}')).toEqual(['${file:guide.md}']);
    await writeFile(join(place, 'broken.md'), 'see {{ a');
    expect(await places('model: x', 'user:\nfirst\n${file:./broken.md}')).toEqual(['${file:./broken.md}']);
    const broken = await checkWithEngine(sourceOf('inputs: 3', 'user:\nhi'), request);
    expect(broken).toEqual({ problems: [], tokens: null });
  });
});

test('roles that a chat template refuses are marked in the template', async () => {
  const folder = join(place, 'strict');
  await cp(starter, folder, { recursive: true });
  const strict =
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{{ m['content'] }}{% endfor %}";
  await writeFile(join(folder, 'chat_template.jinja'), strict);
  const source = sourceOf('model: x', 'user:\na\nuser:\nb\n');
  const { problems } = await checkWithEngine(source, { renderer, model: await readPromptModel(folder) });
  expect(problems).toMatchObject([{ code: 'role-order', severity: 'error' }]);
  expect(problems[0]!.message).toMatch(/Roles must alternate/);
  expect(problems[0]!.range.start).toBe(source.text.lastIndexOf('user:'));
});

describe('a model that classifies', () => {
  test('says how likely its classes are; a dialogue is one text to it', async () => {
    const folder = await makeBertFolder(join(place, 'bert'), { config: { id2label: { 0: 'no', 1: 'yes' } } });
    const open = await openModel(folder, 'auto', () => undefined);
    const predictor = predictorOf(open);
    const never = async () => expect.fail('it writes nothing');
    const asked: Asked = { model: await readPromptModel(folder), writer: never, predictor: async () => predictor };
    const front = 'sample: { text: the parcel is late }';
    const answer = await run(
      asked,
      sourceOf(`${front}\nmodel: { api: completion, parameters: { top_k: 2 } }`, '{{ text }}'),
    );
    const [prediction] = await predictor.predict(['the parcel is late']);
    expect(answer).toMatchObject({ prompt: 'the parcel is late', prompt_tokens: 6, tokens: 0, notes: [] });
    expect(answer.answer).toBe((prediction as { label: string }).label);
    expect(Object.fromEntries(answer.labels!.map(({ label, score }) => [label, score]))).toEqual(
      (prediction as { scores: Record<string, number> }).scores,
    );
    const joined = await run(asked, sourceOf(front, 'system:\nthe\nuser:\n{{ text }}'));
    expect(joined.prompt).toBe('the\n\nthe parcel is late');
    expect(joined.warnings.map(({ message }) => message)).toEqual([
      'This model reads no dialogues: its messages are joined into one text.',
    ]);
    const verbalizer = 'luthier: { verbalizer: { good: fine } }';
    expect((await run(asked, sourceOf(`${front}\n${verbalizer}`, 'user:\n{{ text }}'))).notes).toEqual([
      'The model names its own classes, so the template’s verbalizer counts for nothing.',
    ]);
    predictor.dispose();
  });

  test('and says where it learned its rows through another template', async () => {
    const folder = join(place, 'bert');
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as object;
    const luthier = { task: 'text-classification', template: 'prompt.prompty' };
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, luthier }));
    const own = sourceOf('inputs: { text: { type: string } }', 'user:\nthe {{ text }}');
    await writeFile(join(folder, 'prompt.prompty'), own.text);
    const predictor = predictorOf(await openModel(folder, 'auto', () => undefined));
    const never = async () => expect.fail('it writes nothing');
    const asked: Asked = { model: await readPromptModel(folder), writer: never, predictor: async () => predictor };
    const values = { text: 'parcel' };
    const notesOf = async (text: string) => (await run(asked, { ...own, text, values })).notes;
    expect(await notesOf(own.text)).toEqual([]);
    expect(await notesOf(own.text.replace('inputs', 'name: other\nsample: { text: x }\ninputs'))).toEqual([]);
    expect(await notesOf(own.text.replace('the {{', 'a {{'))).toEqual([
      'The model learned its rows through another template than The template: its own is prompt.prompty in its folder.',
    ]);
    predictor.dispose();
  });
});
