import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Peer } from '../../src/files/rpc.ts';
import type { ServiceNotifications, ServiceRequests } from '../../src/protocol/index.ts';
import { buildEngine, endRuns, Program, removeEngine } from './engine.ts';
import { makeWorkplace } from './tiny.ts';

type ServicePeer = Peer<ServiceRequests, Record<string, never>, ServiceNotifications>;

let place: string;
let recipe_path: string;
let service: string;
let child: ChildProcess;
let peer: ServicePeer;
let stderr = '';

function start(): { child: ChildProcess; peer: ServicePeer } {
  const process_ = spawn(process.execPath, [service], { cwd: place, stdio: ['pipe', 'pipe', 'pipe'] });
  process_.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const made: ServicePeer = new Peer(process_.stdout!, process_.stdin!);
  made.listen();
  return { child: process_, peer: made };
}

vi.setConfig({ testTimeout: 300_000 });
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-service-'));
  let cli = '';
  [{ service, cli }, recipe_path] = await Promise.all([buildEngine(), makeWorkplace(place)]);
  const trained = await new Program(process.execPath, [cli, 'train', recipe_path, '--json', '--out', 'run'], place)
    .finished;
  expect(trained.code).toBe(0);
  ({ child, peer } = start());
});
afterAll(async () => {
  child.kill('SIGKILL');
  await endRuns(place);
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});

const exitOf = (process_: ChildProcess) => new Promise((resolve) => process_.once('exit', resolve));

