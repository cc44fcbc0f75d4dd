import { Command } from 'commander';
import { CASES } from './cases.ts';

export interface BenchOptions {
  all?: true;
  setupPeers?: true;
  json?: true;
  fresh?: true;
  tfjs: boolean;
  minilm?: string;
  data?: string;
  smollm2?: string;
  dialogues?: string;
  pairs?: string;
  against?: string;
  backend?: string;
  counts?: true;
  tiny?: boolean;
  seconds: string;
}

/** The command line of `luthier bench`. */
export function benchProgram(): Command {
  return new Command('luthier bench')
    .argument('[case...]', `cases to run: ${Object.keys(CASES).join(', ')}`)
    .option('--all', 'include the long cases')
    .option('--fresh', 'start over instead of resuming a call that was interrupted')
    .option('--setup-peers', 'create the peers’ virtual environment without asking')
    .option('--no-tfjs', 'skip tfjs-node')
    .option(
      '--minilm <folder>',
      'MiniLM as a Hugging Face folder (default: LUTHIER_MINILM, then the Hugging Face cache)',
    )
    .option('--data <folder>', 'folder with SST-2’s stsa.binary.* files')
    .option(
      '--smollm2 <folder>',
      'SmolLM2-135M-Instruct as a Hugging Face folder (default: LUTHIER_SMOLLM2, then random weights of its shape)',
    )
    .option(
      '--dialogues <folder>',
      'folder with train.jsonl and dev.jsonl of dialogues (default: examples/support.jsonl for both)',
    )
    .option('--pairs <n>', 'pairs of measurements (default: 5 for steps, 2 to 5 for jobs)')
    .option(
      '--against <folder>',
      'compare with the Luthier of another checkout, built, instead of the peers; nothing is saved (scripts/same-as.mjs --pairs)',
    )
    .option('--backend <name>', 'webgpu: the cases for a graphics card instead, beside PyTorch on the same card')
    .option('--counts', 'with --backend webgpu: count a step’s nodes and bytes, and run nothing')
    .option('--tiny', 'with --backend webgpu: small shapes, to see that the cases run')
    .option('--seconds <n>', 'with --backend webgpu: begin no case later', '540')
    .option('--json', 'print one JSON object per result');
}
