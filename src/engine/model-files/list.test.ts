import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeRecord } from '../../runs/record.ts';
import { startersFolder } from '../hub/resolve.ts';
import { makeBertFolder } from '../hub/testing/bert-folder.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { createRun } from '../runs/folder.ts';
import { findModel } from '../runs/target.ts';
import { describeModel, listModels } from './list.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const starter = join(startersFolder(), 'bert');
let cache: string;

/** The starter as huggingface_hub would have cached it: a snapshot of links to its files. */
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'luthier-models-'));
  const model = join(cache, 'models--org--bert');
  const snapshot = join(model, 'snapshots', COMMIT);
  await mkdir(join(model, 'refs'), { recursive: true });
  await mkdir(snapshot, { recursive: true });
  await writeFile(join(model, 'refs', 'main'), COMMIT);
  for (const name of await readdir(starter)) await symlink(join(starter, name), join(snapshot, name));
});
afterAll(() => rm(cache, { recursive: true }));

it.skipIf(process.platform === 'win32')(
  'a cached model has the size of the files that its links name (skipped where links need rights)',
  async () => {
    const models = await listModels([], cache);
    const cached = models.find(({ source }) => source === 'cache');
    const own = models.find(({ name }) => name === 'starters/bert');
    const sizes = await Promise.all(
      (await readdir(starter)).map(async (name) => (await stat(join(starter, name))).size),
    );
    expect(cached).toMatchObject({ name: 'org/bert', bytes: sizes.reduce((a, b) => a + b) });
    expect(cached!.bytes).toBe(own!.bytes);
  },
);

describe('a place of work', () => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-place-'));
  });
  afterAll(() => rm(place, { recursive: true }));

  const list = async () => (await listModels([place], join(place, 'no cache'))).filter((it) => it.source !== 'starter');

  it('says what language and what tasks a model is for, by its card and its family', async () => {
    const [first, second] = await listModels([], join(place, 'no cache'));
    expect(second).toMatchObject({
      ...{ name: 'starters/decoder', languages: ['en'], labels: null, problem: null },
      tasks: ['text-generation', 'conversational', 'text-classification', 'token-classification'],
      answers: 'conversational',
    });
    expect(first).toMatchObject({
      ...{ name: 'starters/bert', languages: ['en'], labels: null, problem: null },
      tasks: ['text-classification', 'token-classification'],
      // The layers alone: it has to learn something first.
      answers: null,
    });
    const card = '---\nlanguage:\n- zh\n- no\nlicense: mit\n---\n# A model\n';
    await makeBertFolder(join(place, 'told'), { files: { 'README.md': card } });
    await makeBertFolder(join(place, 'untold'), { config: { id2label: { 0: 'no', 1: 'yes' } } });
    expect(await list()).toMatchObject([
      { name: 'told', languages: ['zh', 'no'], labels: ['LABEL_0', 'LABEL_1'], answers: 'text-classification' },
      { name: 'untold', languages: null, labels: ['no', 'yes'], answers: 'text-classification' },
    ]);
  });

  it('says of a model what it can be asked as it is, and what marks a place that it fills in', async () => {
    const path = join(place, '.elsewhere');
    await makeBertFolder(path, { masked: true });
    const masked = { name: 'mine', answers: 'fill-mask', labels: null, mask: '[MASK]', problem: null };
    expect(await describeModel(path, 'mine')).toMatchObject({
      ...masked,
      tasks: expect.arrayContaining(['text-classification']),
    });
    // Under the whole model’s class the layers alone.
    await makeBertFolder(path, { classes: 0, config: { architectures: ['BertForMaskedLM'] } });
    expect(await describeModel(path, 'mine')).toMatchObject({ answers: null, mask: null, problem: null });
    await makeBertFolder(path, { config: { problem_type: 'multi_label_classification' } });
    expect((await describeModel(path, 'mine')).answers).toBe('multi_label_classification');
    expect(await describeModel(join(place, 'nowhere'), 'gone')).toMatchObject({
      ...{ name: 'gone', answers: null, problem: expect.stringContaining('nowhere') },
    });
  });

  it('lists a model that cannot be used with its reason, and the others beside it', async () => {
    await makeBertFolder(join(place, 'torn'));
    await writeFile(join(place, 'torn', 'config.json'), '{"model_type": "be');
    await makeBertFolder(join(place, 'other'), { config: { model_type: 't5' } });
    await makeBertFolder(join(place, '.luthier', 'models', 'half'));
    await rm(join(place, '.luthier', 'models', 'half', 'model.safetensors'));
    await mkdir(join(place, 'website'));
    await writeFile(join(place, 'website', 'config.json'), '{"title": "no model at all"}');
    const models = await list();
    expect(models.map(({ name, problem }) => [name, problem])).toEqual([
      ['other', expect.stringMatching(/model_type "t5" is not supported/)],
      ['told', null],
      ['torn', expect.stringMatching(/config\.json is not JSON/)],
      ['untold', null],
      ['half', expect.stringMatching(/lacks model\.safetensors/)],
    ]);
  });

  it('calls a run’s model, and finds it, by the name that the run was given', async () => {
    const runCalled = async (name: string) => {
      const recipe = parseRecipe({ model: 'starters/bert', dataset: 'rows.csv' });
      const { folder, record } = await createRun({ recipe, base: place, path: null, name, state: 'queued' });
      await makeBertFolder(join(folder, 'model'));
      await writeRecord(folder, { ...record, state: 'done', model: 'model' });
      return { folder, id: record.id };
    };
    const { folder, id } = await runCalled('My best one');
    const path = join(folder, 'model');
    expect((await list()).find(({ source }) => source === 'run')).toMatchObject({ name: 'My best one', path });
    for (const name of ['My best one', id]) expect(await findModel(name, place)).toEqual({ path, run: folder });
    await runCalled('My best one');
    await expect(findModel('My best one', place)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/^2 runs are called “My best one”: .*\.$/),
    });
  });
});
