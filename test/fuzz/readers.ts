import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { inspectData } from '../../src/engine/data/inspect.ts';
import type { Random } from '../../src/engine/data/random.ts';
import { resolveDataset } from '../../src/engine/data/resolve.ts';
import { readJsonRecord } from '../../src/engine/hub/json-file.ts';
import { SafetensorsFile } from '../../src/engine/hub/safetensors.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { openPrompt } from '../../src/engine/prompts/prompt.ts';
import { PromptRenderer } from '../../src/engine/prompts/renderer.ts';
import { wholeTemplate } from '../../src/engine/prompts/whole.ts';
import { loadRecipe } from '../../src/engine/recipes/recipe.ts';
import { Endpoint } from '../../src/engine/runs/endpoint.ts';
import { EventLog } from '../../src/engine/runs/event-log.ts';
import { createHandlers } from '../../src/engine/service/handlers.ts';
import { taskNamed } from '../../src/engine/tasks/registry.ts';
import { Tokenizer } from '../../src/engine/text/tokenizer.ts';
import { readMadeDatasets } from '../../src/extension/datasets/dataset.ts';
import { describeRunItem, tooltipLines } from '../../src/extension/runs/present.ts';
import { refusalOf } from '../../src/extension/runs/run.ts';
import { Peer } from '../../src/files/rpc.ts';
import { addressProblem } from '../../src/guard/index.ts';
import { withoutAnswer } from '../../src/prompts/answer-part.ts';
import { checkPrompt } from '../../src/prompts/check.ts';
import { settingsOf } from '../../src/prompts/options.ts';
import { parsePrompt } from '../../src/prompts/parse.ts';
import { LuthierError, type RunRecord } from '../../src/protocol/index.ts';
import { connectRun } from '../../src/runs/client.ts';
import { readEndpoint } from '../../src/runs/endpoint.ts';
import { effectiveEvents, readEvents, readMetrics, START_OF_METRICS } from '../../src/runs/metrics.ts';
import { readQueue } from '../../src/runs/queue.ts';
import { lookAtRecord, lookAtRecord as readRecordInEditor } from '../../src/runs/record.ts';
import { parseReports, readReports } from '../../src/runs/reports.ts';
import { mutateBytes, mutateJson } from './mutate.ts';
import { CONFIG, EVALUATION, METRICS, PROMPTS, RECIPE, RECORD, safetensors, TABLES, TOKENIZERS } from './seeds.ts';

/** One reader: what a case gives it, from a random source of its own, and the reading. Throws what the reader throws. */
export interface Reader {
  name: string;
  /** Bytes of the input, for the time that it may take. */
  run(random: Random, folder: string): Promise<number>;
  close?(): Promise<void>;
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!;

/** A reader of one file in a folder. */
const ofFile = (
  name: string,
  file: string | ((random: Random) => string),
  make: (random: Random) => Buffer,
  read: (path: string, folder: string) => Promise<unknown>,
): Reader => ({
  name,
  run: async (random, folder) => {
    const bytes = make(random);
    const path = join(folder, typeof file === 'string' ? file : file(random));
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, bytes);
    try {
      await read(path, folder);
    } finally {
      await rm(path, { force: true });
    }
    return bytes.length;
  },
});

const EXTENSIONS = ['csv', 'tsv', 'json', 'jsonl', 'md', 'txt'];

