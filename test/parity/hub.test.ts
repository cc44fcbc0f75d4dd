import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { downloadModel } from '../../src/engine/hub/download.ts';
import { CONVERT_COMMAND, openModelFolder, saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { resolveModel } from '../../src/engine/hub/resolve.ts';
import type { TensorToWrite } from '../../src/engine/hub/safetensors.ts';
import { HubServer } from '../../src/engine/hub/testing/hub-server.ts';
import { mapWeights } from '../../src/engine/models/names.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { findPython, runPython } from './python.ts';

/** Made by bert_fixtures.py: one BERT in four of the ways that the hub has it. */
const FIGURES = join(import.meta.dirname, 'figures', 'bert');
const FIXTURES = ['classifier', 'encoder', 'pretraining', 'sharded'] as const;

interface Expected {
  inputs: Record<string, number[][]>;
  missing: string[];
  /** Sum of each tensor, in float64, as transformers read it. */
  sums: Record<string, number>;
  logits?: number[][];
}

const expectedOf = async (name: string): Promise<Expected> =>
  JSON.parse(await readFile(join(FIGURES, name, 'expected.json'), 'utf8')) as Expected;

/** Every tensor under its canonical name. */
async function readAll(folder: string) {
  const { weights, config } = await openModelFolder(folder);
  const map = mapWeights(architectureOf(config, folder), weights.names());
  const tensors: TensorToWrite[] = [];
  for (const [name, stored] of map.files) {
    const shape = weights.shape(stored);
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    await weights.readInto(stored, data);
    tensors.push({ name, shape, dtype: 'F32', data });
  }
  const dtypes = new Set(weights.names().map((name) => weights.dtype(name)));
  await weights.close();
  return { map, tensors, config, dtypes };
}

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'luthier-parity-'));
});
afterAll(() => rm(work, { recursive: true }));

describe('BERT folders as they are on the hub', () => {
  it.each(FIXTURES)('%s: each tensor is what transformers reads', async (name) => {
    const { map, tensors } = await readAll(join(FIGURES, name));
    const expected = await expectedOf(name);
    expect(map.missing).toEqual([]);
    expect([...map.missingHead].sort()).toEqual(expected.missing);
    expect(tensors.map((tensor) => tensor.name).sort()).toEqual(Object.keys(expected.sums).sort());
    for (const { name, data } of tensors) {
      expect([name, data.reduce((a, b) => a + b, 0)]).toEqual([name, expect.closeTo(expected.sums[name]!, 9)]);
    }
  });

  it('they are stored as F32, F16 and BF16, and only the heads of pretraining are left over', async () => {
    const stored = await Promise.all(FIXTURES.map((name) => readAll(join(FIGURES, name))));
    expect(stored.map(({ dtypes }) => [...dtypes].sort())).toEqual([['F32'], ['F16'], ['BF16', 'I64'], ['F32']]);
    expect(stored.map(({ map }) => map.unused.length)).toEqual([0, 0, 7, 0]);
    expect(stored[2]!.map.unused.every((name) => name.startsWith('cls.'))).toBe(true);
  });
});

const python = findPython();
const why = python === null ? ' (skipped: there is no Python with transformers; set LUTHIER_PYTHON)' : '';

// Importing transformers alone takes seconds, on a busy machine many.
describe.skipIf(python === null)(`what Python says${why}`, { timeout: 600_000 }, () => {
  const check = (folder: string, logits: string) =>
    runPython(python!, [join(import.meta.dirname, 'from_pretrained.py'), folder, logits]);

  it('transformers loads what we write, with equal logits and labels', async () => {
    const { tensors, config } = await readAll(join(FIGURES, 'classifier'));
    const folder = join(work, 'written');
    await saveModelFolder(folder, { config, tensors });
    const wanted = { ...(await expectedOf('classifier')), id2label: { 0: 'bad', 1: 'good', 2: 'neither' } };
    const logits = join(work, 'logits.json');
    await writeFile(logits, JSON.stringify(wanted));
    const { code, stdout, stderr } = await check(folder, logits);
    expect([code, stderr]).toEqual([0, expect.anything()]);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, shape: [2, 3], id2label: wanted.id2label, problems: {} });

    // The script can fail: another logit, a weight that is not there.
    wanted.logits![0]![0]! += 0.001;
    await writeFile(logits, JSON.stringify(wanted));
    expect((await check(folder, logits)).code).toBe(1);
    await saveModelFolder(folder, { config, tensors: tensors.filter(({ name }) => name !== 'classifier.bias') });
    const lacking = await check(folder, join(FIGURES, 'classifier', 'expected.json'));
    expect([lacking.code, JSON.parse(lacking.stdout).problems]).toEqual([1, { missing_keys: ['classifier.bias'] }]);
  });

  it('the command that we give for pickles converts one', async () => {
    const folder = join(work, 'pickle');
    await cp(join(FIGURES, 'classifier'), folder, { recursive: true });
    const make =
      "import torch, safetensors.torch as s; torch.save(s.load_file('model.safetensors'), 'pytorch_model.bin')";
    const inFolder = (code: string) =>
      runPython(python!, ['-c', `import os; os.chdir(${JSON.stringify(folder)}); ${code}`]);
    expect((await inFolder(make)).code).toBe(0);
    await rm(join(folder, 'model.safetensors'));
    await expect(openModelFolder(folder)).rejects.toMatchObject({ code: 'model-unsupported' });
    expect((await inFolder(/"(.*)"/.exec(CONVERT_COMMAND)![1]!)).code).toBe(0);
    const again = await readAll(folder);
    expect(again.tensors).toEqual((await readAll(join(FIGURES, 'classifier'))).tensors);
  });

  it('huggingface_hub finds what we download, and we find what it downloads', async () => {
    const files = Object.fromEntries(
      await Promise.all(
        ['config.json', 'model.safetensors', 'vocab.txt'].map(async (name) => [
          name,
          await readFile(join(FIGURES, 'classifier', name)),
        ]),
      ),
    ) as Record<string, Uint8Array>;
    const server = await HubServer.start('org/tiny', files);
    try {
      const ask = (code: string, env: Record<string, string> = {}) =>
        runPython(python!, ['-c', `import huggingface_hub as hub; ${code}`], { HF_ENDPOINT: server.endpoint, ...env });
      const ours = join(work, 'our cache');
      const path = await downloadModel('org/tiny', { endpoint: server.endpoint, token: null, cacheFolder: ours });
      const found = await ask(`print(hub.snapshot_download('org/tiny', cache_dir=${JSON.stringify(ours)}))`);
      expect([found.code, found.stdout.trim()]).toEqual([0, path]);

      const theirs = join(work, 'their cache');
      const fetched = await ask(
        `[hub.hf_hub_download('org/tiny', file, cache_dir=${JSON.stringify(theirs)}) for file in ${JSON.stringify(Object.keys(files))}]`,
        { HF_HUB_OFFLINE: '0', HF_HUB_DISABLE_XET: '1' },
      );
      expect([fetched.code, fetched.stderr]).toEqual([0, expect.anything()]);
      const model = await resolveModel('org/tiny', { base: work, cacheFolder: theirs });
      expect([model.source, model.path]).toEqual(['cache', path.replace(ours, theirs)]);
      expect((await readAll(model.path)).map.missing).toEqual([]);
      server.seen.length = 0;
      await downloadModel('org/tiny', { endpoint: server.endpoint, token: null, cacheFolder: theirs });
      expect(server.fetched()).toEqual(['main']);
    } finally {
      await server.stop();
    }
  });
});
