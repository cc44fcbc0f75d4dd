import { basename, join } from 'node:path';
import { readRegularFile } from '../../files/regular-file.ts';
import { LuthierError } from '../../protocol/index.ts';
import { MAX_JSON_BYTES, parseJsonRecord } from '../hub/json-file.ts';
import {
  BYTE_LEVEL_CLASSES,
  BYTE_LEVEL_SPECIAL_TOKENS,
  byteLevelFamily,
  byteLevelTokenizerJson,
  parseMerges,
} from './byte-level-files.ts';
import { BERT_SPECIAL_TOKENS, bertTokenizerJson, isUncased, parseVocab } from './wordpiece.ts';

/** The files of a tokenizer that are read, and written again as they were. */
const FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
] as const;
type FileName = (typeof FILES)[number];
type Json = Record<string, unknown>;

/** A tokenizer's folder, read and checked. */
export interface TokenizerFiles {
  /** tokenizer.json's content, the one built from vocab.txt, or vocab.json and merges.txt, where there is none. */
  json: Json;
  config: Json;
  /** pad_token and the others by their names in tokenizer_config.json or special_tokens_map.json. */
  special: Map<string, string>;
  /** The file that the vocabulary is from: what errors name. */
  source: string;
  /** Tokens beside the vocabulary, and the name of the file that gives each its id. */
  added: AddedToken[];
  /** How dialogues are written, and the file that says so; null where the model has no chat template. */
  chatTemplate: { file: string; text: string } | null;
  /** Bytes to write on save. */
  output: Map<FileName, Uint8Array | string>;
}

