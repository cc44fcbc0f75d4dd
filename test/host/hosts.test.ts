import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { makeBertFolder } from '../../src/engine/hub/testing/bert-folder.ts';
import { parseRecipe } from '../../src/engine/recipes/recipe.ts';
import { Hosts } from '../../src/engine/service/host/hosts.ts';
import { createTrainer } from '../../src/engine/train/trainer.ts';
import { Peer } from '../../src/files/rpc.ts';
import {
  engineEnvironment,
  type Recipe,
  type ServiceNotifications,
  type ServiceRequests,
} from '../../src/protocol/index.ts';
import { buildEngine, removeEngine } from '../faults/engine.ts';

let place: string;
let engine: Awaited<ReturnType<typeof buildEngine>>;
/** A real one, that takes its time. */
let slow: string;
/** Rows that it has to answer for many seconds. */
let many: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier hosts '));
  engine = await buildEngine();
  const few = join(place, 'few.csv');
  await writeFile(few, 'text,label\nthe parcel is late,bad\nall is well,good\nnever again,bad\nvery nice,good\n');
  const trainer = await createTrainer({
    recipe: parseRecipe({ model: 'starters/bert', dataset: few, validation_split: 0, max_steps: 1 }),
    base: place,
    note: () => undefined,
  });
  await trainer.trainStep();
  slow = join(place, 'slow');
  await trainer.saveModel(slow);
  trainer.dispose();
  many = join(place, 'many.csv');
  const text = 'the parcel came late and nobody could say where it had been all the while '.repeat(3);
  const rows = Array.from({ length: 3000 }, (_, i) => `${text}${i},${i % 2 ? 'bad' : 'good'}`);
  await writeFile(many, `text,label\n${rows.join('\n')}\n`);
});
afterAll(async () => {
  await rm(place, { recursive: true, force: true });
  await removeEngine();
});

type Log = ServiceNotifications['log'];
/** How long a busy machine may take to load a model and to answer a first batch. */
const PATIENCE = { timeout: 120_000 };
vi.setConfig({ testTimeout: 300_000 });
const running: { child: ChildProcess; logs: Log[] }[] = [];
afterEach(() => {
  for (const { child, logs } of running.splice(0)) {
    child.kill('SIGKILL');
    // One that a failed test has stopped does not hear of it.
    for (const pid of pidsIn(logs)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
});

/** The service's process as the editor starts it, what it says, and the processes that it has started. */
async function startService(idle_ms = 60_000) {
  const env = engineEnvironment(process.env, process.platform);
  const child = spawn(process.execPath, [engine.service], { stdio: ['pipe', 'pipe', 'inherit'], env });
  const peer = new Peer<ServiceRequests, Record<string, never>, ServiceNotifications>(child.stdout, child.stdin);
  const logs: Log[] = [];
  running.push({ child, logs });
  const done: number[] = [];
  peer.hear('log', (log) => void logs.push(log));
  peer.hear('answer/part', ({ part }) => void (part.type === 'rows' && done.push(part.done)));
  peer.listen();
  await peer.request('initialize', { client: 'test', idle_ms });
  const predict = (model: string) => peer.request('predict', { model, texts: ['the parcel is late'] });
  const evaluate = (signal?: AbortSignal) =>
    peer.request('evaluate', { model: slow, data: many, split: 'test', progress_token: 'e' }, { signal });
  /** An evaluation that is under way, and ends when it is told to. */
  const evaluating = async () => {
    const abort = new AbortController();
    let isOver = false;
    const ended = evaluate(abort.signal).then(
      () => expect.fail('it was not cancelled'),
      (error: unknown) => {
        isOver = true;
        return error as Error;
      },
    );
    await vi.waitFor(() => expect(done.length).toBeGreaterThan(0), PATIENCE);
    return { abort: () => abort.abort(), ended, isOver: () => isOver };
  };
  return { child, peer, logs, done, predict, evaluating, hosts: () => pidsIn(logs) };
}

const pidsIn = (logs: Log[]): number[] =>
  logs.flatMap(({ message }) => /^Process (\d+) answers/.exec(message)?.[1] ?? []).map(Number);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
const allGone = (pids: number[]) => vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), PATIENCE);

