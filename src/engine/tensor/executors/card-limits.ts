import type { CardLimits } from '../../../protocol/index.ts';
import type { Graph } from '../graph/ir.ts';
import { writeOnnx } from '../graph/onnx.ts';
import { loadOnnxRuntime, type OnnxRuntime } from './onnxruntime-library.ts';
import { cardHasFloat16 } from './webgpu.ts';

const COLUMNS = 1024;
const ROW_BYTES = 4 * COLUMNS;
/** Rows of the largest tensor that the provider's shaders can count the numbers of, 16 GiB. */
const MOST_ROWS = 2 ** 32 / COLUMNS - 1;
/** More than any adapter binds. */
const MANY = 52;

/**
 * What the graphics card's adapter grants. onnxruntime-node 1.30 does not tell, but says the limit where one is passed: so
 * operations are tried that must fail, at once and before anything is computed. A tensor larger than a binding takes several,
 * which are counted. In a process of its own, since a driver may crash.
 * @returns null for each that no error told
 */
export async function cardLimits(): Promise<CardLimits> {
  const ort = await loadOnnxRuntime();
  const float16 = await cardHasFloat16(ort).catch(() => null);
  const most = figures(await failure(ort, MANY, 1), /Max is (\d+)/)?.[0] ?? null;
  if (most === null) return { storage_buffers: null, largest_binding: null, largest_buffer: null, float16 };
  const largest_binding = await largestBinding(ort, most);
  const beyond = largest_binding === null ? MOST_ROWS : Math.floor(largest_binding / ROW_BYTES) + 1;
  // One that is small enough to be bound in pieces, and just too large for one.
  const largest_buffer =
    beyond > MOST_ROWS
      ? null
      : (figures(await failure(ort, 2, beyond), /max buffer size limit \((\d+)\)/)?.[0] ?? null);
  return { storage_buffers: most, largest_binding, largest_buffer, float16 };
}

/** By how many bindings outputs of different sizes take beside one less than all that there are. */
async function largestBinding(ort: OnnxRuntime, most: number): Promise<number | null> {
  const piecesOf = async (rows: number): Promise<number | null> => {
    const current = figures(await failure(ort, most - 1, rows), /Current: (\d+)/)?.[0];
    return current === undefined ? null : current - (most - 1);
  };
  const pieces = await piecesOf(MOST_ROWS);
  if (pieces === null || pieces < 2) return null;
  // The fewest rows that take as many pieces are the first beyond one piece less.
  let [low, high] = [Math.floor(MOST_ROWS / 2), MOST_ROWS];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if ((await piecesOf(middle)) === pieces) high = middle;
    else low = middle;
  }
  return Math.floor((low * ROW_BYTES) / (pieces - 1));
}

/** What is thrown by an outer product of so many vectors, `rows` and 1,024 long and others of 1; empty where it works. */
async function failure(ort: OnnxRuntime, vectors: number, rows: number): Promise<string> {
  const letters = Array.from({ length: vectors }, (_, i) => String.fromCharCode(i < 26 ? 97 + i : 39 + i));
  const lengths = letters.map((_, i) => (i === 0 ? rows : i === 1 ? COLUMNS : 1));
  const vector = (length: number) => ({ shape: [length], dtype: 'float32' as const });
  const graph: Graph = {
    inputs: letters,
    outputs: new Map([['product', 'product']]),
    nodes: [
      { op: 'Einsum', inputs: letters, outputs: ['product'], attributes: { equation: `${letters.join(',')}->ab` } },
    ],
    constants: new Map(),
    types: new Map([
      ...letters.map((letter, i) => [letter, vector(lengths[i]!)] as const),
      ['product', { shape: [rows, COLUMNS], dtype: 'float32' as const }],
    ]),
  };
  let message = '';
  const session = await ort.InferenceSession.create(writeOnnx(graph), {
    // Checked before memory is taken, which is not so by default.
    executionProviders: [{ name: 'webgpu', validationMode: 'basic' }],
    preferredOutputLocation: 'gpu-buffer',
    // What fails here is no news.
    logSeverityLevel: 4,
    extra: { session: { disable_cpu_ep_fallback: '1' } },
  });
  try {
    const feeds = letters.map((letter, i) => [
      letter,
      new ort.Tensor('float32', new Float32Array(lengths[i]!), [lengths[i]!]),
    ]);
    const { product } = await session.run(Object.fromEntries(feeds));
    product!.dispose();
  } catch (error) {
    message = (error as Error).message;
  } finally {
    await session.release();
  }
  return message;
}

/** The numbers that a pattern's groups hold in a message. */
const figures = (message: string, pattern: RegExp): number[] | undefined => pattern.exec(message)?.slice(1).map(Number);
