import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { connectRun } from '../../src/runs/client.ts';
import { buildEngine, endpointOf, endRuns, isAlive, losses, Program, removeEngine, stateOf } from './engine.ts';
import { makeWorkplace, tinyRows, writeRecipe } from './tiny.ts';

let place: string;
let recipe: string;
let cli: string;
let runner: string;
const run = (...args: string[]) => new Program(process.execPath, [cli, ...args], place);
const at = (folder: string) => join(place, folder);

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-steered-'));
  [{ cli, runner }] = await Promise.all([buildEngine(), makeWorkplace(place)]);
  recipe = join(place, 'long.recipe.json');
  // Steps of some 30 ms, for as long as it takes.
  await writeRecipe(recipe, {
    num_train_epochs: 10_000,
    gradient_accumulation_steps: 27,
    eval_steps: 100_000,
    save_steps: 50,
  });
});
afterAll(async () => {
  await endRuns(place);
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});
// Whole processes on a machine that may be busy; nothing here hangs on how fast they are.
vi.setConfig({ testTimeout: 300_000 });

describe('a run that works', () => {
  it('pauses within a step, goes on, and stops with the best weights', async () => {
    const program = run('train', recipe, '--json', '--out', 'steered');
    await program.untilStep(3);
    const paused = await run('runs', 'pause', 'steered', '--json').finished;
    expect(paused.code).toBe(0);
    const { step } = JSON.parse(paused.stdout);
    expect(await stateOf(at('steered'))).toBe('paused');
    expect(await readdir(join(at('steered'), 'checkpoints'))).toContain(`checkpoint-${step}`);
    const shown = await run('runs', 'show', 'steered', '--json').finished;
    expect(JSON.parse(shown.stdout)).toMatchObject({ state: 'paused', step });
    const resumed = await run('runs', 'resume', 'steered', '--detach', '--json').finished;
    expect(resumed.code).toBe(0);
    await program.untilStep(step + 2);
    // Two windows press Stop: both are answered.
    const [one, two] = [await connectRun(at('steered'), 'one'), await connectRun(at('steered'), 'two')];
    const [a, b] = await Promise.all([one.request('stop', {}), two.request('stop', {})]);
    expect(a).toEqual(b);
    const finished = await program.finished;
    expect(finished.code).toBe(0);
    expect(finished.events.at(-1)).toMatchObject({ event: 'done', step: a.step, best_step: a.step });
    expect(losses(finished.events).size).toBe(a.step);
    expect(await stateOf(at('steered'))).toBe('stopped');
    // Show Log opens this file: what the run noted stands there.
    const log = await readFile(join(at('steered'), 'run.log'), 'utf8');
    const told = (await readFile(join(at('steered'), 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const notes = told.flatMap((line) => {
      const { event, message } = JSON.parse(line);
      return event === 'note' ? [message] : [];
    });
    expect(notes.length).toBeGreaterThan(0);
    for (const note of notes) expect(log).toContain(note);
    expect(log).toMatch(/\] Started: \d+ training rows, .*\n(.*\n)*.*\] State: stopped early\n/);
    expect(await readdir(join(at('steered'), 'model'))).toContain('model.safetensors');
    const again = await run('runs', 'resume', 'steered').finished;
    expect(again.code).toBe(0);
    expect(again.stderr).toMatch(/was stopped/);
    const tagged = await run('runs', 'tag', 'steered', 'of two', '--json').finished;
    expect(JSON.parse(tagged.stdout)).toMatchObject({ tags: ['of two'] });
  });

  it('is cancelled and keeps only its record and metrics', async () => {
    const program = run('train', recipe, '--json', '--out', 'cancelled', '--set', 'save_steps=2');
    await program.untilStep(5);
    expect((await run('runs', 'cancel', 'cancelled').finished).code).toBe(0);
    const finished = await program.finished;
    expect(finished.code).toBe(130);
    expect(await stateOf(at('cancelled'))).toBe('cancelled');
    const left = (await readdir(at('cancelled'))).sort();
    expect(left).toEqual(['metrics.jsonl', 'run.json', 'run.log']);
  });

  it('is refused a second process and a second start, and is none the worse', async () => {
    const program = run('train', recipe, '--json', '--out', 'busy');
    await program.untilStep(2);
    const second = await new Program(process.execPath, [runner, at('busy'), '--resume'], place).finished;
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/Another process is already working on the run/);
    const start = await run('train', recipe, '--out', 'busy').finished;
    expect(start.code).toBe(1);
    expect(start.stderr).toMatch(/already contains a run/);
    const step = Math.max(...(await readLosses('busy')).keys());
    await program.untilStep(step + 2);
    await run('runs', 'cancel', 'busy').finished;
    await program.finished;
  });

  it('outlives the terminal that started it', async () => {
    const program = run('train', recipe, '--json', '--out', 'orphan');
    await program.untilStep(2);
    program.child.kill('SIGKILL');
    await program.finished;
    const { pid } = await endpointOf(at('orphan'));
    const client = await connectRun(at('orphan'), 'test');
    const seen: number[] = [];
    client.onEvent(({ event }) => {
      if (event.event === 'step') seen.push(event.step);
    });
    await client.request('subscribe', { from_line: 0 });
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThan(5);
    // From the first step on, none twice.
    expect(seen).toEqual(Array.from(seen, (_, i) => i + 1));
    const { record } = await client.request('describe', { name: 'Kept', note: 'of two', tags: ['b', ' a '] });
    expect(record).toMatchObject({ name: 'Kept', note: 'of two', tags: ['a', 'b'] });
    expect(JSON.parse(await readFile(join(at('orphan'), 'run.json'), 'utf8')).name).toBe('Kept');
    await client.request('cancel', {});
    await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
  });

  it('is deleted only when it has ended and somebody has said so; checkpoints go alone, too', async () => {
    const kept = ['--set', 'save_steps=2', '--set', 'keep_checkpoints=true'];
    const program = run('train', recipe, '--json', '--out', '.luthier/runs/gone', ...kept);
    await program.untilStep(4);
    const busy = await run('runs', 'remove', 'gone', '--yes').finished;
    expect(busy.code).toBe(1);
    expect(busy.stderr).toMatch(/is still in progress.*\n.*runs cancel gone/);
    await run('runs', 'stop', 'gone').finished;
    await program.finished;
    const folder = at('.luthier/runs/gone');
    expect(await readdir(folder)).toContain('checkpoints');
    expect((await run('runs', 'clean', '--yes').finished).stderr).toMatch(
      /Deleted the checkpoints of \d+ finished run/,
    );
    const left = await readdir(folder);
    expect(left).toContain('model');
    expect(left).not.toContain('checkpoints');
    const asked = await run('runs', 'remove', 'gone').finished;
    expect(asked.code).toBe(2);
    expect(asked.stderr).toMatch(/Pass --yes to delete\./);
    expect((await run('runs', 'remove', 'gone', '--yes').finished).code).toBe(0);
    await expect(readdir(folder)).rejects.toThrow('ENOENT');
  });

  it.each(['deleted', 'moved'])(
    'ends with the reason when its folder is %s, and the folder does not come back',
    async (what) => {
      const program = run('train', recipe, '--json', '--out', what);
      await program.until((event) => event.event === 'checkpoint');
      const { pid } = await endpointOf(at(what));
      const elsewhere = at(`${what} elsewhere`);
      if (what === 'moved') await rename(at(what), elsewhere);
      else await rm(at(what), { recursive: true, force: true, maxRetries: 50 });
      const finished = await program.finished;
      expect(finished.code).toBe(1);
      expect(finished.stderr).toMatch(/was deleted or moved during training, so the run has ended/);
      await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
      await expect(readdir(at(what))).rejects.toThrow('ENOENT');
      if (what === 'deleted') return;
      // Where it is now it can be resumed, once somebody says whose it is.
      expect((await run('runs', 'resume', 'moved elsewhere').finished).stderr).toMatch(/not known on this machine/);
      const resumed = await run('runs', 'resume', 'moved elsewhere', '--yes', '--detach', '--json').finished;
      expect(resumed.code).toBe(0);
      await run('runs', 'cancel', 'moved elsewhere').finished;
      await expect.poll(() => stateOf(elsewhere), { timeout: 20_000 }).toBe('cancelled');
    },
  );

  it('that was killed before it could say that it began is resumed at once', async () => {
    const program = run('train', recipe, '--json', '--out', 'early');
    await expect
      .poll(() => readFile(join(at('early'), 'run.lock'), 'utf8').catch(() => ''), { interval: 2 })
      .toMatch(/pid/);
    const { pid } = JSON.parse(await readFile(join(at('early'), 'run.lock'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    program.child.kill('SIGKILL');
    await program.finished;
    const resumed = await run('runs', 'resume', 'early', '--detach', '--json').finished;
    expect(resumed.stderr).toBe('');
    expect(resumed.code).toBe(0);
    await run('runs', 'cancel', 'early').finished;
    await expect.poll(() => stateOf(at('early')), { timeout: 20_000 }).toBe('cancelled');
  });

  it('that never began leaves nothing behind', async () => {
    const refused = await run('train', recipe, '--out', 'refused', '--set', 'dataset=nowhere.csv').finished;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/nowhere\.csv/);
    await expect(readdir(at('refused'))).rejects.toThrow('ENOENT');
  });

  it('answers nobody without its token', async () => {
    const program = run('train', recipe, '--json', '--out', 'guarded');
    await program.untilStep(1);
    const { address, token } = await endpointOf(at('guarded'));
    const ask = async (first: string, params: object) => {
      const socket = connect(address);
      const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
      connection.listen();
      try {
        return await connection.sendRequest(first, params);
      } finally {
        connection.dispose();
        socket.destroy();
      }
    };
    await expect(ask('cancel', {})).rejects.toThrow(/first request .* must be hello/);
    await expect(ask('hello', { token: `${token}x`, client: 'x' })).rejects.toThrow(/token does not belong/);
    await expect(ask('hello', { client: 'x' })).rejects.toThrow(/token does not belong/);
    const mode =
      process.platform === 'win32'
        ? 0o600
        : (await import('node:fs')).statSync(join(at('guarded'), 'endpoint.json')).mode;
    expect(mode & 0o077).toBe(0);
    await run('runs', 'cancel', 'guarded').finished;
    await program.finished;
  });

  it('can be started to train in the background', async () => {
    const { code, stdout } = await run('train', recipe, '--out', 'detached', '--detach', '--json').finished;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ run: at('detached') });
    const client = await connectRun(at('detached'), 'test');
    expect(client.record.state).toMatch(/starting|running/);
    await client.request('cancel', {});
    await expect.poll(() => stateOf(at('detached')), { timeout: 20_000 }).toBe('cancelled');
  });
});