test('while one model is evaluated another answers, so does the service, and the evaluation is cancelled within a batch', async () => {
  const other = await makeBertFolder(join(place, 'other'));
  const { peer, done, predict, evaluating, hosts } = await startService();
  const evaluation = await evaluating();
  // However fast the machine, it does not come to its end meanwhile.
  process.kill(hosts()[0]!, 'SIGSTOP');
  expect(await predict(other)).toHaveLength(1);
  const { problems } = await peer.request('recipe/check', { text: '{}', base: place });
  expect(problems.length).toBeGreaterThan(0);
  expect((await peer.request('data/inspect', { file: join(place, 'few.csv') })).rows).toBe(4);
  process.kill(hosts()[0]!, 'SIGCONT');
  // The model at work answers others between its batches, too.
  expect(await predict(slow)).toHaveLength(1);
  expect(evaluation.isOver()).toBe(false);
  expect(new Set(hosts()).size).toBe(2);

  const before = done.at(-1)!;
  evaluation.abort();
  expect(await evaluation.ended).toMatchObject({ code: 'cancelled' });
  // The batch that was being computed, and one that was done before the word arrived here.
  expect(done.at(-1)!).toBeLessThanOrEqual(before + 2 * 64);
  expect(done.every((count, i) => i === 0 || count > done[i - 1]!)).toBe(true);
  // The model is still there for the next question.
  expect(await predict(slow)).toHaveLength(1);
  expect(hosts()).toHaveLength(2);
});

test('a model that writes streams its text, ends between two tokens when cancelled, and answers two in turn', async () => {
  const { peer } = await startService();
  const texts: Record<string, string> = {};
  peer.hear('answer/part', ({ token, part }) => {
    if (part.type === 'text') texts[token] = (texts[token] ?? '') + part.text;
  });
  const model = 'starters/decoder';
  const ask = (prompt: ServiceRequests['generate']['params']['prompt'], progress_token: string, tokens = 12) =>
    peer.request('generate', { model, prompt, settings: { max_new_tokens: tokens }, progress_token });
  const dialogue = [{ role: 'user', content: 'What is a file?' }];
  const [first, second] = await Promise.all([ask('The server', 'a'), ask(dialogue, 'b')]);
  expect(first.token_ids).toEqual([314, 253, 6064, 338, 314, 253, 6064, 29, 1908, 6064, 30, 198]);
  expect([texts.a, texts.b]).toEqual([first.generated_text, second.generated_text]);
  expect(await ask(dialogue, 'c')).toMatchObject({ token_ids: second.token_ids, left_out: 0, notes: [] });

  const abort = new AbortController();
  const long = { model, prompt: 'The', settings: { max_new_tokens: 8000 }, progress_token: 'd' };
  const ended = peer.request('generate', long, { signal: abort.signal });
  await vi.waitFor(() => expect(texts.d?.length).toBeGreaterThan(0), PATIENCE);
  abort.abort();
  // What is written until then is the answer.
  expect(await ended).toMatchObject({ finish_reason: 'cancelled', generated_text: texts.d });
  expect((await ask('The server', 'e')).token_ids).toEqual(first.token_ids);
});