export interface AddedToken {
  content: string;
  id: number;
  file: string;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function invalid(file: string, what: string, hint?: string, cause?: unknown): LuthierError {
  return new LuthierError(
    'tokenizer-invalid',
    `${file}: ${what}.`,
    hint ??
      'Copy the tokenizer’s files from the model’s page again, or save them from Python: AutoTokenizer.from_pretrained(MODEL).save_pretrained(FOLDER).',
    cause === undefined ? undefined : { cause },
  );
}

/** Reads and checks a folder's tokenizer. Throws LuthierError `tokenizer-invalid` naming file and key. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const bytes = new Map<FileName, Buffer>();
  await Promise.all(
    FILES.map(async (name) => {
      try {
        bytes.set(name, await readRegularFile(join(folder, name), MAX_JSON_BYTES));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR')
          throw invalid(join(folder, name), `cannot be read (${(error as Error).message})`, undefined, error);
      }
    }),
  );
  const read = (name: FileName): Json | undefined => {
    const content = bytes.get(name);
    return content && parseObject(join(folder, name), content.toString('utf8'));
  };
  const config = read('tokenizer_config.json') ?? {};
  const special = specialTokens({ ...read('special_tokens_map.json'), ...config });
  let added = addedTokens(folder, read('added_tokens.json'), config);
  const output = new Map<FileName, Uint8Array | string>(bytes);

  let json = read('tokenizer.json');
  const found = (['tokenizer.json', 'vocab.txt', 'vocab.json'] as const).find((name) => bytes.has(name));
  if (found === undefined)
    throw invalid(folder, 'has neither tokenizer.json nor vocab.txt, nor vocab.json with merges.txt');
  const source = join(folder, found);
  if (json) {
    checkTokenizerJson(source, json);
    const aligned = withConfiguredPrefixSpace(withConfiguredNormalizer(json, config), config);
    if (aligned !== json) output.set('tokenizer.json', JSON.stringify(aligned));
    json = aligned;
    // What stands in tokenizer.json is all that it adds; the other files repeat it.
    added = (json.added_tokens as AddedToken[]).map(({ content, id }) => ({ content, id, file: basename(source) }));
  } else {
    const vocab = bytes.get('vocab.txt');
    json = vocab
      ? fromVocab(source, vocab.toString('utf8'), config, special, added)
      : fromVocabAndMerges(source, read('vocab.json')!, bytes.get('merges.txt'), await modelType(folder), {
          config,
          special,
          added,
        });
    output.set('tokenizer.json', JSON.stringify(json));
  }
  const written = writtenConfig(config, json, special, found === 'vocab.json' ? byteLevelClass(json) : undefined);
  if (written || !bytes.has('tokenizer_config.json'))
    output.set('tokenizer_config.json', `${JSON.stringify(written ?? config, null, 2)}\n`);
  const chatTemplate = chatTemplateOf(folder, bytes.get('chat_template.jinja'), config);
  return { json, config, special, source, added, chatTemplate, output };
}

/** Whether a folder says how dialogues are written, told without reading its vocabulary; false where it cannot be read. */
export async function hasChatTemplate(folder: string): Promise<boolean> {
  const read = (name: string) => readRegularFile(join(folder, name), MAX_JSON_BYTES).catch(() => undefined);
  const own = await read('chat_template.jinja');
  if (own) return true;
  try {
    const config = JSON.parse((await read('tokenizer_config.json'))?.toString('utf8') ?? '{}') as unknown;
    return isObject(config) && chatTemplateOf(folder, undefined, config) !== null;
  } catch {
    return false;
  }
}

/** The file of its own goes before tokenizer_config.json's, which has one template or several by name, as in transformers. */
function chatTemplateOf(folder: string, own: Buffer | undefined, config: Json): TokenizerFiles['chatTemplate'] {
  if (own) return { file: join(folder, 'chat_template.jinja'), text: own.toString('utf8') };
  const { chat_template: said } = config;
  const named = Array.isArray(said) ? said.find((each) => isObject(each) && each.name === 'default') : undefined;
  const text = isObject(named) ? named.template : said;
  return typeof text === 'string' ? { file: join(folder, 'tokenizer_config.json'), text } : null;
}

function parseObject(file: string, text: string): Json {
  return parseJsonRecord(text, (what) => invalid(file, what));
}

function specialTokens(config: Json): Map<string, string> {
  const special = new Map<string, string>();
  for (const [key, value] of Object.entries(config)) {
    const content = isObject(value) ? value.content : value;
    if (key.endsWith('_token') && typeof content === 'string') special.set(key, content);
  }
  return special;
}

/** Tokens beside vocab.txt: added_tokens.json (token: id) and tokenizer_config.json's added_tokens_decoder (id: token). */
function addedTokens(folder: string, json: Json | undefined, config: Json): AddedToken[] {
  const added = new Map<string, AddedToken>();
  const file = 'added_tokens.json';
  for (const [content, id] of Object.entries(json ?? {})) {
    if (!isId(id))
      throw invalid(join(folder, file), `key ${JSON.stringify(content)} must be a whole number of at least 0`);
    added.set(content, { content, id, file });
  }
  for (const [key, token] of Object.entries(isObject(config.added_tokens_decoder) ? config.added_tokens_decoder : {})) {
    const id = Number(key);
    if (isObject(token) && typeof token.content === 'string' && isId(id))
      added.set(token.content, { content: token.content, id, file: 'tokenizer_config.json' });
  }
  return [...added.values()];
}

const isId = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;

function fromVocab(
  file: string,
  text: string,
  config: Json,
  special: ReadonlyMap<string, string>,
  beside: readonly AddedToken[],
): Json {
  const vocab = parseVocab(text);
  const added = new Map(beside.map(({ content, id }) => [content, id]));
  const names = { ...BERT_SPECIAL_TOKENS };
  for (const key of Object.keys(names) as (keyof typeof names)[]) {
    const token = special.get(key) ?? names[key];
    if (key !== 'mask_token' && !vocab.has(token) && !added.has(token))
      throw invalid(file, `lacks the ${key} ${JSON.stringify(token)}, which a BERT vocabulary must contain`);
    names[key] = token;
  }
  const own = new Map([...added].filter(([token]) => !vocab.has(token)));
  return bertTokenizerJson(
    vocab,
    names,
    {
      clean_text: true,
      handle_chinese_chars: config.tokenize_chinese_chars !== false,
      strip_accents: typeof config.strip_accents === 'boolean' ? config.strip_accents : null,
      lowercase: typeof config.do_lower_case === 'boolean' ? config.do_lower_case : isUncased(vocab.keys()),
    },
    own,
  );
}

/** config.json's model_type, which tells whose a vocab.json is; the model's own reader checks that file. */
async function modelType(folder: string): Promise<unknown> {
  try {
    const config: unknown = JSON.parse((await readRegularFile(join(folder, 'config.json'), MAX_JSON_BYTES)).toString());
    return isObject(config) ? config.model_type : undefined;
  } catch {
    return undefined;
  }
}

function fromVocabAndMerges(
  file: string,
  vocab: Json,
  merges: Buffer | undefined,
  type: unknown,
  { config, special, added }: Pick<TokenizerFiles, 'config' | 'special' | 'added'>,
): Json {
  if (!merges) throw invalid(file, 'needs a merges.txt beside it, which is not there');
  const family = byteLevelFamily(vocab, [config.tokenizer_class, type]);
  if (family === null)
    throw invalid(
      file,
      'is neither RoBERTa’s nor GPT-2’s',
      'Save the tokenizer from Python, which writes a tokenizer.json: AutoTokenizer.from_pretrained(MODEL).save_pretrained(FOLDER).',
    );
  const names: Record<string, string> = { ...BYTE_LEVEL_SPECIAL_TOKENS[family], ...Object.fromEntries(special) };
  const own = new Map(
    added.filter(({ content }) => !Object.hasOwn(vocab, content)).map(({ content, id }) => [content, id]),
  );
  const lacking =
    family === 'roberta' &&
    ['cls_token', 'sep_token'].find((key) => {
      const token = names[key]!;
      return !Object.hasOwn(vocab, token) && !own.has(token);
    });
  if (lacking) throw invalid(file, `lacks the ${lacking} ${JSON.stringify(names[lacking])}`);
  for (const [key, token] of Object.entries(names)) special.set(key, token);
  const json = byteLevelTokenizerJson(
    family,
    vocab as Record<string, number>,
    parseMerges(merges.toString('utf8')),
    names,
    own,
    config.add_prefix_space === true,
  );
  checkTokenizerJson(file, json);
  return json;
}

/** The class of a tokenizer that was made of vocab.json and merges.txt. */
const byteLevelClass = ({ post_processor: processor }: Json): string =>
  BYTE_LEVEL_CLASSES[isObject(processor) && processor.type === 'RobertaProcessing' ? 'roberta' : 'gpt2'];

/** Checks what is read later, naming the key that is wrong. */
function checkTokenizerJson(file: string, json: Json): void {
  const { model } = json;
  if (!isObject(model)) throw invalid(file, 'key "model" is missing or not an object');
  const { vocab } = model;
  if (Array.isArray(vocab)) {
    const bad = vocab.findIndex(
      (entry) => !Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'number',
    );
    if (bad >= 0) throw invalid(file, `key "model.vocab[${bad}]" must be a piece and its score`);
    if (model.unk_id != null && !(isId(model.unk_id) && model.unk_id < vocab.length))
      throw invalid(
        file,
        `key "model.unk_id" is ${JSON.stringify(model.unk_id).slice(0, 40)}, outside a vocabulary of ${vocab.length}`,
      );
  } else if (isObject(vocab)) {
    // Values first: looking each of 30,000 pieces up by name takes 20 ms.
    if (!Object.values(vocab).every(isId)) {
      const piece = Object.keys(vocab).find((key) => !isId(vocab[key]));
      throw invalid(file, `key "model.vocab" gives the piece ${JSON.stringify(piece)} no whole number as its id`);
    }
    if (typeof model.unk_token === 'string' && model.type === 'WordPiece' && !Object.hasOwn(vocab, model.unk_token))
      throw invalid(file, `key "model.unk_token" is ${JSON.stringify(model.unk_token)}, which "model.vocab" lacks`);
  } else throw invalid(file, 'key "model.vocab" is missing or neither an object nor a list');
  const added = json.added_tokens ?? [];
  if (!Array.isArray(added)) throw invalid(file, 'key "added_tokens" must be a list');
  added.forEach((token: unknown, i) => {
    if (!isObject(token) || typeof token.content !== 'string' || token.content === '' || !isId(token.id))
      throw invalid(file, `key "added_tokens[${i}]" must have a content and an id of at least 0`);
  });
  for (const key of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'] as const) {
    json[key] ??= null;
    if (json[key] !== null && !(isObject(json[key]) && typeof json[key].type === 'string'))
      throw invalid(file, `key "${key}" must be null or an object with a "type"`);
  }
  json.added_tokens = added;
}

/** tokenizer_config.json's name for each of BertNormalizer's options that it overrides. */
const NORMALIZER_KEYS = [
  ['do_lower_case', 'lowercase'],
  ['strip_accents', 'strip_accents'],
  ['tokenize_chinese_chars', 'handle_chinese_chars'],
] as const;

/** Classes that take tokenizer.json as it is; transformers' others overrule its BertNormalizer by tokenizer_config.json. */
const GENERIC_CLASSES: unknown[] = ['PreTrainedTokenizerFast', 'TokenizersBackend'];

function withConfiguredNormalizer(json: Json, config: Json): Json {
  const { normalizer } = json;
  if (!isObject(normalizer) || normalizer.type !== 'BertNormalizer') return json;
  if (GENERIC_CLASSES.includes(config.tokenizer_class)) return json;
  const changed = NORMALIZER_KEYS.filter(
    ([key, option]) =>
      (typeof config[key] === 'boolean' || (config[key] === null && key === 'strip_accents')) &&
      config[key] !== (normalizer[option] ?? null),
  );
  if (changed.length === 0) return json;
  return {
    ...json,
    normalizer: { ...normalizer, ...Object.fromEntries(changed.map(([key, option]) => [option, config[key]])) },
  };
}

/** Classes that make their byte-level steps anew, with tokenizer_config.json's add_prefix_space. */
const BYTE_LEVEL_CLASS = /^(Roberta|Bart|GPT2)Tokenizer(Fast)?$/;

function withConfiguredPrefixSpace(json: Json, config: Json): Json {
  const { add_prefix_space: prefix, tokenizer_class: type } = config;
  if (typeof prefix !== 'boolean' || typeof type !== 'string' || !BYTE_LEVEL_CLASS.test(type)) return json;
  const keys = (['pre_tokenizer', 'post_processor'] as const).filter((key) => {
    const part = json[key];
    return isObject(part) && typeof part.add_prefix_space === 'boolean' && part.add_prefix_space !== prefix;
  });
  if (keys.length === 0) return json;
  return {
    ...json,
    ...Object.fromEntries(keys.map((key) => [key, { ...(json[key] as Json), add_prefix_space: prefix }])),
  };
}

/** tokenizer_config.json as it must be written so that Python and transformers.js read what we do, or null when it is so. */
function writtenConfig(
  config: Json,
  json: Json,
  special: ReadonlyMap<string, string>,
  tokenizerClass: string | undefined,
): Json | null {
  const written: Json = { ...config };
  if (tokenizerClass !== undefined) written.tokenizer_class ??= tokenizerClass;
  const { normalizer, model } = json as { normalizer: unknown; model: Json };
  const bert = isObject(normalizer) && normalizer.type === 'BertNormalizer';
  // Other classes follow from config.json's model_type.
  if (bert && model.type === 'WordPiece') written.tokenizer_class ??= 'BertTokenizer';
  if (bert)
    for (const [key, option] of NORMALIZER_KEYS) if (!(key in config)) written[key] = normalizer[option] ?? null;
  for (const [key, content] of special) written[key] ??= content;
  if (bert)
    for (const [key, content] of Object.entries(BERT_SPECIAL_TOKENS))
      if (isObject(model.vocab) && Object.hasOwn(model.vocab, content)) written[key] ??= content;
  return Object.keys(written).length === Object.keys(config).length ? null : written;
}
