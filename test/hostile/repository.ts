import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { makeTinyBert } from '../faults/tiny.ts';

/** What a shell would run if a run's events were appended to its start-up file. */
export const COMMAND = '$(touch pwned)';

/** A folder that a repository brings, a person's own files beside it, and what the repository does to reach them. */
export interface Hostile {
  repository: string;
  /** The person's own: nothing here may be read, changed or deleted. */
  own: string;
  /** Everything in `own` as it stands. */
  state(): Promise<string>;
  /** Connections that a server of the person's got. */
  connections(): number;
  close(): Promise<void>;
}

const isWindows = process.platform === 'win32';

/** A run's record as 0.1.0 writes it, with what an attack changes. */
export function hostileRecord(repository: string, id: string, change: object = {}): object {
  return {
    format: 1,
    id,
    name: id,
    note: '',
    state: 'queued',
    recipe: {
      task: 'text-classification',
      model: join(repository, 'tiny'),
      dataset: join(repository, 'rows.csv'),
      per_device_train_batch_size: 4,
      num_train_epochs: 1,
      max_length: 16,
      save_steps: 2,
    },
    recipe_path: null,
    created_at: '2026-01-01T00:00:00.000Z',
    started_at: '2026-01-01T00:00:00.000Z',
    finished_at: null,
    step: 0,
    total_steps: 0,
    labels: [],
    best: null,
    model: null,
    error: null,
    environment: null,
    ...change,
  };
}

/** Runs whose folders lead elsewhere, each by one kind of link. */
export const LINKED_RUNS = ['by-metrics', 'by-log', 'by-model', 'by-checkpoints', 'by-record-pipe'] as const;

