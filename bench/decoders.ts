import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MALLOC_ENVIRONMENT } from '../src/engine/tensor/executors/malloc.ts';
import type { DecoderCase } from './cases.ts';
import { randomDecoder } from './models.ts';
import type { Command } from './process.ts';
import type { Contender, DecoderSpec, TokenSpec, TuneSpec } from './spec.ts';

export type DecoderWork = DecoderCase['work'];

interface DecoderSetting {
  root: string;
  python: string;
  /** Another checkout, built, for `before`. */
  against: string | null;
  threads: number;
  /** SmolLM2-135M-Instruct's folder. */
  smollm2?: string | undefined;
  /** Folder with train.jsonl and dev.jsonl. */
  dialogues?: string | undefined;
}

interface DecoderCommands {
  commandOf: (contender: Contender) => Command;
  /** A case’s words, which name SmolLM2, as they are true of the weights that were found. */
  named: (what: string) => string;
  /** What a call has to name beside the case. */
  options: string;
  dispose: () => void;
}

/** The programs of each side: ours, and the peers' in Python. */
const PROGRAMS: Readonly<Record<DecoderWork['type'], { ours: string; peers: Partial<Record<Contender, string>> }>> = {
  token: { ours: 'next-token.mjs', peers: { pytorch: 'next_token.py', 'llama.cpp': 'next_token_llama.py' } },
  tune: { ours: 'tune.mjs', peers: { pytorch: 'tune.py' } },
};

/** How the sides of a decoder's case are started. */
export async function decoderCommands(work: DecoderWork, setting: DecoderSetting): Promise<DecoderCommands> {
  const { root, python, against, threads, smollm2, dialogues } = setting;
  const folder = mkdtempSync(join(tmpdir(), 'luthier-bench-'));
  const model = smollm2 ? resolve(smollm2) : await randomDecoder(root, 'smollm2-135m');
  const common: DecoderSpec = { model, threads, backend: 'onnxruntime' };
  const rows = (part: string) =>
    dialogues ? join(resolve(dialogues), `${part}.jsonl`) : join(root, 'examples/support.jsonl');
  const spec: TokenSpec | TuneSpec =
    work.type === 'token'
      ? { ...common, context: work.context, load_in_8bit: work.load_in_8bit ?? false }
      : {
          ...{ ...common, train: rows('train'), validation: rows('dev'), load_in_8bit: work.load_in_8bit },
          shared: join(folder, 'shared.json'),
        };
  const { ours, peers } = PROGRAMS[work.type];
  const commandOf = (contender: Contender): Command => {
    const peer = peers[contender];
    return peer === undefined
      ? {
          command: process.execPath,
          args: [join(contender === 'before' ? against! : root, 'dist/bench', ours), JSON.stringify(spec)],
          env: { ...MALLOC_ENVIRONMENT },
        }
      : {
          ...{ command: python, args: [join(root, 'bench/peers', peer), JSON.stringify(spec)] },
          env: { OMP_NUM_THREADS: String(threads), HF_HUB_OFFLINE: '1' },
        };
  };
  const named = (what: string) =>
    smollm2 === undefined ? what.replace('SmolLM2-135M', 'SmolLM2-135M’s shape, random weights') : what;
  const options = `${smollm2 ? ' --smollm2 …' : ''}${dialogues && work.type === 'tune' ? ' --dialogues …' : ''}`;
  return { commandOf, named, options, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}
