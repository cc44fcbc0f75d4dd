import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openModelFolder, readGeneration, saveModelFolder } from './model-folder.ts';
import { type TensorToWrite, writeSafetensors } from './safetensors.ts';

let root: string;
let folder: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'luthier-model-folder-'));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  folder = join(root, `model-${count++}`);
  await mkdir(folder);
});

const put = (name: string, content: unknown) =>
  writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
const tensor = (name: string, ...values: number[]): TensorToWrite => ({
  name,
  shape: [values.length],
  dtype: 'F32',
  data: Float32Array.from(values),
});

describe('openModelFolder', () => {
  it('reads one file', async () => {
    await put('config.json', { model_type: 'bert' });
    await writeSafetensors(join(folder, 'model.safetensors'), [tensor('a', 1, 2)]);
    const model = await openModelFolder(folder);
    expect(model.config).toEqual({ model_type: 'bert' });
    expect(model.files).toEqual(['config.json', 'model.safetensors']);
    expect([model.weights.names(), model.weights.shape('a'), model.weights.dtype('a')]).toEqual([['a'], [2], 'F32']);
    const target = new Float32Array(2);
    await model.weights.readInto('a', target);
    expect([...target]).toEqual([1, 2]);
    await expect(model.weights.readInto('b', target)).rejects.toMatchObject({ code: 'model-invalid' });
    expect(() => model.weights.shape('b')).toThrow(/no tensor "b"/);
    await model.weights.close();
  });

  const shard1 = 'model-00001-of-00002.safetensors';
  const shard2 = 'model-00002-of-00002.safetensors';

  it('reads shards', async () => {
    await put('config.json', {});
    await writeSafetensors(join(folder, shard1), [tensor('a', 1)]);
    await writeSafetensors(join(folder, shard2), [tensor('b', 2, 3), tensor('not in the index', 4)]);
    await put('model.safetensors.index.json', { weight_map: { b: shard2, a: shard1 } });
    const { weights } = await openModelFolder(folder);
    expect(weights.names().sort()).toEqual(['a', 'b']);
    const target = new Float32Array(2);
    await weights.readInto('b', target);
    expect([...target]).toEqual([2, 3]);
    await weights.close();
  });

  const indexed = async (index: unknown) => {
    await put('config.json', {});
    await writeSafetensors(join(folder, shard1), [tensor('a', 1)]);
    await put('model.safetensors.index.json', index);
  };
  const cases: [string, () => Promise<unknown>, string, RegExp][] = [
    ['an empty folder', async () => {}, 'model-invalid', /lacks config\.json/],
    ['no weights', () => put('config.json', {}), 'model-invalid', /lacks model\.safetensors/],
    ['a config that is no JSON', () => put('config.json', '{,'), 'model-invalid', /config\.json is not JSON/],
    [
      'a config that is a list',
      () => put('config.json', '[]'),
      'model-invalid',
      /config\.json must contain a JSON object/,
    ],
    [
      'only a pickle',
      async () => {
        await put('config.json', {});
        await put('pytorch_model.bin', '');
      },
      'model-unsupported',
      /only as pytorch_model\.bin/,
    ],
    [
      'only TensorFlow weights',
      async () => {
        await put('config.json', {});
        await put('tf_model.h5', '');
      },
      'model-unsupported',
      /only as tf_model\.h5/,
    ],
    ['a peft adapter', () => put('adapter_config.json', {}), 'model-unsupported', /peft adapter/],
    [
      'a shard that is missing',
      () => indexed({ weight_map: { a: shard1, b: shard2 } }),
      'model-invalid',
      /lacks model-00002/,
    ],
    ['an index without a map', () => indexed({}), 'model-invalid', /no weight_map/],
    [
      'an index that points elsewhere',
      () => indexed({ weight_map: { a: '../a.safetensors' } }),
      'model-invalid',
      /in the same folder/,
    ],
    [
      'an index that points to no file name',
      () => indexed({ weight_map: { a: 1 } }),
      'model-invalid',
      /in the same folder/,
    ],
    [
      'an index that lies',
      () => indexed({ weight_map: { b: shard1 } }),
      'model-invalid',
      /contains tensor "b", but it does not/,
    ],
    [
      'a damaged shard',
      () => indexed({ weight_map: { a: shard1 } }).then(() => put(shard1, 'x')),
      'model-invalid',
      /model-00001.* too few/,
    ],
  ];
  it.each(cases)('refuses %s', async (_, make, code, message) => {
    await make();
    await expect(openModelFolder(folder)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('says how a pickle is converted', async () => {
    await put('config.json', {});
    await put('pytorch_model.bin', '');
    await expect(openModelFolder(folder)).rejects.toMatchObject({
      hint: expect.stringMatching(/torch\.load.*spaces\/safetensors\/convert/s),
    });
  });

  it('tells a missing folder from a file', async () => {
    await expect(openModelFolder(join(folder, 'no'))).rejects.toMatchObject({ code: 'model-not-found' });
    await put('file', '');
    await expect(openModelFolder(join(folder, 'file'))).rejects.toThrow(/is a file, not a model folder/);
  });
});

describe('saveModelFolder', () => {
  it('writes what openModelFolder reads, over an older model, and leaves other files alone', async () => {
    await put('notes.txt', 'mine');
    await put('config.json', 'old');
    await saveModelFolder(folder, { config: { id2label: { 0: 'no' } }, tensors: [tensor('x', 5)] });
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'model.safetensors', 'notes.txt']);
    expect(await readFile(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
    const { config, weights } = await openModelFolder(folder);
    expect([config, weights.names()]).toEqual([{ id2label: { 0: 'no' } }, ['x']]);
    await weights.close();
  });

  it('writes what ends an answer and how its makers sample, as it was read', async () => {
    const said = { eos_token_id: [2, 7], do_sample: true, temperature: 0.6 };
    await put('generation_config.json', said);
    const files = ['generation_config.json'];
    expect(await readGeneration({ path: folder, files })).toEqual(said);
    expect(await readGeneration({ path: folder, files: [] })).toBeUndefined();
    const target = join(folder, 'model');
    await saveModelFolder(target, { config: {}, generation: said, tensors: [tensor('x', 5)] });
    expect(await readGeneration({ path: target, files })).toEqual(said);
    await put('generation_config.json', '{,');
    await expect(readGeneration({ path: folder, files })).rejects.toThrow(/generation_config\.json is not JSON/);
  });

  it('says that a place cannot be written', async () => {
    await put('file', '');
    await expect(saveModelFolder(join(folder, 'file', 'model'), { config: {}, tensors: [] })).rejects.toMatchObject({
      code: 'not-writable',
    });
  });
});
