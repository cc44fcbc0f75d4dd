import { anyOf, jsPattern } from './patterns.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is wrong with a part of tokenizer.json: where it stands, and what about it. */
export class PartError extends Error {
  override name = 'PartError';
}

/**
 * A part of tokenizer.json, `{"type": …}` and its settings, read key by key. A key that nobody asked for is an error
 * when the part is finished: what we do not understand would otherwise change ids in silence.
 */
export class Part {
  readonly type: string;
  readonly #json: Json;
  readonly #read = new Set<string>(['type']);
  readonly #children: Part[] = [];

  constructor(
    readonly path: string,
    json: unknown,
  ) {
    if (!isObject(json) || typeof json.type !== 'string')
      throw new PartError(`key "${path}" must be an object with a "type"`);
    this.#json = json;
    this.type = json.type;
  }

  unknown(): PartError {
    return new PartError(`key "${this.path}" has the type ${JSON.stringify(this.type)}, which Luthier does not know`);
  }

  wrong(key: string, what: string): PartError {
    return new PartError(`key "${this.path}.${key}" ${what}`);
  }

  value(key: string): unknown {
    this.#read.add(key);
    return this.#json[key];
  }

  #typed<T>(key: string, fallback: T | undefined, is: (value: unknown) => value is T, what: string): T {
    const value = this.value(key) ?? fallback;
    if (!is(value)) throw this.wrong(key, `must be ${what}`);
    return value;
  }

  boolean(key: string, fallback?: boolean): boolean {
    return this.#typed(key, fallback, (v) => typeof v === 'boolean', 'true or false');
  }

  string(key: string, fallback?: string): string {
    return this.#typed(key, fallback, (v) => typeof v === 'string', 'a string');
  }

  count(key: string, fallback?: number): number {
    return this.#typed(key, fallback, (v): v is number => Number.isInteger(v) && (v as number) >= 0, 'a whole number');
  }

  oneOf<T extends string>(key: string, names: readonly T[], fallback?: T): T {
    return this.#typed(key, fallback, (v): v is T => names.includes(v as T), `one of ${names.join(', ')}`);
  }

  /** null where the key is missing or null. */
  optional<T>(key: string, read: (key: string) => T): T | null {
    return this.value(key) == null ? null : read(key);
  }

  /** A list of parts. */
  parts(key: string): Part[] {
    const list = this.value(key);
    if (!Array.isArray(list)) throw this.wrong(key, 'must be a list');
    const parts = list.map((json, i) => new Part(`${this.path}.${key}[${i}]`, json));
    for (const part of parts) this.#children.push(part);
    return parts;
  }

  /** `{"String": …}` or `{"Regex": …}` as a regular expression with the flags g and u (or v). */
  pattern(key: string): RegExp {
    const pattern = this.value(key);
    if (!isObject(pattern)) throw this.wrong(key, 'must be an object with a "String" or a "Regex"');
    const { String: text, Regex: source } = pattern;
    try {
      if (typeof text === 'string' && text !== '') return anyOf([text]);
      if (typeof source === 'string') return jsPattern(source);
    } catch (error) {
      throw this.wrong(key, `has a regular expression that cannot be read (${(error as Error).message.slice(0, 200)})`);
    }
    throw this.wrong(key, 'must be an object with a "String" or a "Regex"');
  }

  /** Keys that change nothing here. */
  ignore(...keys: string[]): void {
    for (const key of keys) this.#read.add(key);
  }

  /** Throws PartError for a key that nobody has read. */
  finish(): void {
    for (const child of this.#children) child.finish();
    const unread = Object.keys(this.#json).find((key) => !this.#read.has(key) && this.#json[key] !== null);
    if (unread !== undefined)
      throw new PartError(`key "${this.path}.${unread}" is not one that Luthier knows for ${this.type}`);
  }
}
