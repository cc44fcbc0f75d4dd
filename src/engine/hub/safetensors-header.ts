import { LuthierError } from '../../protocol/index.ts';

/** Bytes of one element. The sub-byte and complex kinds of newer files are not among them: nothing we load uses them. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

export type StoredDType = keyof typeof DTYPE_BYTES;

export interface TensorInfo {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly size: number;
  /** Where its bytes begin and end in the file. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes in the file. */
  tensors: Map<string, TensorInfo>;
  metadata: Record<string, string>;
}

/** The reference reader's limit (safetensors, `MAX_HEADER_SIZE`). */
export const MAX_HEADER_BYTES = 100_000_000;

/** Short, whole and on one line, whatever the file says the name is. */
export const quoteName = (name: string): string => JSON.stringify(name.length > 120 ? `${name.slice(0, 117)}…` : name);

/**
 * Checks and reads a safetensors header. As the reference reader does, it takes no byte on trust: tensors must tile
 * the data exactly, without overlap or gap, and each must be as long as its shape and dtype say.
 * Format: https://github.com/huggingface/safetensors#format
 * @param bytes the header's JSON, as long as its length field says
 * @param dataBegin where tensor data begin in the file, in bytes
 * @param fileBytes length of the whole file
 * @throws LuthierError `model-invalid`, or `model-unsupported` for a dtype that we do not know
 */
export function parseHeader(path: string, bytes: Uint8Array, dataBegin: number, fileBytes: number): SafetensorsHeader {
  const record = parseJson(path, bytes);
  const metadata = readMetadata(path, record);
  const entries = Object.entries(record)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => [name, readTensor(path, name, value, dataBegin)] as const)
    .sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);

  let end = dataBegin;
  let before = '';
  for (const [name, tensor] of entries) {
    if (tensor.end > fileBytes) {
      throw invalid(
        path,
        `ends at byte ${fileBytes}, but its tensor ${quoteName(name)} reaches to byte ${tensor.end}: the file is cut off`,
      );
    }
    if (tensor.begin < end) throw invalid(path, `has overlapping tensors ${quoteName(before)} and ${quoteName(name)}`);
    if (tensor.begin > end) {
      throw invalid(path, `has ${tensor.begin - end} bytes before tensor ${quoteName(name)} that belong to no tensor`);
    }
    end = tensor.end;
    before = name;
  }
  if (end < fileBytes) throw invalid(path, `has ${fileBytes - end} bytes at its end that belong to no tensor`);
  return { tensors: new Map(entries), metadata };
}

function parseJson(path: string, bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== 0x7b) throw invalid(path, 'has a header that does not begin with "{"');
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(path, `has a header that is not JSON (${(error as Error).message.slice(0, 80)})`);
  }
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) throw invalid(path, `names ${quoteName(duplicate)} twice in its header`);
  return value as Record<string, unknown>;
}

function readMetadata(path: string, record: Record<string, unknown>): Record<string, string> {
  // null is what the reference reader takes for absent (serde's Option).
  const metadata = (Object.hasOwn(record, '__metadata__') ? record.__metadata__ : null) ?? {};
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw invalid(path, 'has a __metadata__ that is not a map of strings');
  }
  return metadata as Record<string, string>;
}

function readTensor(path: string, name: string, value: unknown, dataBegin: number): TensorInfo {
  const where = `its tensor ${quoteName(name)}`;
  if (!isRecord(value)) throw invalid(path, `describes ${where} with something that is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string') throw invalid(path, `gives ${where} no dtype`);
  if (!Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw new LuthierError(
      'model-unsupported',
      `${path} stores ${where} as ${quoteName(dtype)}, which Luthier cannot read.`,
      'Use a copy of the model in F32, F16 or BF16.',
    );
  }
  if (!isCounts(shape)) throw invalid(path, `gives ${where} a shape that is not a list of whole numbers`);
  if (!isCounts(offsets) || offsets.length !== 2) throw invalid(path, `does not give ${where} two data_offsets`);
  const [begin, end] = offsets as [number, number];
  const size = shape.reduce((a, b) => a * b, 1);
  const bytes = size * DTYPE_BYTES[dtype as StoredDType];
  if (end < begin) throw invalid(path, `ends ${where} at ${end}, before its start at ${begin}`);
  if (bytes !== end - begin) {
    throw invalid(
      path,
      `gives ${where} ${end - begin} bytes, but its shape [${shape.slice(0, 8).join(', ')}] in ${dtype} takes ${bytes}`,
    );
  }
  return { dtype: dtype as StoredDType, shape, size, begin: dataBegin + begin, end: dataBegin + end };
}

export function invalid(path: string, what: string): LuthierError {
  return new LuthierError(
    'model-invalid',
    `${path} ${what}.`,
    'The file is damaged or is not a safetensors file. Download or copy it again.',
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);

/**
 * First key that stands twice in the same object, in a text that is known to be valid JSON. JSON.parse keeps the last
 * silently, so that two readers may see two different files.
 */
function duplicateKey(json: string): string | undefined {
  const open: (Set<string> | null)[] = [];
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(null);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const start = i;
      for (i++; json[i] !== '"'; i++) if (json[i] === '\\') i++;
      const keys = open.at(-1);
      let next = i + 1;
      while (next < json.length && ' \t\n\r'.includes(json[next]!)) next++;
      if (keys == null || json[next] !== ':') continue;
      const key = JSON.parse(json.slice(start, i + 1)) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