test('a template is rendered without a model and with one, answered, and cancelled between two tokens', async () => {
  const { peer, hosts } = await startService();
  const texts: Record<string, string> = {};
  peer.hear('answer/part', ({ token, part }) => {
    if (part.type === 'text') texts[token] = (texts[token] ?? '') + part.text;
  });
  const front =
    'model: { api: chat, parameters: { max_tokens: 8, temperature: 0, frequency_penalty: 1 } }\nsample: { q: a file }';
  const source = { text: `---\n${front}\n---\nsystem:\nBe brief.\nuser:\nWhat is {{ q }}? {{ missing }}`, base: place };
  const bare = await peer.request('prompt/render', source);
  expect(bare).toMatchObject({
    ...{ row: null, tokens: null, prompt: 'system:\nBe brief.\n\nuser:\nWhat is a file?' },
    warnings: [{ message: '“missing” has no value.', line: 8 }],
  });
  expect(hosts()).toEqual([]);

  const model = 'starters/decoder';
  const rendered = await peer.request('prompt/render', { ...source, model });
  expect(rendered.prompt).toBe(
    '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat is a file?<|im_end|>\n<|im_start|>assistant\n',
  );
  const answered = await peer.request('prompt/run', { ...source, model, progress_token: 'a' });
  expect(answered).toMatchObject({ prompt: rendered.prompt, prompt_tokens: rendered.tokens, tokens: 8 });
  expect(answered.finish_reason).toBe('length');
  expect(answered.notes[0]).toBe('The template’s frequency_penalty is left out: models here have no such setting.');
  expect(texts.a).toBe(answered.answer);

  const abort = new AbortController();
  const long = { ...source, model, settings: { max_new_tokens: 7000 }, progress_token: 'b' };
  const ended = peer.request('prompt/run', long, { signal: abort.signal });
  await vi.waitFor(() => expect(texts.b?.length).toBeGreaterThan(0), PATIENCE);
  abort.abort();
  expect(await ended).toMatchObject({ finish_reason: 'cancelled', answer: texts.b });

  const loop = { ...source, text: 'user:\n{% for i in range(1000000000) %}{% endfor %}' };
  await expect(peer.request('prompt/render', loop)).rejects.toMatchObject({ code: 'prompt-invalid' });
  expect((await peer.request('prompt/check', { ...loop, model })).problems).toMatchObject([{ code: 'render' }]);
  const checked = await peer.request('prompt/check', { ...source, model });
  expect(checked.problems).toEqual([]);
  expect(checked.tokens).toMatchObject({ prompt: rendered.tokens, messages: [3, expect.any(Number)], positions: 8192 });
  expect(hosts()).toHaveLength(1);
});

test('while a run is estimated the service answers, and the estimate is whole', async () => {
  const { peer, hosts } = await startService();
  const recipe = { model: 'starters/bert', dataset: many } as Recipe;
  let isOver = false;
  const estimating = peer.request('run/estimate', { recipe, base: place }).finally(() => {
    isOver = true;
  });
  await vi.waitFor(() => expect(hosts()).toHaveLength(1), PATIENCE);
  // However fast the machine, it does not come to its end meanwhile.
  process.kill(hosts()[0]!, 'SIGSTOP');
  expect((await peer.request('data/inspect', { file: join(place, 'few.csv') })).rows).toBe(4);
  expect(isOver).toBe(false);
  process.kill(hosts()[0]!, 'SIGCONT');
  const estimate = await estimating;
  expect(estimate.rows).toBe(3000);
  expect(estimate.seconds).toBeGreaterThan(0);
  // The machine's rate is known there: the next estimate does not measure it again.
  const few = { ...recipe, dataset: join(place, 'few.csv'), validation_split: 0 };
  expect((await peer.request('run/estimate', { recipe: few, base: place })).rows).toBe(4);
  expect(hosts()).toHaveLength(1);
  await expect(
    peer.request('run/estimate', { recipe: { ...recipe, dataset: 'none.csv' }, base: place }),
  ).rejects.toMatchObject({ code: 'data-unreadable' });
});