/** Linux: pids of the run processes of a folder, which stands in their arguments. */
async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (args.split('\0').includes(folder)) found.push(pid);
  }
  return found;
}

async function readLosses(folder: string) {
  const lines = (await readFile(join(at(folder), 'metrics.jsonl'), 'utf8')).trim().split('\n');
  return losses(lines.map((line) => JSON.parse(line)));
}

describe('what goes wrong', () => {
  it('a loss that is no number ends the run, keeps the checkpoint, and says so', async () => {
    const program = run(
      'train',
      recipe,
      '--json',
      '--out',
      'nan',
      '--set',
      'learning_rate=1e20',
      '--set',
      'warmup_steps=40',
      '--set',
      'save_steps=1',
      '--set',
      'adam_epsilon=1',
    );
    const finished = await program.finished;
    expect(finished.code).toBe(1);
    expect(finished.events.at(-1)).toMatchObject({ event: 'error', code: 'loss-not-finite' });
    expect(finished.stderr).toMatch(/At step \d+ the (loss|gradient norm) is .*diverged/);
    expect(finished.stderr).toMatch(/checkpoint of step \d+ is kept|There was no checkpoint yet/);
    expect(finished.stderr).not.toMatch(/\n\s+at /);
    expect(await stateOf(at('nan'))).toBe('failed');
  });

  it.each([
    ['an unknown key', ['--set', 'learning_rat=1'], 2, /unknown key "learning_rat"; did you mean "learning_rate"\?/],
    [
      'a batch larger than the training part',
      ['--set', 'per_device_train_batch_size=500'],
      1,
      /per_device_train_batch_size is 500, but there are only \d+ training rows/,
    ],
    [
      'more layers frozen than there are',
      ['--set', 'strategy.type=freeze', '--set', 'strategy.num_frozen_layers=9'],
      1,
      /num_frozen_layers is 9, but the model has 2 layers/,
    ],
    ['a data file that is not there', ['--set', 'dataset=none.csv'], 1, /none\.csv/],
    ['a model that is not there', ['--set', 'model=starters/none'], 1, /Model "starters\/none" was not found/],
    ['a column that is not there', ['--set', 'columns.text=txt'], 1, /txt.*text/],
  ])('%s is one sentence', async (_, args, code, message) => {
    const finished = await run('train', recipe, '--json', ...(args as string[])).finished;
    expect(finished.stderr).toMatch(message as RegExp);
    expect(finished.stderr).not.toMatch(/\n\s+at /);
    expect(finished.code === code || finished.code === 2).toBe(true);
    await rm(join(place, '.luthier'), { recursive: true, force: true });
  });

  it.runIf(process.getuid?.() === 0 || process.platform !== 'win32')('a read-only folder', async ({ skip }) => {
    const folder = at('locked');
    await mkdir(folder);
    await writeFile(join(folder, 'rows.csv'), tinyRows(40));
    await writeFile(join(folder, 'r.recipe.json'), JSON.stringify({ model: at('tiny'), dataset: 'rows.csv' }));
    await chmod(folder, 0o555);
    await chmod(place, 0o755);
    // Root may write everywhere, so be nobody.
    const asNobody = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--clear-groups'] : [];
    const [command, ...args] = [...asNobody, process.execPath, cli];
    const version = await new Program(command!, [...args, '--version'], place).finished.catch(() => null);
    if (version?.code !== 0) skip('another user may not read this checkout');
    const finished = await new Program(command!, [...args, 'train', join(folder, 'r.recipe.json')], place).finished;
    await chmod(folder, 0o755);
    expect(finished.stderr).toMatch(/cannot be written: permission denied \(EACCES\)/);
    expect(finished.stderr).toContain('--out DIR');
    expect(finished.code).toBe(1);
    expect(await readdir(folder)).toEqual(['r.recipe.json', 'rows.csv']);
  });

  it('a disk that fills up while a checkpoint is written: nothing is lost, and it goes on', async ({ skip }) => {
    const disk = at('disk');
    await mkdir(disk);
    // A file system of 1.2 MB in a namespace of its own: the first checkpoint fits, then something else fills it.
    const inside = (script: string) => new Program('unshare', ['-rm', 'sh', '-ec', script], place);
    const probe = await inside(`mount -t tmpfs -o size=1200k tmpfs '${disk}'`).finished.catch(() => null);
    if (probe?.code !== 0) skip('no namespaces here');
    const node = `'${process.execPath}' '${cli}'`;
    const { stdout, stderr } = await inside(`
      mount -t tmpfs -o size=1200k tmpfs '${disk}'
      ${node} train '${recipe}' --json --out '${disk}/run' --set save_steps=5 --set max_steps=40 --detach
      until ls '${disk}/run/checkpoints' 2>/dev/null | grep -q '^checkpoint-'; do sleep 0.02; done
      head -c 2000000 /dev/zero > '${disk}/filler' 2>/dev/null || true
      until grep -q '"state": *"failed"' '${disk}/run/run.json'; do sleep 0.02; done
      cat '${disk}/run/run.json'; echo
      ${node} runs resume '${disk}/run' --json || echo "code $?"
      ${node} runs resume '${disk}/run' --json || echo "code $?"
      ls '${disk}/run/checkpoints'
      rm '${disk}/filler'
      ${node} runs resume '${disk}/run' --json
    `).finished;
    // The reason is kept, though there was no room for it: the run is failed, not "running" for ever.
    expect(stdout).toMatch(/"code": *"disk-full"/);
    expect(stderr + stdout).toMatch(/disk is full/i);
    expect(stdout).toMatch(/^checkpoint-\d+$/m);
    expect(stdout.trim().split('\n').at(-1)).toMatch(/^\{"event":"done"/);
    // Those that could not begin are gone.
    await expect.poll(() => processesOf(`${disk}/run`), { timeout: 20_000 }).toEqual([]);
  });

  it('a run resumes on a disk that has room for the rest of it alone', async ({ skip }) => {
    const disk = at('small disk');
    await mkdir(disk);
    const inside = (script: string) => new Program('unshare', ['-rm', 'sh', '-ec', script], place);
    const probe = await inside(`mount -t tmpfs -o size=1200k tmpfs '${disk}'`).finished.catch(() => null);
    if (probe?.code !== 0) skip('no namespaces here');
    const node = `'${process.execPath}' '${cli}'`;
    // The whole run may take 0.9 MB; 0.75 are free when it is resumed, and a quarter of one is its own checkpoint.
    const { stdout, stderr } = await inside(`
      mount -t tmpfs -o size=1200k tmpfs '${disk}'
      ${node} train '${recipe}' --json --out '${disk}/run' --set save_steps=5 --set max_steps=150 --detach
      until ls '${disk}/run/checkpoints' 2>/dev/null | grep -q '^checkpoint-'; do sleep 0.02; done
      pid=$('${process.execPath}' -p 'require("${disk}/run/endpoint.json").pid')
      kill -KILL $pid
      while kill -0 $pid 2>/dev/null; do sleep 0.02; done
      cd '${disk}/run/checkpoints' && for it in $(ls | sort -t- -k2 -n | head -n -1); do rm -r $it; done
      free=$(df --output=avail -B1 '${disk}' | tail -1)
      head -c $((free - 750000)) /dev/zero > '${disk}/filler'
      ${node} runs resume '${disk}/run' --json
    `).finished;
    expect(stderr).not.toMatch(/would write up to/);
    expect(stdout.trim().split('\n').at(-1)).toMatch(/^\{"event":"done"/);
    await expect.poll(() => processesOf(`${disk}/run`), { timeout: 20_000 }).toEqual([]);
  });

  it('a run from a newer version, and one that is half-written', async () => {
    const runs = join(place, '.luthier', 'runs');
    await mkdir(join(runs, 'newer'), { recursive: true });
    await mkdir(join(runs, 'half'), { recursive: true });
    await writeFile(join(runs, 'newer', 'run.json'), '{"format": 99, "id": "newer"}');
    await writeFile(join(runs, 'half', 'run.json'), '{"format": 1, "id": "ha');
    const shown = await run('runs', 'show', 'newer').finished;
    expect(shown.stderr).toMatch(/newer version of Luthier \(format 99; this version reads format 1\)/);
    expect(shown.code).toBe(1);
    expect((await run('runs', 'resume', 'newer').finished).code).toBe(1);
    const list = await run('runs', 'list').finished;
    expect(list.code).toBe(0);
    expect(list.stdout).toMatch(/newer +run-newer-format/);
    expect(list.stdout).toMatch(/half +run-invalid/);
    await rm(join(place, '.luthier'), { recursive: true });
  });

  it('wrong use is exit code 2', async () => {
    for (const args of [
      ['train'],
      ['train', 'none.json'],
      ['frobnicate'],
      ['runs'],
      ['train', recipe, '--what'],
      ['train', recipe, '--backend', 'abacus'],
      ['predict', 'tiny', '--text', 'a', '--file', 'b'],
      ['train', recipe, '--set', 'seed'],
    ]) {
      const finished = await run(...args).finished;
      expect([args.join(' '), finished.code]).toEqual([args.join(' '), 2]);
      expect(finished.stdout).toBe('');
    }
  });
});
