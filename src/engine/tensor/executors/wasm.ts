import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { LuthierError } from '../../../protocol/index.ts';
import { FEWER_PARAMETERS } from '../../fewer-parameters.ts';
import type { Graph } from '../graph/ir.ts';
import { peakBytes } from '../graph/liveness.ts';
import { registerOps } from '../ops/define.ts';
import { compileEagerly } from './eager.ts';
import type { Executor } from './executor.ts';
import { registerWasmKernels } from './wasm-kernels.ts';

const BACKEND = 'wasm';
const BINARY = 'tfjs-backend-wasm-simd.wasm';

/**
 * Runs programs eagerly, op by op, on tfjs's own WebAssembly backend: for systems on which no native library loads.
 * One thread with SIMD: tfjs does not offer its threads under Node (tensorflow/tfjs #3830).
 * @throws LuthierError `backend-unavailable` when its WebAssembly is not there or is refused
 */
export async function createWasmExecutor(): Promise<Executor> {
  loaded ??= load();
  const version = await loaded;
  return {
    name: 'wasm',
    numThreads: 1,
    library: `tfjs-backend-wasm ${version}`,
    compile: async (program, inputs) => compileEagerly(BACKEND, program, inputs, requireFits),
    dispose: () => {},
  };
}

let loaded: Promise<string> | undefined;

async function load(): Promise<string> {
  const { setWasmPaths, version_wasm } = await import('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(binaryFolder());
  const factory = tf.findBackendFactory(BACKEND) as () => Promise<BackendWasm>;
  let backend: BackendWasm;
  try {
    backend = await withoutListeners(factory);
  } catch (error) {
    loaded = undefined;
    throw new LuthierError(
      'backend-unavailable',
      `tfjs-backend-wasm does not start: ${(error as Error).message}`,
      'Use --backend onnxruntime.',
      { cause: error },
    );
  }
  guardMemory(backend);
  // Made here and registered anew, so that the switch to it is synchronous and nothing else can run in between.
  tf.removeBackend(BACKEND);
  tf.registerBackend(BACKEND, () => backend);
  registerWasmKernels();
  registerOps(BACKEND);
  return version_wasm;
}

/** Folder of the WebAssembly file: beside the bundle, else the package's own, when the sources themselves run. */
function binaryFolder(): string {
  const here = fileURLToPath(new URL('.', import.meta.url));
  for (const folder of [here, path.join(here, '../engine/')]) if (existsSync(path.join(folder, BINARY))) return folder;
  try {
    const manifest = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json');
    return path.join(path.dirname(manifest), 'wasm-out/');
  } catch (error) {
    throw new LuthierError(
      'backend-unavailable',
      `${BINARY} is not in ${here}.`,
      'Build it with `npm run build`, or install Luthier again.',
      { cause: error },
    );
  }
}

/**
 * Emscripten's start-up code makes the process throw on every unhandled rejection and puts listeners where the
 * command line has its own; an engine in one piece wants neither.
 */
async function withoutListeners<T>(start: () => Promise<T>): Promise<T> {
  const events = ['uncaughtException', 'unhandledRejection'];
  const before = new Set(events.flatMap((event) => process.rawListeners(event)));
  try {
    return await start();
  } finally {
    for (const event of events) {
      for (const listener of process.rawListeners(event)) {
        if (!before.has(listener)) process.removeListener(event, listener as () => void);
      }
    }
  }
}

const LIMIT = 2 ** 32;
const LARGEST_PIECE = 2 ** 31;
const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
const FEWER =
  'Use --backend onnxruntime, which is not limited to one WebAssembly memory, lower per_device_train_batch_size or ' +
  `max_length, or ${FEWER_PARAMETERS}.`;

/** Before anything starts: a program whose tensors cannot lie in one 32-bit memory. */
function requireFits(graph: Graph): void {
  const bytes = peakBytes(graph);
  if (bytes <= LIMIT) return;
  throw new LuthierError(
    'not-enough-memory',
    `One step needs at least ${gib(bytes)} GiB at a time on the wasm backend, whose memory is limited to ${gib(LIMIT)} GiB.`,
    FEWER,
  );
}

/** The part of Emscripten's module that tfjs uses, too, but does not declare. */
interface Heap {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/** While it runs: tfjs does not look at what malloc returns, and would write over the memory's start. */
function guardMemory(backend: BackendWasm): void {
  const wasm = backend.wasm as unknown as Heap;
  // At its first call Emscripten's stub puts the real function in its place: after that it stays ours.
  wasm._free(wasm._malloc(1));
  const malloc = wasm._malloc.bind(wasm);
  wasm._malloc = (bytes) => {
    // Asked for more than 2 GiB in one piece, Emscripten's malloc answers with addresses that are not there.
    const address = bytes < LARGEST_PIECE ? malloc(bytes) : 0;
    if (address !== 0 || bytes === 0) return address;
    throw new LuthierError(
      'not-enough-memory',
      `The wasm backend's memory is full: it uses ${gib(wasm.HEAPU8.length)} of at most ${gib(LIMIT)} GiB, and ${gib(bytes)} GiB more are needed.`,
      FEWER,
    );
  };
}
