import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeBertFolder } from '../hub/testing/bert-folder.ts';
import { exportModel } from './export.ts';

let place: string;
let model: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-export-'));
  model = await makeBertFolder(join(place, 'model'), {
    files: {
      'README.md': '# card',
      'LICENSE.txt': 'MIT',
      'notes.txt': 'mine',
      '.model.safetensors.1-0123456789ab.tmp': 'torn',
    },
  });
  await mkdir(join(model, 'onnx'));
  await writeFile(join(model, 'onnx', 'model.onnx'), 'of an earlier export');
});
afterAll(() => rm(place, { recursive: true }));

const MODEL = ['LICENSE.txt', 'README.md', 'config.json', 'model.safetensors', 'tokenizer_config.json', 'vocab.txt'];

describe('exportModel', () => {
  it('copies the files of the model by name, and says what it leaves', async () => {
    const out = join(place, 'plain');
    const exported = await exportModel(model, 'safetensors', out);
    expect((await readdir(out)).sort()).toEqual(MODEL);
    expect(exported).toMatchObject({ path: out, max_difference: 0 });
    expect(exported.left_out).toEqual(['.model.safetensors.1-0123456789ab.tmp', 'notes.txt', 'onnx']);
  });

  it('writes ONNX anew where it is asked for', async () => {
    const out = join(place, 'with onnx');
    const { path, bytes, left_out } = await exportModel(model, 'onnx', out);
    expect((await readdir(out)).sort()).toEqual([...MODEL, 'onnx'].sort());
    expect(path).toBe(join(out, 'onnx', 'model.onnx'));
    expect(left_out).toEqual(['.model.safetensors.1-0123456789ab.tmp', 'notes.txt']);
    expect(bytes).toBeGreaterThan(1000);
  });
});
