import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
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

  it.skipIf(process.platform === 'win32')(
    'copies no file that a link in the model leads to, and waits for no pipe',
    async () => {
      await writeFile(join(place, 'key'), 'secret');
      for (const name of ['README.md', 'vocab.txt']) {
        const linked = join(place, `linked ${name}`);
        await cp(model, linked, { recursive: true });
        await rm(join(linked, name));
        await symlink(join(place, 'key'), join(linked, name));
        const out = join(place, `out of ${name}`);
        await expect(exportModel(linked, 'safetensors', out)).rejects.toMatchObject({
          code: 'model-invalid',
          message: expect.stringMatching(/is a link that leads out of the model, so nothing was copied/),
        });
        expect(await readdir(out).catch(() => [])).toEqual([]);
      }
      const piped = join(place, 'piped');
      await cp(model, piped, { recursive: true });
      await rm(join(piped, 'README.md'));
      execFileSync('mkfifo', [join(piped, 'README.md')]);
      await expect(exportModel(piped, 'safetensors', join(place, 'out of a pipe'))).rejects.toThrow(/is not a file/);
    },
  );

  it.skipIf(process.platform === 'win32')('follows the links of the Hugging Face cache', async () => {
    const blobs = join(place, 'hub', 'blobs');
    const snapshot = join(place, 'hub', 'snapshots', 'c0ffee');
    await cp(model, blobs, { recursive: true });
    await mkdir(snapshot, { recursive: true });
    for (const name of MODEL) await symlink(join('..', '..', 'blobs', name), join(snapshot, name));
    const out = join(place, 'of the cache');
    await exportModel(snapshot, 'safetensors', out);
    expect((await readdir(out)).sort()).toEqual(MODEL);
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
