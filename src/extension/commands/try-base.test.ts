import { expect, test, vi } from 'vitest';
import type { Luthier } from '../context.ts';
import * as editor from '../testing/vscode.ts';
import { tryBaseModel } from './try-base.ts';

const entry = (name: string, answers: string | null, change: object = {}) => ({
  ...{ name, path: `/models/${name}`, source: 'folder', model_type: 'bert', bytes: 1, num_parameters: 1 },
  ...{ tasks: ['text-classification'], labels: null, languages: null, problem: null, answers },
  ...change,
});

const models = [
  entry('starters/bert', null),
  entry('starters/decoder', 'conversational', { tasks: ['text-generation'] }),
  entry('bert-base', 'fill-mask'),
  entry('torn', null, { problem: 'config.json is not JSON.' }),
  entry('mine', 'text-classification', { source: 'run' }),
];

function makeLuthier() {
  const shown: [page: string, name: string][] = [];
  const luthier = {
    load: async () => {},
    engine: {
      service: {
        request: async (method: string, params: { name: string }) =>
          method === 'models/list' ? models : { ...models.find(({ name }) => name === params.name), mask: null },
      },
    },
    chats: { show: ({ name }: { name: string }) => shown.push(['chat', name]) },
    tryouts: { show: ({ name }: { name: string }) => shown.push(['tryout', name]) },
    achieved: vi.fn(),
  } as unknown as Luthier;
  return { luthier, shown };
}

async function pick(label: string) {
  const picker = await vi.waitFor(() => {
    expect(editor.shown.picker?.items.some((item) => item.label === label)).toBe(true);
    return editor.shown.picker!;
  });
  const labels = picker.items.map((item) => item.label);
  picker.accept(label);
  return labels;
}

test('base models that answer are offered first, each in the page that shows its answers', async () => {
  const { luthier, shown } = makeLuthier();
  editor.reset();
  const asking = tryBaseModel(luthier);
  expect(await pick('bert-base')).toEqual([
    ...[
      'Answer as they are',
      'starters/decoder',
      'bert-base',
      'Have to be fine-tuned first',
      'starters/bert',
      'Others',
    ],
    ...['$(folder-opened) Choose a folder…', '$(cloud-download) Download from Hugging Face by name…'],
  ]);
  await asking;
  editor.reset();
  const again = tryBaseModel(luthier);
  await pick('starters/decoder');
  await again;
  expect(shown).toEqual([
    ['tryout', 'bert-base'],
    ['chat', 'starters/decoder'],
  ]);
});

test('one that has to learn something first is told, and nothing opens', async () => {
  const { luthier, shown } = makeLuthier();
  editor.reset();
  const asking = tryBaseModel(luthier);
  const failed = expect(asking).rejects.toMatchObject({
    code: 'model-unsupported',
    actions: ['fineTuneSelection', 'tryBaseModel'],
  });
  await pick('starters/bert');
  await failed;
  expect([shown, vi.mocked(luthier.achieved).mock.calls]).toEqual([[], []]);
});