export function makeReaders(): Reader[] {
  return [
    ofFile(
      'data',
      (random) => `rows.${pick(random, EXTENSIONS)}`,
      (random) => mutateBytes(pick(random, TABLES), random),
      (path) => inspectData({ file: path }),
    ),
    ofFile(
      'dataset',
      'home/datasets/d/dataset.json',
      (random) =>
        mutateJson(
          {
            format: 1,
            name: 'd',
            created_at: 'x',
            source: null,
            columns: { text: 'text', label: 'label' },
            rows: 2,
            labels: ['a'],
          },
          random,
        ),
      async (path, folder) => {
        await writeFile(join(path, '..', 'rows.jsonl'), '{"text":"a","label":"b"}\n');
        await readMadeDatasets(join(folder, 'home'));
        await resolveDataset(join(path, '..'), folder);
      },
    ),
    ofFile(
      'config',
      'config.json',
      (random) => mutateJson(CONFIG, random),
      async (path) => architectureOf((await readJsonRecord(path)) as never, path),
    ),
    promptReader(),
    {
      name: 'tokenizer',
      run: async (random, folder) => {
        const { files, changed } = pick(random, TOKENIZERS);
        const at = join(folder, 'tokenizer');
        await mkdir(at, { recursive: true });
        let bytes = 0;
        for (const [name, content] of Object.entries(files)) {
          const mutated =
            changed !== name
              ? Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
              : typeof content === 'string'
                ? mutateBytes(Buffer.from(content), random)
                : mutateJson(content, random);
          bytes += mutated.length;
          await writeFile(join(at, name), mutated);
        }
        try {
          const tokenizer = await Tokenizer.load(at);
          const text = 'The shop was great, [SEP] 数据 é\u0000 ';
          tokenizer.encode(text, 16);
          const [{ ids } = { ids: [] }] = tokenizer.encodePlaced(text, { maxLength: 16, stride: 2 }, ['two', 'words']);
          tokenizer.decode(ids);
        } finally {
          await rm(at, { recursive: true, force: true });
        }
        return bytes;
      },
    },
    ofFile(
      'recipe',
      'x.recipe.json',
      (random) => mutateJson(RECIPE, random),
      (path) => loadRecipe(path),
    ),
    ofFile(
      'safetensors',
      'x.safetensors',
      (random) => mutateBytes(safetensors(), random),
      async (path) => {
        const file = await SafetensorsFile.open(path);
        try {
          for (const [name, { size }] of file.tensors) {
            if (size < 1e6) await file.readInto(name, new Float32Array(size));
          }
        } finally {
          await file.close();
        }
      },
    ),
    ofFile(
      'record',
      'runs/r/run.json',
      (random) => mutateJson(RECORD, random),
      async (path) => {
        const folder = join(path, '..');
        const read = await readRecordInEditor(folder);
        if (read) {
          const { record } = read;
          const run = {
            folder,
            home: folder,
            record,
            state: record.state,
            ...refusalOf(read),
            foreign: true,
            silent: false,
            progress: null,
          };
          describeRunItem(run, null);
          tooltipLines(run);
        }
        await lookAtRecord(folder);
      },
    ),
    ofFile(
      'queue',
      'queue.json',
      (random) => mutateJson({ format: 1, order: ['a', 'b'] }, random),
      async (_, folder) => {
        for (const id of await readQueue(folder)) if (typeof id !== 'string') throw new Error('an id is no string');
      },
    ),
    ofFile(
      'endpoint',
      'endpoint.json',
      (random) => mutateJson({ pid: 4_000_000, address: '/tmp/luthier-0/none.sock', token: 't' }, random),
      async (_, folder) => {
        const endpoint = await readEndpoint(folder);
        if (endpoint && (await addressProblem(endpoint.address)) === null)
          throw new Error('an address that does not exist is accepted');
        await connectRun(folder, 'fuzz', { helloMs: 1_000 });
      },
    ),
    ofFile(
      'metrics',
      'metrics.jsonl',
      (random) => mutateBytes(METRICS, random),
      async (path, folder) => {
        effectiveEvents(await readEvents(path));
        await readMetrics(join(folder, 'metrics.jsonl'), START_OF_METRICS, () => undefined);
      },
    ),
    ofFile(
      'evaluation',
      'evaluation.json',
      (random) => mutateJson(EVALUATION, random),
      async (path, folder) => {
        const { readFile } = await import('node:fs/promises');
        try {
          parseReports(JSON.parse(await readFile(path, 'utf8')));
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
        }
        for (const report of (await readReports(folder)).reports) taskNamed(report.task).format(report, 100);
      },
    ),
    runSocket(),
    service(),
  ];
}

const METHODS = [
  'hello',
  'subscribe',
  'pause',
  'resume',
  'stop',
  'interrupt',
  'cancel',
  'describe',
  'ping',
  'x',
  '$/cancelRequest',
  '__proto__',
];

/** The socket of a run: whatever one client says, it answers or hangs up, and goes on serving others. */
function runSocket(): Reader {
  let open: Promise<{ endpoint: Endpoint; log: EventLog; folder: string }> | null = null;
  const record = { id: 'r', state: 'running' } as RunRecord;
  const fine = () => ({ step: 1 });
  const start = async (folder: string) => {
    const log = EventLog.open(join(folder, 'socket.jsonl'));
    const endpoint = await Endpoint.open(folder, log, () => ({ record, pid: process.pid }), {
      pause: fine,
      resume: fine,
      stop: fine,
      interrupt: fine,
      cancel: fine,
      describe: () => ({ record }),
      ping: () => ({ state: 'running', step: 1 }),
    });
    return { endpoint, log, folder };
  };
  return {
    name: 'run socket',
    run: async (random, folder) => {
      const own = join(folder, 'socket');
      await mkdir(own, { recursive: true });
      open ??= start(own);
      await open;
      const { address, token } = (await readEndpoint(own))!;
      const hello = { jsonrpc: '2.0', id: 1, method: 'hello', params: { token, client: 'fuzz' } };
      const messages = [random.below(2) === 0 ? framed(hello) : framedMutant(hello, random)];
      for (let n = random.below(4); n > 0; n--) {
        messages.push(
          framedMutant(
            { jsonrpc: '2.0', id: n + 1, method: pick(random, METHODS), params: { from_line: 0, name: 'x' } },
            random,
          ),
        );
      }
      const bytes = Buffer.concat(messages);
      await refuseRaw(await exchange(address, bytes));
      if (random.below(50) === 0) {
        const client = await connectRun(own, 'fuzz', { helloMs: 10_000 });
        await client.request('ping', {});
        client.close();
      }
      return bytes.length;
    },
    close: async () => {
      const opened = await open;
      await opened?.endpoint.close();
      opened?.log.close();
    },
  };
}

