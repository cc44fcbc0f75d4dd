import { dirname } from 'node:path';
import { referenceIn } from '../../prompts/references.ts';
import { LuthierError } from '../../protocol/index.ts';
import { type Surroundings, valueInside } from './files.ts';
import { KeyFault } from './key-fault.ts';

/** Variables of the environment whose names say that nobody else should read them. */
const SECRET =
  /key|token|secret|passw|passphrase|credential|auth|cookie|session|connection_?str|private|signature|(?:^|_)(?:pass|pat|sas|dsn|jwt)$|_pwd$/i;
/** An address that has a password in it. */
const WITH_PASSWORD = /:\/\/[^\s/@]*:[^\s/@]+@/;
/** Files that one value may read: files that name files that name files would go on for long. */
const MOST_FILES = 1_000;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A value of the front matter with what its references (`${file:…}`, `${env:NAME:default}`) stand for; those in files
 * that are read are followed, too.
 * @param path keys that lead to it, for errors
 * @param environment null where a value is to be kept, which is never one of the environment
 * @throws KeyFault `prompt-invalid` naming the key
 */
export async function resolveReferences(
  value: unknown,
  path: string,
  around: Pick<Surroundings, 'folder' | 'roots'>,
  environment: Environment | null = process.env,
  way: readonly string[] = [],
  read = { files: 0 },
): Promise<unknown> {
  const below = (held: unknown, key: string) =>
    resolveReferences(held, `${path}.${key}`, around, environment, way, read);
  if (Array.isArray(value)) return Promise.all(value.map((item, i) => below(item, String(i))));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(async ([key, held]) => [key, await below(held, key)] as const);
    return Object.fromEntries(await Promise.all(entries));
  }
  const reference = typeof value === 'string' ? referenceIn(value) : null;
  if (reference === null || reference === 'unknown') return value;
  if (reference.kind === 'env') return variable(reference.target, reference.default, path, environment);
  try {
    if (++read.files > MOST_FILES)
      throw new LuthierError('prompt-invalid', `more than ${MOST_FILES} files are taken in.`, 'Name fewer files.');
    const { place, value: found } = await valueInside(reference.target, around.folder, around.roots);
    if (way.includes(place))
      throw new LuthierError(
        'prompt-invalid',
        `\${file:${reference.target}} goes in a circle.`,
        'Let no file name itself.',
      );
    const from = { ...around, folder: dirname(place) };
    return await resolveReferences(found, path, from, environment, [...way, place], read);
  } catch (error) {
    if (!(error instanceof LuthierError)) throw error;
    // In a file of a file, it is the template's own reference that leads there.
    const isNamed = error instanceof KeyFault;
    const place = { key: isNamed ? error.place.key : path, part: 'key', target: reference.target } as const;
    throw new KeyFault(place, error.code, isNamed ? error.message : `${path}: ${error.message}`, error.hint);
  }
}

function variable(name: string, otherwise: string | undefined, path: string, environment: Environment | null): string {
  const fault = (what: string, hint: string) =>
    new KeyFault({ key: path, part: 'key', target: name }, 'prompt-invalid', `${path}: ${what}`, hint);
  if (environment === null) {
    throw fault(
      `the variable ${name} of the environment is not kept by a run: it may be private, and another one where the model is asked.`,
      'Write the value into the template that is trained with.',
    );
  }
  const held = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (SECRET.test(name) || WITH_PASSWORD.test(held ?? '')) {
    throw fault(
      `${name} ${SECRET.test(name) ? 'sounds like a secret' : 'has a password in it'}, and is put into no prompt.`,
      SECRET.test(name) ? 'Rename the variable if it is none.' : 'Use a variable without one.',
    );
  }
  const value = held ?? otherwise;
  if (value !== undefined) return value;
  throw fault(
    `the variable ${name} of the environment is not set.`,
    `Set it, or say what stands for it: \${env:${name}:default}.`,
  );
}
