import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parsePrompt } from '../../prompts/parse.ts';
import { makeBertFolder } from '../hub/testing/bert-folder.ts';
import { openPrompt } from '../prompts/prompt.ts';
import { PromptRenderer } from '../prompts/renderer.ts';
import { openRowTemplate } from '../prompts/row-template.ts';
import { createTrainer } from '../train/trainer.ts';
import { resolveRecipe } from './recipe.ts';
import { readKeptTemplate, readTemplate } from './template.ts';

let place: string;
const at = (name: string) => join(place, name);
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier kept template-'));
  await makeBertFolder(at('base'));
});
afterAll(() => rm(place, { recursive: true, force: true }));
const none = () => Promise.reject(new Error('not needed'));

it('a kept template has the files that it takes in, and renders what Try renders', async () => {
  // What a text takes in goes on being read as a template; what a value is does not.
  await writeFile(at('rules.txt'), 'Be kind.\r\n${file:plain.txt}\n');
  await writeFile(at('plain.txt'), 'Quotes "stay" and {{ tone }}.');
  await writeFile(at('list.json'), '{"a": [1, "two"]}');
  const front = [
    'inputs:',
    '  text: { type: string }',
    '  tone:',
    '    type: string',
    '    default: "${file:plain.txt}"',
    '  list: { type: object, default: "${file:list.json}" }',
    '  block:',
    '    type: string',
    '    default: |',
    '      ${file:plain.txt}',
    '  last: { type: string, default: x }',
    'model: { api: chat, configuration: { api_key: "${env:SOME_KEY}" } }',
  ];
  const body = 'system:\n${file:rules.txt}\nuser:\n{{ list.a | join("-") }} {{ text }} {{ last }} {{ block }}\n';
  await writeFile(at('ask.prompty'), `---\n${front.join('\n')}\n---\n${body}`);
  const kept = await readTemplate(at('ask.prompty'));
  expect(kept.text).not.toContain('${file:');
  // A key of a service is nobody's input, and is not read.
  expect(kept.text).toContain('${env:SOME_KEY}');
  expect(parsePrompt(kept.text).problems.filter(({ severity }) => severity === 'error')).toEqual([]);

  const renderer = new PromptRenderer();
  const own = await readFile(at('ask.prompty'), 'utf8');
  const opened = await openPrompt({ text: own, path: at('ask.prompty'), cells: { text: 'a {{ b }}' } });
  const { messages } = await opened.fill(null, { renderer, typed: {}, undefinedIs: 'error' });
  renderer.dispose();
  const row = openRowTemplate(kept, none);
  const values = Object.fromEntries(row.file.inputs.map(({ name, default: otherwise }) => [name, otherwise]));
  expect((await row.render({ ...values, text: 'a {{ b }}' })).messages).toEqual(messages);
  row.rest();
  expect(messages[0]!.content).toBe('Be kind.\nQuotes "stay" and Quotes "stay" and {{ tone }}..');
});

it('a variable of the environment is no input of a kept template, and the reason is said', async () => {
  await writeFile(at('env.prompty'), '---\ninputs: { tone: "${env:TONE:kind}" }\n---\nuser:\n{{ tone }}\n');
  await expect(readTemplate(at('env.prompty'))).rejects.toThrow(
    'inputs.tone: the variable TONE of the environment is not kept by a run: it may be private',
  );
  await writeFile(at('nested.json'), '{"a": "${env:TONE:kind}"}');
  await writeFile(at('env.prompty'), '---\ninputs: { tone: "${file:nested.json}" }\n---\nuser:\n{{ tone }}\n');
  await expect(readTemplate(at('env.prompty'))).rejects.toThrow('the variable TONE of the environment is not kept');
  // In the folder of a model nothing else is read.
  const hostile = await readKeptTemplate(at('env.prompty'));
  expect(() => openRowTemplate(hostile, none)).toThrow('takes in nested.json, which is not in the folder of its model');
});

const ROWS = Array.from({ length: 24 }, (_, i) => [`review ${i}`, i % 2 ? 'yes' : 'no'] as const);
const csv = (rows: readonly (readonly string[])[]) => `review,verdict\n${rows.map((row) => row.join()).join('\n')}\n`;
const EXAMPLES = `---
model: { api: completion }
inputs: { review: { type: string } }
luthier:
  examples:
    count: 4
    seed: 5
  columns: { review: review }
---
{% for e in examples %}{{ e.review }} is {{ e.verdict }}. {% endfor %}{{ review }}`;

it('examples are drawn from training rows alone, kept with the model, and no row is its own', {
  timeout: 180_000,
}, async () => {
  const held = ROWS.slice(0, 12);
  await writeFile(at('validation.csv'), csv(held));
  await writeFile(at('train.csv'), csv(ROWS.slice(12)));
  // Rows that are held out are here, too, as they are and in capitals.
  await writeFile(at('all.csv'), csv([...ROWS, ...held.map(([review, verdict]) => [review.toUpperCase(), verdict])]));
  await writeFile(at('few.prompty'), EXAMPLES);
  await writeFile(at('named.prompty'), EXAMPLES.replace('    count: 4', '    count: 4\n    dataset: all.csv'));
  const isHeld = new Set<string>(held.map(([review]) => review));
  const trained = async (input: object) => {
    const notes: string[] = [];
    const plain = { model: 'base', columns: { label: 'verdict' }, max_steps: 1, max_length: 64 };
    const { recipe, base } = await resolveRecipe({ ...plain, ...input } as never, place);
    const trainer = await createTrainer({ recipe, base, note: (_, message) => notes.push(message) });
    const { rows } = parsePrompt(trainer.template!.text).examples!;
    return { trainer, notes, rows: rows as { review: string; verdict: string }[] };
  };
  for (const template of ['few.prompty', 'named.prompty']) {
    const { trainer, notes, rows } = await trained({
      ...{ template, dataset: { train: 'train.csv', validation: 'validation.csv' } },
    });
    expect(rows).toHaveLength(5);
    expect(rows.filter(({ review }) => isHeld.has(review.toLowerCase()))).toEqual([]);
    expect(notes.join('\n')).toContain('shows 4 examples, drawn from training rows: rows that are held out are none.');
    await trainer.saveModel(at('run/model'));
    trainer.dispose();
    const kept = openRowTemplate(await readKeptTemplate(at('run/model/prompt.prompty')), none);
    const shown = async (review: string) => (await kept.render({ review })).text;
    const said = rows.map(({ review, verdict }) => `${review} is ${verdict}. `);
    expect(await shown('new')).toBe(`${said.slice(0, 4).join('')}new`);
    expect(await shown(rows[1]!.review)).toBe(`${[...said.slice(0, 1), ...said.slice(2)].join('')}${rows[1]!.review}`);
    kept.rest();
  }
  // Where the run itself holds rows out, they are none either: all others are.
  await writeFile(at('rows.csv'), csv(ROWS));
  const { trainer, rows } = await trained({ template: 'few.prompty', dataset: 'rows.csv', validation_split: 0.5 });
  expect([trainer.numTrainRows, rows.length]).toEqual([12, 5]);
  trainer.dispose();
});
