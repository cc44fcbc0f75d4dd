import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModelFolder } from '../../src/engine/hub/model-folder.ts';
import { loadWeights } from '../../src/engine/model-files/load-weights.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../../src/engine/tensor/executors/onnxruntime.ts';
import { Tokenizer } from '../../src/engine/text/tokenizer.ts';
import { findPython, runPython } from './python.ts';

const inProject = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const models = inProject('../shared/models');
const python = findPython();
const isReady = python !== null && existsSync(models);
/** A folder of SmolLM2-135M-Instruct may be named too. */
const others = [inProject('starters/decoder'), process.env.LUTHIER_SMOLLM2].filter((it) => it !== undefined);

interface Row {
  text: string | null;
  ids: number[];
  first: number[];
  last: number[];
}

describe.skipIf(!isReady)('trained decoders (skipped without the peers’ Python and ../shared/models)', () => {
  let place: string;
  let executor: Executor;
  let expected: Record<string, Row[]>;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-real-'));
    const script = fileURLToPath(new URL('./real_decoders.py', import.meta.url));
    const { stdout, stderr } = await runPython(python!, [script, place, models, ...others]);
    expect(stdout, stderr).toContain('"ok": true');
    expected = JSON.parse(await readFile(join(place, 'expected.json'), 'utf8')) as Record<string, Row[]>;
    executor = await createOnnxRuntimeExecutor();
  }, 300_000);
  afterAll(async () => {
    executor?.dispose();
    await rm(place, { recursive: true, force: true });
  });

  it('have the ids and the logits that transformers gives', { timeout: 300_000 }, async () => {
    expect(Object.keys(expected).length).toBe(2 + others.length);
    for (const [path, rows] of Object.entries(expected)) {
      const folder = await openModelFolder(path);
      const architecture = architectureOf(folder.config, path, { name: 'text-generation', reads: 'all' });
      const options = { isTrained: () => false, accumulate: false, maxBatch: { texts: 1, tokens: 1 }, seed: 0 };
      const numLabels = architecture.outputs!;
      const model = new TaskModel({ executor, architecture, numLabels, padId: 0, ...options });
      await loadWeights(folder, architecture, model.store, { classifierRows: null, seed: 0, note: () => {} });
      await folder.weights.close();
      const tokenizer = rows[0]!.text === null ? null : await Tokenizer.load(path);
      for (const { text, ids, first, last } of rows) {
        if (tokenizer) expect([...tokenizer.encode(text!, 512).ids]).toEqual(ids);
        const logits = await model.logits([{ ids: Int32Array.from(ids), typeIds: null }]);
        const worst = (from: number, row: number[]) =>
          row.reduce((most, value, i) => Math.max(most, Math.abs(value - logits[from + i]!)), 0);
        expect(worst(0, first), path).toBeLessThan(1e-4);
        expect(worst(logits.length - numLabels, last), path).toBeLessThan(1e-4);
      }
      model.dispose();
    }
  });
});
