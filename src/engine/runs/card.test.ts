import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ClassificationReport, RunRecord } from '../../protocol/index.ts';
import { readModelCard } from '../hub/model-card.ts';
import { makeBertFolder } from '../hub/testing/bert-folder.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { type CardFacts, writeModelCards } from './card.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-card-'));
});
afterAll(() => rm(place, { recursive: true }));

const report = (split: 'validation' | 'test', n: number) =>
  ({
    split,
    n,
    metrics: { loss: 0.5, accuracy: 0.912345, f1_macro: 0.9, f1_weighted: 0.91, mcc: 0.8, ece: 0.05 },
    intervals: {
      accuracy: { low: 0.81, high: 0.961 },
      loss: null,
      f1_macro: null,
      f1_weighted: null,
      mcc: null,
      ece: null,
    },
  }) as unknown as ClassificationReport;

const facts = (recipe: object, name = 'Tickets, second try'): CardFacts => ({
  record: {
    name,
    labels: ['billing', 'log`in', 'ship|ping'],
    recipe: parseRecipe({ model: 'starters/bert', dataset: '/home/somebody/private/tickets.csv', ...recipe }),
    step: 40,
    total_steps: 40,
    best: { step: 30, metrics: {} },
    environment: { luthier: '0.2.0', executor: 'onnxruntime' },
  } as unknown as RunRecord,
  dataHash: 'ab'.repeat(32),
  rows: { train: 1200, validation: 60, test: 1 },
  reports: { validation: report('validation', 60), test: report('test', 1) },
});

async function card(given: CardFacts) {
  const [model, adapter] = [join(place, 'model'), join(place, 'adapter')];
  for (const folder of [model, adapter]) await mkdir(folder, { recursive: true });
  await writeModelCards({ model, adapter }, place, given);
  const text = await readFile(join(model, 'README.md'), 'utf8');
  const head = parse(/^---\n([\s\S]*?)\n---\n/.exec(text)![1]!) as Record<string, unknown>;
  return { text, head, model, adapter: await readFile(join(adapter, 'README.md'), 'utf8') };
}

