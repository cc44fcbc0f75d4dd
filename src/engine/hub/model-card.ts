import { join } from 'node:path';
import { readRegularFile } from '../../files/regular-file.ts';
import { isRecord, type JsonRecord } from './json-file.ts';
import { CARD_FILE } from './model-folder.ts';

/** What a model's card says about it in its front matter (https://huggingface.co/docs/hub/model-cards). */
export interface ModelCard {
  /** Languages that the model is for, as codes (`en`, `zh`, `multilingual`); null where it does not say. */
  languages: string[] | null;
  license: string | null;
  /** Hub names of the models that it was made from. */
  baseModels: string[];
}

const MAX_CARD_BYTES = 4 << 20;
const MAX_FRONT_MATTER = 100_000;

/** The card of a model's folder. A model without one, or with one that cannot be read, says nothing: it is no error. */
export async function readModelCard(folder: string): Promise<ModelCard> {
  const text = await readRegularFile(join(folder, CARD_FILE), MAX_CARD_BYTES).then(
    (bytes) => bytes.toString('utf8'),
    () => '',
  );
  const { language, license, base_model } = await frontMatter(text);
  const languages = strings(language).filter((code) => /^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$|^multilingual$/i.test(code));
  return {
    languages: languages.length > 0 ? languages : null,
    license: strings(license)[0] ?? null,
    baseModels: strings(base_model),
  };
}

/** The YAML between the first two lines of `---`; nothing where there is none. */
async function frontMatter(text: string): Promise<JsonRecord> {
  const yaml = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---[ \t]*(\r?\n|$)/.exec(text.slice(0, MAX_FRONT_MATTER))?.[1];
  if (yaml === undefined) return {};
  const { parse } = await import('yaml');
  try {
    const value: unknown = parse(yaml, { schema: 'failsafe', maxAliasCount: 20, logLevel: 'silent' });
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** YAML 1.1 would read Norwegian's `no` as false; the failsafe schema leaves every scalar a string. */
const strings = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).flatMap((item: unknown) =>
    typeof item === 'string' && item.trim() !== '' && item.length <= 200 ? [item.replace(/\p{C}/gu, '').trim()] : [],
  );
