import { LuthierError, type Pooling } from '../../protocol/index.ts';
import { orMeant } from '../../protocol/nearest.ts';

export type Config = Readonly<Record<string, unknown>>;

/** Key of config.json under which a model says what of ours no other library asks for; these pass over it. */
export const OWN_KEY = 'luthier';

/** How an encoder's texts are read where a run has set that up: by a last layer that takes the mean of their tokens' states, or by the first one's state. */
export type Reading = Exclude<Pooling, 'pooler'>;

/** How a model's folder says that it reads a text, where a run made it so: not by the first token through a trained pooler. */
export const poolingOfModel = (config: Config): Reading | undefined =>
  ownValue(
    config,
    'pooling',
    (value): value is Reading => value === 'mean' || value === 'cls',
    'must be "mean" or "cls"',
  );

/**
 * A value of a model's own entry, which people write by hand, too.
 * @param must what it must be, for the error
 * @param near which a text that is none may mean
 * @returns undefined where the entry says nothing of it
 * @throws LuthierError `model-invalid` where it says what cannot be: passed over, the model would be another one
 */
export function ownValue<T>(
  config: Config,
  key: string,
  isOne: (value: unknown) => value is T,
  must: string,
  near?: (value: string) => string | undefined,
): T | undefined {
  const value = ((config[OWN_KEY] ?? {}) as Config)[key] ?? undefined;
  if (value === undefined || isOne(value)) return value;
  throw new LuthierError(
    'model-invalid',
    `config.json: ${OWN_KEY}.${key} is ${shown(value)} and ${must}${orMeant(typeof value === 'string' ? near?.(value) : undefined)}`,
    'Correct it in the model’s folder, or remove the key.',
  );
}

/** More than any model has, by far; with 32-bit floats one such matrix would not fit in a machine. */
export const MOST = { vocab: 10_000_000, width: 100_000, layers: 1_000, positions: 1_000_000 };

/** A value of a file in an error: short, whatever it is. */
export const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};

/** Reads the keys of a config.json; each throws `model-invalid` or `model-unsupported` naming the key at fault. */
export class ConfigReader {
  constructor(
    private readonly config: Config,
    readonly file: string,
  ) {}

  number(key: string, fallback?: number): number {
    const value = this.config[key] ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
    throw this.#invalid(key, 'not a number');
  }

  positive(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (value > 0) return value;
    throw this.#invalid(key, 'not above 0');
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.config[key] ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.#invalid(key, 'neither true nor false');
  }

  /** Settings within the settings; undefined where there are none. */
  map(key: string): Config | undefined {
    const value = this.config[key] ?? undefined;
    if (value === undefined || (typeof value === 'object' && !Array.isArray(value))) return value as Config | undefined;
    throw this.#invalid(key, 'not an object');
  }

  /** Whole, not below `least`, and no more than any model has, so that nothing of that length is made in vain. */
  size(key: string, most: number, fallback?: number, least = 1): number {
    const value = this.number(key, fallback);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw this.#invalid(key, `not a whole number from ${least} to ${most}`);
  }

  share(key: string, fallback: number): number {
    const value = this.number(key, fallback);
    if (value < 1) return value;
    throw this.#invalid(key, 'not a share below 1');
  }

  /** For settings of which one value is supported. */
  expect(key: string, wanted: string | boolean | number): void {
    const value = this.config[key] ?? wanted;
    if (value === wanted) return;
    throw new LuthierError(
      'model-unsupported',
      `${this.file}: ${key} is ${shown(value)}; only ${shown(wanted)} is supported.`,
      'Use a model with the usual settings, such as "starters/bert".',
    );
  }

  /** The width and the number of heads that share it. */
  heads(width: string, heads: string, fallback: readonly number[] = []): [width: number, heads: number] {
    const [W, A] = [this.size(width, MOST.width, fallback[0]), this.size(heads, MOST.width, fallback[1])];
    if (W % A === 0) return [W, A];
    throw new LuthierError(
      'model-invalid',
      `${this.file}: ${width} ${W} is not divisible by ${heads} ${A}.`,
      'Download or copy the file from the model again.',
    );
  }

  /** A number that divides another key's: that one itself where neither the file nor the family says. */
  divisor(key: string, of: number, name: string, fallback = of): number {
    const value = this.size(key, MOST.width, this.isSet(key) ? undefined : fallback);
    if (of % value === 0) return value;
    throw this.#invalid(key, `and does not divide ${name} ${of}`);
  }

  /** Switched off, where leaving it out would mean a default. */
  isNull(key: string): boolean {
    return this.config[key] === null;
  }

  isSet(key: string): boolean {
    return this.config[key] != null;
  }

  #invalid(key: string, what: string): LuthierError {
    return new LuthierError(
      'model-invalid',
      `${this.file}: ${key} is ${shown(this.config[key])}, ${what}.`,
      'Download or copy the file from the model again.',
    );
  }
}
