import { type HostError, type HostErrorCode, inEditor, sentence } from '../errors.ts';

/** Failures that the next request would meet, too: the model itself is at fault. */
const LASTING: ReadonlySet<HostErrorCode> = new Set<HostErrorCode>([
  'model-not-found',
  'model-invalid',
  'model-unsupported',
  'tokenizer-invalid',
  'run-not-found',
  'run-invalid',
  'not-enough-memory',
  'usage',
]);

/** Others may pass: so many in a row are taken for lasting. */
const PATIENCE = 3;

/** Of so many requests half must be quick enough. */
export const JUDGED = 20;

/**
 * How a model does in a language: whether it fails, and whether its suggestions come before a person has typed on. One
 * that does not is switched off; what it is judged by begins anew with each window.
 */
export class Health {
  private failures = 0;
  private readonly times: number[] = [];

  /**
   * A suggestion was made, or given up because somebody typed on.
   * @param limit milliseconds that half of them may take at most
   * @returns why the model is too slow, or null
   */
  took(ms: number, limit: number): string | null {
    this.failures = 0;
    this.times.push(ms);
    if (this.times.length > JUDGED) this.times.shift();
    if (this.times.length < JUDGED) return null;
    const median = [...this.times].sort((a, b) => a - b)[Math.ceil(JUDGED / 2)]!;
    if (median <= limit) return null;
    this.times.length = 0;
    return `half of its last ${JUDGED} suggestions took ${formatTime(median)} or more (the limit is ${formatTime(limit)}).`;
  }

  /** @returns why the model is not asked again, or null where the next request may succeed */
  failed(error: HostError): string | null {
    this.failures++;
    if (!LASTING.has(error.code) && this.failures < PATIENCE) return null;
    this.failures = 0;
    return inEditor(sentence(error)) ?? error.message;
  }
}

const formatTime = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
