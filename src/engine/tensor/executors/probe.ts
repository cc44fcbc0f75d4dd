import { spawn } from 'node:child_process';
import type { CardLimits, ErrorData } from '../../../protocol/index.ts';
import { besideBundle } from '../../beside-bundle.ts';
import type { Executor } from './executor.ts';

/** What a process that tried a backend has to say. */
export type Probe =
  | { usable: true; library: string; num_threads: number; gflops: number | null; limits?: CardLimits }
  | { usable: false; error: ErrorData };

/** A graphics card that answers at all does so within seconds. */
const PATIENCE_MS = 30_000;

export interface ProbeOptions {
  /** The program that tries it; null where it is not built. */
  script?: string | null;
  patienceMs?: number;
  /** Of a graphics card, what it grants, too. */
  limits?: boolean;
}

/**
 * Tries a backend in a process of its own, where a driver may print and crash, and measures it where `width` is given.
 * Never throws: a process that dies or hangs is a backend that cannot be used.
 */
export async function probeBackend(
  name: Executor['name'],
  width: number | null,
  { script = besideBundle('probe.cjs'), patienceMs = PATIENCE_MS, limits = false }: ProbeOptions = {},
): Promise<Probe> {
  const unusable = (message: string): Probe => ({
    usable: false,
    error: { code: 'backend-unavailable', message, hint: 'Use --backend onnxruntime.' },
  });
  if (script === null) return unusable('probe.cjs is missing next to the engine; build Luthier with `npm run build`.');
  const given = [...(width === null ? [] : [String(width)]), ...(limits && name === 'webgpu' ? ['--limits'] : [])];
  const child = spawn(process.execPath, [script, name, ...given], {
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  const [output, words] = [text(child.stdout), text(child.stderr)];
  const ended = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (code, signal) =>
      resolve(signal === null ? `ended with code ${code}` : `was ended by ${signal}`),
    );
  });
  clearTimeout(timer);
  try {
    return JSON.parse(output().trim().split('\n').at(-1)!) as Probe;
  } catch {
    // The first words are the reason; a stack may follow.
    const [first] = words().trim().split('\n');
    return unusable(`The process that tried ${name} ${ended}${first ? `: ${first}` : '.'}`);
  }
}

function text(stream: NodeJS.ReadableStream): () => string {
  let all = '';
  stream.setEncoding('utf8');
  stream.on('data', (part: string) => {
    all += part;
  });
  return () => all;
}
