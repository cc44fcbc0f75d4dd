import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Peer } from '../../src/files/rpc.ts';
import { engineEnvironment, type ServiceNotifications, type ServiceRequests } from '../../src/protocol/index.ts';
import { buildEngine, removeEngine } from '../faults/engine.ts';

vi.setConfig({ testTimeout: 300_000 });

const starter = fileURLToPath(new URL('../../starters/decoder', import.meta.url));
let place: string;
let child: ChildProcess;
let peer: Peer<ServiceRequests, Record<string, never>, ServiceNotifications>;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier completions '));
  const { service } = await buildEngine();
  const env = engineEnvironment(process.env, process.platform);
  const started = spawn(process.execPath, [service], { stdio: ['pipe', 'pipe', 'inherit'], env, cwd: place });
  child = started;
  peer = new Peer(started.stdout, started.stdin);
  peer.listen();
  await peer.request('initialize', { client: 'test' });
});
afterAll(async () => {
  child?.kill('SIGKILL');
  await rm(place, { recursive: true, force: true });
  await removeEngine();
});

const complete = (model: string, before: string, signal?: AbortSignal) =>
  peer.request(
    'completion/complete',
    { model, language: 'typescript', before, after: '', extent: 'block', maxTokens: 200 },
    signal ? { signal } : {},
  );

test('a newer request cancels the older, also while the model is loaded; keys typed in quick succession are answered once', async () => {
  const typed = ['The parcel ', 'The parcel i', 'The parcel is', 'The parcel is '];
  const asked = typed.map((before) => complete(starter, before));
  const ended = await Promise.allSettled(asked);
  expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
  for (const each of ended.slice(0, -1)) expect(each).toMatchObject({ reason: { code: 'cancelled' } });
  const last = ended.at(-1) as PromiseFulfilledResult<ServiceRequests['completion/complete']['result']>;
  expect(last.value.items).toHaveLength(1);
});

test('a request that its asker gives up ends with a cancellation', async () => {
  const abort = new AbortController();
  const asked = complete(starter, 'Nobody has ever', abort.signal);
  setTimeout(() => abort.abort(), 50);
  await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
});

test('a model that is missing, half-written or deleted is an error with a code, and the next one is answered', async () => {
  await expect(complete(join(place, 'nowhere'), 'The')).rejects.toMatchObject({ code: 'model-not-found' });
  const half = join(place, 'half');
  await cp(starter, half, { recursive: true });
  await truncate(join(half, 'model.safetensors'), 1_000_000);
  await expect(complete(half, 'The')).rejects.toMatchObject({ code: 'model-invalid' });
  await cp(join(starter, 'model.safetensors'), join(half, 'model.safetensors'));
  expect((await complete(half, 'The server is')).items).toHaveLength(1);
  await rm(half, { recursive: true });
  await expect(complete(half, 'The server was')).rejects.toMatchObject({ code: 'model-not-found' });
});