describe('the card of a model', () => {
  it('says data, recipe, figures with n and interval, base and licence', async () => {
    const { text, head, model } = await card(
      facts({ learning_rate: 2e-4, strategy: { type: 'freeze', num_frozen_layers: 2 } }),
    );
    expect(head).toMatchObject({
      ...{ library_name: 'transformers', pipeline_tag: 'text-classification', license: 'apache-2.0', language: ['en'] },
      base_model: 'sentence-transformers/all-MiniLM-L6-v2',
      tags: ['luthier', 'freeze'],
    });
    expect(head['model-index']).toMatchObject([
      {
        name: 'Tickets, second try',
        results: [
          {
            dataset: { name: 'tickets.csv', split: 'validation' },
            metrics: [{ type: 'accuracy', value: 0.9123 }, { type: 'f1', value: 0.9 }, {}],
          },
          { dataset: { split: 'test' } },
        ],
      },
    ]);
    expect(text).toContain('# Tickets, second try\n');
    expect(text).toContain('tickets.csv: 1,200 training rows, 60 validation rows, 1 test row\n');
    expect(text).toContain('ab'.repeat(32));
    expect(text).toContain('Validation rows: n = 60.');
    expect(text).toContain('Test rows: n = 1.');
    expect(text).toContain('| accuracy | 91.2 % | 81.0 – 96.1 % |');
    expect(text).toContain('The base model’s licence is `apache-2.0`.');
    expect(text).toContain('`` log`in ``');
    const recipe = JSON.parse(/```json\n([\s\S]*?)\n```/.exec(text)![1]!) as object;
    expect(recipe).toEqual({
      ...{ task: 'text-classification', model: 'starters/bert', dataset: 'tickets.csv', learning_rate: 2e-4 },
      strategy: { type: 'freeze', num_frozen_layers: 2 },
    });
    expect(await readModelCard(model)).toEqual({
      languages: ['en'],
      license: 'apache-2.0',
      baseModels: ['sentence-transformers/all-MiniLM-L6-v2'],
    });
  });

  it('says that figures were computed in fewer bits where they were', async () => {
    const plain = facts({ strategy: { type: 'lora', load_in_8bit: true } });
    for (const bits of [4, 8]) {
      const { text, adapter } = await card({ ...plain, record: { ...plain.record, frozen_bits: bits } });
      for (const one of [text, adapter])
        expect(one).toMatch(
          new RegExp(
            `\\n\\nThe figures of this run were computed with frozen layers in ${bits} bits; the model that is written is in float and may score slightly otherwise, which “luthier evaluate” measures\\.\\n\\n## Recipe`,
          ),
        );
    }
    expect((await card(plain)).text).not.toContain('bits;');
  });

  it('gives away no folder of the person’s machine', async () => {
    const base = await makeBertFolder(join(place, 'secret place', 'my base'), { classes: 0 });
    const { text, head, adapter } = await card(
      facts({ model: base, dataset: { train: '/home/somebody/a.csv', test: '/x/b.csv' } }),
    );
    for (const card of [text, adapter]) expect(card).not.toMatch(/somebody|secret place|luthier-card-/);
    expect(text).toContain('fine-tuned from my base.');
    expect(text).toContain('a.csv, b.csv');
    expect(text).toContain('names no licence');
    expect(Object.keys(head)).not.toContain('base_model');
    expect(Object.keys(head)).not.toContain('license');
  });

  it.each(['prompt-tuning', 'prefix-tuning'])(
    'of a learned prompt, that Python needs peft for it: %s',
    async (type) => {
      const { text, head, adapter } = await card(facts({ strategy: { type } }));
      expect(head).toMatchObject({ library_name: 'peft', tags: ['luthier', type] });
      expect(text).toContain('AutoModelForSequenceClassification.from_pretrained(folder + "/base"), folder)');
      expect(text).not.toMatch(/import pipeline|low-rank/);
      expect(adapter).toContain('A learned prompt (peft) that turns this base model into');
    },
  );

  it('of an adapter is peft’s, and names no base but the one that it fits', async () => {
    const { adapter } = await card(facts({ strategy: { type: 'lora' } }));
    expect(adapter).toMatch(/^---\nlibrary_name: peft\npipeline_tag: text-classification\nlicense: apache-2.0\n/);
    expect(adapter).toContain('num_labels=3');
  });

  it('of a model that writes shows how it is asked, and speaks of no labels', async () => {
    const given = facts({ task: 'conversational', model: 'starters/decoder', strategy: { type: 'lora' } });
    const { text, adapter } = await card({ ...given, record: { ...given.record, labels: [] }, reports: {} });
    expect(text).toContain('write = pipeline("text-generation", model="PATH/TO/THIS/FOLDER")');
    expect(text).toContain('print(write([{"role": "user", "content": "A message"}]))');
    expect(text).toContain("await write([{ role: 'user', content: 'A message' }])");
    expect(adapter).toContain('AutoPeftModelForCausalLM.from_pretrained("PATH/TO/THIS/FOLDER")');
    for (const said of [text, adapter]) expect(said).not.toMatch(/classify|num_labels|left of the base/);
    const forgetting = { tokens: 812, before: 23.4, after: 25.11111 };
    const measured = await card({ ...given, record: { ...given.record, labels: [], forgetting } });
    expect(measured.text).toContain('(812 tokens) is 25.1, with the base model 23.4 (+7.3 %).');
    expect(measured.text).not.toContain('forgotten much');
    const lost = await card({
      ...given,
      record: { ...given.record, labels: [], forgetting: { ...forgetting, after: 47 } },
    });
    expect(lost.text).toContain('It has forgotten much of what the base model knew');
  });

  it('keeps a hostile name a name', async () => {
    const { text, head } = await card(facts({}, 'a: b\n---\n# [x](http://x)<img src=x>'));
    expect((head['model-index'] as { name: string }[])[0]!.name).toBe('a: b\n---\n# [x](http://x)<img src=x>');
    expect(text).toContain('# a: b --- \\# \\[x\\](http://x)\\<img src=x\\>');
  });

  it('without validation rows says so', async () => {
    expect((await card({ ...facts({}), reports: {} })).text).toContain('Not measured');
  });
});