describe('the engine service', () => {
  it('says who it is', async () => {
    const hello = await peer.request('initialize', { client: 'test' });
    expect(hello).toEqual({ version: expect.any(String), node: process.version, pid: child.pid });
  });

  it('inspects data', async () => {
    const summary = await peer.request('data/inspect', { file: join(place, 'rows.csv') });
    expect(summary).toMatchObject({ rows: 240, guess: { text: 'text', label: 'label' } });
  });

  it('resolves a recipe and makes a run that waits', async () => {
    const { recipe, base } = await peer.request('recipe/resolve', { recipe_path });
    expect(base).toBe(place);
    expect(recipe).toMatchObject({ model: join(place, 'tiny'), dataset: join(place, 'rows.csv'), seed: 42 });
    const made = await peer.request('run/create', { recipe_path, folder: join(place, '.luthier'), name: 'Mine' });
    expect(made.record).toMatchObject({ state: 'queued', name: 'Mine', recipe_path });
    expect(JSON.parse(await readFile(join(made.path, 'run.json'), 'utf8'))).toEqual(made.record);
    const source = { recipe_path, folder: join(place, '.luthier') };
    const folds = { count: 3, final: true };
    const crossed = await peer.request('run/create', { ...source, folds });
    expect(crossed.record.folds).toEqual({ ...folds, results: [], deviations: {} });
    const none = peer.request('run/create', { ...source, folds: { ...folds, count: 1 } });
    await expect(none).rejects.toThrow('Rows cannot be divided into 1 folds.');
  });

  it('estimates a run', async () => {
    const estimate = await peer.request('run/estimate', { recipe_path });
    expect(estimate).toMatchObject({
      rows: 240,
      validation_rows: 24,
      total_steps: 216,
      truncated_rows: 0,
      max_length: 16,
      columns: { text: 'text', label: 'label' },
    });
    expect(estimate.classes).toEqual([
      { label: 'bad', count: 120 },
      { label: 'good', count: 120 },
    ]);
    expect(estimate.seconds).toBeGreaterThan(0);
    expect(estimate.peak_memory_bytes).toBeLessThan(1e9);
    expect(estimate.disk_bytes).toBeGreaterThan(0);
  });

  it('predicts with the run, again and together', async () => {
    const texts = ['the shop was lovely and great 1', 'my parcel is late and broken 2'];
    const one = await peer.request('predict', { model: join(place, 'run'), texts });
    expect(one).toMatchObject([{ label: 'good' }, { label: 'bad' }]);
    const many = await Promise.all([1, 2, 3].map(() => peer.request('predict', { model: join(place, 'run'), texts })));
    for (const again of many) expect(again).toEqual(one);
  });

  it('evaluates, and lists the rows of a cell', async () => {
    const progress: number[] = [];
    peer.hear('answer/part', ({ token, part }) => {
      if (token === 't' && part.type === 'rows') progress.push(part.done);
    });
    const data = join(place, 'rows.csv');
    const model = join(place, 'run', 'model');
    const report = await peer.request('evaluate', { model, data, split: 'test', progress_token: 't' });
    expect(report.n).toBe(240);
    expect(report.metrics.accuracy).toBeGreaterThan(0.9);
    expect(progress.at(-1)).toBe(240);
    const cell = await peer.request('run/cell', {
      run: join(place, 'run'),
      split: 'validation',
      actual: 'good',
      predicted: 'good',
      limit: 3,
    });
    const stored = JSON.parse(await readFile(join(place, 'run', 'evaluation.json'), 'utf8'));
    expect(cell.total).toBe(stored.validation.confusion[1][1]);
    expect(cell.rows.length).toBe(Math.min(3, cell.total));
  });

  it('exports and lists models', async () => {
    const onnx = await peer.request('export', {
      run: join(place, 'run'),
      format: 'onnx',
      out: join(place, 'exported'),
    });
    expect(onnx.path).toBe(join(place, 'exported', 'onnx', 'model.onnx'));
    expect(onnx.max_difference).toBeLessThan(1e-4);
    const copy = await peer.request('export', {
      run: join(place, 'run'),
      format: 'safetensors',
      out: join(place, 'copy'),
    });
    expect(copy).toMatchObject({ path: join(place, 'copy'), max_difference: 0 });
    const models = await peer.request('models/list', { folders: [place] });
    const names = models.filter((m) => m.source === 'folder').map((m) => m.name);
    expect(names.sort()).toEqual(['copy', 'exported', 'tiny']);
    expect(models.find((m) => m.name === 'copy')).toMatchObject({ labels: ['bad', 'good'], model_type: 'bert' });
    expect(models.find((m) => m.name === 'tiny')).toMatchObject({ labels: null });
  });

  it('answers a mistake with its code, message and hint', async () => {
    await expect(peer.request('predict', { model: 'nothing/here', texts: ['a'] })).rejects.toMatchObject({
      code: 'model-not-found',
      hint: expect.any(String),
    });
    await writeFile(join(place, 'bad.recipe.json'), '{');
    await expect(peer.request('recipe/resolve', { recipe_path: join(place, 'bad.recipe.json') })).rejects.toMatchObject(
      {
        code: 'recipe-invalid',
      },
    );
    await expect(peer.request('predict', { model: join(place, 'tiny'), texts: ['a'] })).rejects.toMatchObject({
      code: 'model-invalid',
    });
  });

  it('lists backends', async () => {
    const backends = await peer.request('backends', { measure: true });
    expect(backends.find((b) => b.name === 'onnxruntime')).toMatchObject({ usable: true, gflops: expect.any(Number) });
    for (const { detail } of backends) expect(detail).not.toBe('');
  });

  it('ends when it is told to, rejecting nothing', async () => {
    const exit = exitOf(child);
    expect(await peer.request('shutdown', {})).toBeNull();
    expect(await exit).toBe(0);
    expect(stderr).not.toMatch(/Error/);
  });

  it('ends when its client goes away', async () => {
    const other = start();
    await other.peer.request('initialize', { client: 'test' });
    const exit = exitOf(other.child);
    other.child.stdin!.end();
    expect(await exit).toBe(0);
  });

  it('rejects what is pending when it dies', async () => {
    const other = start();
    await other.peer.request('initialize', { client: 'test' });
    const pending = other.peer.request('run/estimate', { recipe_path });
    const refused = expect(pending).rejects.toMatchObject({ code: 'interrupted' });
    other.child.kill('SIGKILL');
    await refused;
  });
});
