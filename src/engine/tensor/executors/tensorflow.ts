import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { LuthierError } from '../../../protocol/index.ts';
import { registerOps } from '../ops/define.ts';
import { compileEagerly } from './eager.ts';
import type { Executor } from './executor.ts';

const PACKAGE = '@tensorflow/tfjs-node';
const BACKEND = 'tensorflow';

export interface TensorflowOptions {
  /** Folder of the installed @tensorflow/tfjs-node; default: LUTHIER_TFJS_NODE, then where Node would find it. */
  folder?: string | undefined;
  /** Threads for matrix products; default: as many as there are cores. Fixed once TensorFlow is loaded. */
  numThreads?: number;
}

/**
 * Runs programs eagerly, op by op, on @tensorflow/tfjs-node, which the user may have installed: the reference that
 * other executors are compared with.
 * @throws LuthierError `backend-unavailable` when it is not there, of another major version, or does not load
 */
export async function createTensorflowExecutor(options: TensorflowOptions = {}): Promise<Executor> {
  const folder = findTfjsNode(options.folder);
  const numThreads = options.numThreads ?? availableParallelism();
  load(folder, numThreads);
  return {
    name: 'tensorflow',
    numThreads,
    library: versions(folder),
    compile: async (program, inputs) => compileEagerly(BACKEND, program, inputs),
    dispose: () => {},
  };
}

const INSTALL =
  `Install it with \`npm i --ignore-scripts=false ${PACKAGE}\` (about 300 MB with its dependencies) ` +
  'or set LUTHIER_TFJS_NODE to its folder; the default backend, onnxruntime, needs neither.';

/**
 * Folder of the installed package: the given one, else LUTHIER_TFJS_NODE's, else looked up from the working folder and
 * from Luthier's own.
 * @throws LuthierError `backend-unavailable` naming the places
 */
export function findTfjsNode(folder = process.env.LUTHIER_TFJS_NODE): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const places = folder ? [path.resolve(folder)] : [process.cwd(), here];
  for (const place of places) {
    try {
      const request = folder ? path.join(place, 'package.json') : `${PACKAGE}/package.json`;
      const found = createRequire(path.join(place, 'package.json')).resolve(request);
      checkVersion(found);
      return path.dirname(found);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new LuthierError('backend-unavailable', `${PACKAGE} is not installed in ${places.join(' or ')}.`, INSTALL);
}

/** One tfjs-core engine is shared by our copy and its, so both must be of one major version. */
function checkVersion(manifest: string): void {
  const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string; version?: string };
  const major = (v: string | undefined) => v?.split('.')[0];
  if (name === PACKAGE && major(version) === major(tf.version_core)) return;
  throw new LuthierError(
    'backend-unavailable',
    `${path.dirname(manifest)} contains ${name} ${version}; ${PACKAGE} ${major(tf.version_core)}.x is needed.`,
    INSTALL,
  );
}

let loaded = false;

function load(folder: string, numThreads: number): void {
  if (loaded) return;
  // TensorFlow reads these when it is loaded: its greetings belong on no one's screen.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  process.env.TF_NUM_INTRAOP_THREADS ??= String(numThreads);
  // tfjs-node 4.22, the newest, calls it; Node 23 took it away.
  const legacy = util as { isNullOrUndefined?: (value: unknown) => boolean };
  legacy.isNullOrUndefined ??= (value) => value === null || value === undefined;
  const previous = tf.engine().backendName;
  // It warns that it takes over a platform and an engine that are set already, which is what we want.
  const isProduction = tf.env().getBool('PROD');
  tf.env().set('PROD', true);
  try {
    createRequire(path.join(folder, 'package.json'))(folder);
  } catch (error) {
    throw new LuthierError(
      'backend-unavailable',
      `${PACKAGE} in ${folder} does not load: ${firstLine(error)}`,
      `Its install script builds its native part. Run \`npm rebuild --ignore-scripts=false ${PACKAGE}\` in the folder where it is installed.`,
      { cause: error },
    );
  } finally {
    tf.env().set('PROD', isProduction);
  }
  // Loading it makes it the backend in use.
  if (previous) void tf.setBackend(previous);
  registerOps(BACKEND);
  loaded = true;
}

/** tfjs-node's version, and that of the TensorFlow it was built with, for a run's fingerprint. */
function versions(folder: string): string {
  const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version: string };
  const { binding } = tf.engine().findBackend(BACKEND) as unknown as { binding: { TF_Version: string } };
  return `tfjs-node ${version}, TensorFlow ${binding.TF_Version}`;
}

const firstLine = (error: unknown): string => (error as Error).message.split('\n')[0]!.trim();