test('a model whose process is killed takes only its own requests with it, and is loaded again by the next', async () => {
  const other = await makeBertFolder(join(place, 'unharmed'));
  const { logs, predict, evaluating, hosts } = await startService();
  const evaluation = await evaluating();
  await predict(other);
  const [first] = hosts();
  process.kill(first!, 'SIGKILL');
  expect(await evaluation.ended).toMatchObject({
    code: 'interrupted',
    message: 'The process that answers for slow stopped (signal SIGKILL).',
    hint: expect.stringContaining('when memory runs out'),
  });
  expect(logs.some(({ level, message }) => level === 'error' && message.includes('signal SIGKILL'))).toBe(true);
  expect(await predict(other)).toHaveLength(1);
  expect(await predict(slow)).toHaveLength(1);
  expect(hosts()).toHaveLength(3);
});

test.each(['SIGKILL', 'end of input'])('no process of a model outlives the service (%s)', async (how) => {
  const { child, evaluating, predict, hosts } = await startService();
  const other = await makeBertFolder(join(place, 'orphan'));
  await predict(other);
  const { ended } = await evaluating();
  expect(hosts().filter(isAlive)).toHaveLength(2);
  if (how === 'SIGKILL') child.kill('SIGKILL');
  else child.stdin!.end();
  await once(child, 'exit');
  await ended;
  await allGone(hosts());
});

test('a model is let go when it was idle, and loaded again when its files have changed', async () => {
  const model = await makeBertFolder(join(place, 'idle'));
  const idle = await startService(50);
  await idle.predict(model);
  await allGone(idle.hosts());
  expect(idle.logs.map(({ message }) => message)).toContain('idle was let go: idle');
  await idle.predict(model);
  expect(idle.hosts()).toHaveLength(2);

  const { predict, hosts } = await startService();
  const before = await predict(model);
  await predict(model);
  expect(hosts()).toHaveLength(1);
  await cp(await makeBertFolder(join(place, 'changed'), { weights: (_, data) => data.reverse() }), model, {
    recursive: true,
  });
  await utimes(join(model, 'model.safetensors'), new Date(), new Date(Date.now() + 10_000));
  const after = await predict(model);
  expect(hosts()).toHaveLength(2);
  expect(after).not.toEqual(before);
  await allGone(hosts().slice(0, 1));
});

test('when memory runs short, the models that were idle the longest go first; one at work stays', async () => {
  const models = await Promise.all(['a', 'b', 'c'].map((name) => makeBertFolder(join(place, name))));
  const logs: Log[] = [];
  let free = 10e9;
  const hosts = new Hosts({
    tell: (method, params) => void (method === 'log' && logs.push(params as Log)),
    idleMs: () => 60_000,
    script: engine.host,
    memory: () => ({ free, reserve: 1e9 }),
  });
  const { signal } = new AbortController();
  const predict = (model: string) => hosts.ask(model, 'predict', { model, texts: ['good'] }, signal);
  try {
    await predict(models[0]!);
    await predict(models[1]!);
    await predict(models[0]!);
    expect(pidsIn(logs).filter(isAlive)).toHaveLength(2);
    // Room for one more, if one goes.
    free = 1.2e9;
    await predict(models[2]!);
    const gone = () => logs.flatMap(({ message }) => /^(\w+) was let go: memory/.exec(message)?.[1] ?? []);
    expect(gone()).toEqual(['b']);
    await allGone(pidsIn(logs).slice(1, 2));
    // However little there is, what works, or has just answered, is not ended.
    free = 0;
    const evaluation = hosts.ask(slow, 'label', { texts: [{ text: 'late' }] }, signal);
    const answer = predict(models[2]!);
    expect(await evaluation).toHaveLength(1);
    expect(await answer).toHaveLength(1);
    expect(gone().slice(0, 2)).toEqual(['b', 'a']);
  } finally {
    hosts.dispose();
  }
  await allGone(pidsIn(logs));
});

test('a model that cannot be loaded says why, and can be mended', async () => {
  const model = await makeBertFolder(join(place, 'mended'));
  await writeFile(join(model, 'vocab.txt'), '');
  const { predict } = await startService();
  await expect(predict(model)).rejects.toMatchObject({ code: 'tokenizer-invalid' });
  await makeBertFolder(model);
  expect(await predict(model)).toHaveLength(1);
});