/** The engine's service as the editor speaks to it, in this process. Methods that end it or use the network are left out. */
function service(): Reader {
  const methods = ['initialize', 'data/inspect', 'data/rows', 'recipe/resolve', 'recipe/reads', 'run/cell', 'x'];
  return {
    name: 'service',
    run: async (random, folder) => {
      const [there, back] = [new PassThrough(), new PassThrough()];
      const peer = new Peer<Record<string, never>, Record<string, never>, Record<string, never>>(there, back);
      peer.answer(createHandlers({ tell: () => undefined, end: () => undefined }));
      peer.listen();
      const params = {
        file: join(folder, 'none.csv'),
        text: 'text,label\na,b\n',
        data: 'x',
        columns: { text: 'text' },
        recipe: RECIPE,
        base: folder,
        roots: [folder],
        run: folder,
        split: 'test',
        limit: 5,
      };
      const bytes = framedMutant({ jsonrpc: '2.0', id: 1, method: pick(random, methods), params }, random);
      const closed = new Promise<Error>((resolve) => peer.onClose(resolve));
      there.end(bytes);
      await closed;
      back.end();
      return bytes.length;
    },
  };
}

/** A template as the editor reads it while somebody types, then filled with odd values as the engine does. */
function promptReader(): Reader {
  // A loop that is made too long ends after this, not after the two seconds that a person is given.
  const renderer = new PromptRenderer({ milliseconds: 500 });
  const values = [
    undefined,
    null,
    0,
    -1.5,
    true,
    '',
    'text {{ x }}\nuser:\n😀',
    [],
    [1, 'a', null],
    { label: 'x', b: {} },
  ];
  return {
    name: 'prompt template',
    run: async (random, folder) => {
      const bytes = mutateBytes(pick(random, PROMPTS), random);
      const text = bytes.toString('utf8');
      const path = join(folder, 'ask.prompty');
      await writeFile(join(folder, 'rows.csv'), 'message,label\na,b\nc,d\n');
      await writeFile(join(folder, 'rows.txt'), 'of a file {{ tone }}');
      const file = parsePrompt(text);
      checkPrompt(text, file);
      settingsOf(file.model.options);
      withoutAnswer({ text, file });
      await wholeTemplate('ask.prompty', text, { path, folder, roots: [folder] }).catch(refused);
      const typed = Object.fromEntries(
        ['text', 'tone', 'question', 'thread', '消息', 'a', 'role'].map((name) => [name, pick(random, values)]),
      );
      const row = random.below(3) === 0 ? 1 : null;
      const source = { text, path, roots: [folder], ...(row !== null && { row }) };
      const opened = await openPrompt(source, { environment: {} });
      const { messages } = await opened.fill(row, { renderer, typed, undefinedIs: 'warning' });
      if (messages.some(({ content }) => content.length > 8e6)) throw new Error('a message without end');
      return bytes.length;
    },
    close: async () => renderer.dispose(),
  };
}

/** A refusal in words is an answer. */
function refused(error: unknown): void {
  if (!(error instanceof LuthierError) || error.code === 'internal') throw error;
}

const framed = (message: object): Buffer => frame(Buffer.from(JSON.stringify(message)));
const frame = (body: Buffer): Buffer => Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);

function framedMutant(message: object, random: Random): Buffer {
  const body = frame(mutateJson(message, random));
  return random.below(5) === 0 ? mutateBytes(body, random) : body;
}

/** Sends bytes and gives back what comes within a moment. */
function exchange(address: string, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ path: address });
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.end(bytes);
    setTimeout(() => socket.destroy(), 2_000).unref();
  });
}

/** An error that crossed as `internal` is one that nobody wrote for people. */
async function refuseRaw(answer: string): Promise<void> {
  const raw = /"code":"internal","message":"([^"]*)"/.exec(answer);
  if (raw) throw new Error(`a raw error crossed the socket: ${raw[1]}`);
}
