import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { confirm, isCancel } from '@clack/prompts';
import envPaths from 'env-paths';
import { LuthierError } from '../src/protocol/index.ts';
import { timed } from './process.ts';

const PACKAGES = ['torch==2.13.0', 'transformers==5.23.0', 'safetensors', 'accelerate', 'peft', 'scikit-learn'];

const folder = join(envPaths('luthier', { suffix: '' }).cache, 'peers');
const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

/**
 * The Python of the peers' private virtual environment, made first when `setup` says so or a person at the terminal
 * agrees; null when neither does.
 */
export async function peerPython(setup: boolean): Promise<string | null> {
  if (process.env.LUTHIER_PEER_PYTHON) return process.env.LUTHIER_PEER_PYTHON;
  if (existsSync(python)) return python;
  if (!setup) {
    if (!process.stdin.isTTY) return null;
    const answer = await confirm({
      message: `PyTorch is measured beside Luthier. Create a private virtual environment for it in ${folder} (about 1.5 GB)?`,
    });
    if (isCancel(answer) || !answer) return null;
  }
  mkdirSync(folder, { recursive: true });
  run('python3', ['-m', 'venv', folder]);
  // torch first and alone: asked for by another package, pip may take a build for graphics cards.
  run(python, ['-m', 'pip', 'install', '--quiet', PACKAGES[0]!]);
  run(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES.slice(1)]);
  return python;
}

/** Whether the peers' Python can import a module; those that are built where they are installed are not asked for. */
export const hasPackage = (python: string, module: string): boolean =>
  spawnSync(python, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0;

/** What the peers are made of. */
export async function peerVersions(python: string): Promise<Record<string, string>> {
  const script = [
    'import json, platform',
    'from importlib.metadata import version',
    'from importlib.util import find_spec',
    "packages = {'PyTorch': 'torch', 'transformers': 'transformers', 'peft': 'peft'}",
    "if find_spec('llama_cpp'): packages['llama-cpp-python'] = 'llama-cpp-python'",
    'versions = {name: version(package) for name, package in packages.items()}',
    "print(json.dumps({'Python': platform.python_version(), **versions}))",
  ].join('\n');
  const { stdout } = await timed(python, ['-c', script]);
  return JSON.parse(stdout) as Record<string, string>;
}

function run(command: string, args: string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  throw new LuthierError(
    'usage',
    `${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ` with exit code ${status}`}.`,
    'The peers need Python 3 with venv and pip; or set LUTHIER_PEER_PYTHON to a Python that has their packages.',
  );
}