export async function makeHostileRepository(place: string): Promise<Hostile> {
  const repository = join(place, 'repository');
  const own = join(place, 'own');
  await mkdir(join(own, 'project', '.luthier', 'runs', 'theirs', 'checkpoints', '.tmp-1'), { recursive: true });
  await mkdir(join(own, 'model'));
  await writeFile(join(own, 'profile'), '# start-up file\n');
  await writeFile(join(own, 'key'), 'secret,key\n');
  await writeFile(join(own, 'model', 'config.json'), '{"mine": true}\n');
  const theirs = join(own, 'project', '.luthier', 'runs', 'theirs');
  await writeFile(
    join(theirs, 'run.json'),
    JSON.stringify(hostileRecord(own, 'theirs', { state: 'done', finished_at: '2026-01-01T00:00:00.000Z' })),
  );
  await writeFile(join(theirs, 'checkpoints', '.tmp-1', 'x'), 'x');

  await makeTinyBert(join(repository, 'tiny'));
  const rows = Array.from(
    { length: 24 },
    (_, i) => `the shop was ${i % 2 ? 'great' : 'awful'} ${i},"${COMMAND} ${i % 2}"`,
  );
  await writeFile(join(repository, 'rows.csv'), `text,label\n${rows.join('\n')}\n`);
  await mkdir(join(repository, '.git'));
  const runs = join(repository, '.luthier', 'runs');
  const run = async (id: string, change: object = {}) => {
    const folder = join(runs, id);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'run.json'), JSON.stringify(hostileRecord(repository, id, change)));
    return folder;
  };
  await run('evil');
  if (!isWindows) {
    await symlink(join(own, 'profile'), join(await run('by-metrics'), 'metrics.jsonl'));
    await symlink(join(own, 'profile'), join(await run('by-log'), 'run.log'));
    execFileSync('mkfifo', [join(await run('by-record-pipe'), 'metrics.jsonl')]);
    const pipe = join(runs, 'pipe');
    await mkdir(pipe);
    execFileSync('mkfifo', [join(pipe, 'run.json')]);
    const endless = join(runs, 'endless');
    await mkdir(endless);
    await symlink('/dev/zero', join(endless, 'run.json'));
    // Rows, a recipe and a dataset's folder that have no end, or none that comes.
    await symlink('/dev/zero', join(repository, 'zero.csv'));
    await symlink('/dev/zero', join(repository, 'zero.recipe.json'));
    execFileSync('mkfifo', [join(repository, 'pipe.csv'), join(repository, 'pipe.recipe.json')]);
    const dataset = join(repository, '.luthier', 'datasets', 'endless');
    await mkdir(dataset, { recursive: true });
    const made = {
      format: 1,
      name: 'endless',
      created_at: '2026-01-01',
      source: null,
      columns: { text: 'text', label: 'label' },
    };
    await writeFile(join(dataset, 'dataset.json'), JSON.stringify({ ...made, rows: 24, labels: ['0', '1'] }));
    const lines = Array.from({ length: 24 }, (_, i) =>
      JSON.stringify({ text: `the shop was ${i % 2 ? 'great' : 'awful'} ${i}`, label: String(i % 2) }),
    );
    await writeFile(join(dataset, 'rows.jsonl'), `${lines.join('\n')}\n`);
    await symlink('/dev/zero', join(dataset, 'more'));
    const key = join(runs, 'key');
    await mkdir(key);
    await symlink(join(own, 'key'), join(key, 'run.json'));
  }
  await symlink(join(own, 'model'), join(await run('by-model'), 'model'), 'junction');
  await symlink(join(theirs, 'checkpoints'), join(await run('by-checkpoints'), 'checkpoints'), 'junction');
  await run('done', {
    state: 'done',
    finished_at: '2026-01-01T00:00:00.000Z',
    model: '../../../../own/model',
  });
  const finished = { state: 'done', finished_at: '2026-01-01T00:00:00.000Z', model: 'model' };
  await symlink(join(own, 'model'), join(await run('linked-model', finished), 'model'), 'junction');
  // A recipe that stood beside the person's files, if the record is to be believed.
  await run('recipe-elsewhere', { recipe_path: join(own, 'model', 'config.json') });
  const base = hostileRecord(repository, 'no-rows') as { recipe: object };
  const noRows = await run('no-rows', {
    recipe: { ...base.recipe, dataset: 'nowhere.csv' },
    recipe_path: join(own, 'x.recipe.json'),
  });
  await writeFile(join(noRows, 'notes.txt'), 'mine');
  // Odd records: a number for a date, a word for a metric, markup and escapes where a name is.
  await run('odd-date', { created_at: 5 });
  await run('odd-metric', { best: { step: 1, metrics: { accuracy: 'high' } } });
  await run('markup', {
    name: '![x](http://127.0.0.1:1/x.png) [y](command:workbench.action.terminal.new) $(trash) <img src=x>',
    note: `\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp.exe`,
    state: 'done',
    finished_at: '2026-01-01T00:00:00.000Z',
    environment: {
      luthier: '1',
      node: '1',
      cpu: '1',
      platform: '1',
      executor: '![z](http://127.0.0.1:1/z.png)',
      num_threads: 1,
    },
  });
  // A whole `runs` of another project, in a folder below.
  await mkdir(join(repository, 'sub', '.luthier'), { recursive: true });
  await symlink(join(own, 'project', '.luthier', 'runs'), join(repository, 'sub', '.luthier', 'runs'), 'junction');
  await writeFile(
    join(repository, '.luthier', 'queue.json'),
    JSON.stringify({ format: 1, order: ['evil', ...LINKED_RUNS] }),
  );
  await writeFile(join(repository, '.luthier', '.gitignore'), '\n');

  // A server of the person's that an endpoint.json names by its port.
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  for (const [id, address] of [
    ['by-port', String(port)],
    ['by-number', port],
  ] as const) {
    const folder = await run(id, { state: 'running' });
    await writeFile(join(folder, 'endpoint.json'), JSON.stringify({ pid: process.pid, address, token: 't' }));
  }
  await writeFile(
    join(repository, 'reads.recipe.json'),
    JSON.stringify({ model: 'tiny', dataset: '../own/key', num_train_epochs: 1 }),
  );
  await writeFile(
    join(repository, 'plain.recipe.json'),
    JSON.stringify({
      model: 'tiny',
      dataset: 'rows.csv',
      num_train_epochs: 1,
      per_device_train_batch_size: 4,
      max_length: 16,
    }),
  );
  return {
    repository,
    own,
    state: () => describe(own),
    connections: () => connections,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A folder with all that is in it, as text. */
async function describe(path: string, under = ''): Promise<string> {
  const lines: string[] = [];
  const entries = await readdir(join(path, under), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name))) {
    const name = join(under, entry.name);
    if (entry.isDirectory()) lines.push(`${name}/`, await describe(path, name));
    else if (entry.isSymbolicLink()) lines.push(`${name} -> ${await readlink(join(path, name))}`);
    else lines.push(`${name}: ${await readFile(join(path, name), 'base64')}`);
  }
  return lines.join('\n');
}
