import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LuthierError } from '../../protocol/index.ts';
import { SafetensorsFile, type TensorToWrite, writeSafetensors } from './safetensors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A file of the given header and data, its length field telling the truth unless another is given. */
async function fileOf(header: unknown, data = new Uint8Array(0), headerBytes?: bigint): Promise<string> {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, headerBytes ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  const path = join(folder, 'made.safetensors');
  await writeFile(path, bytes);
  return path;
}

async function rawFile(content: string): Promise<string> {
  const path = join(folder, 'made.safetensors');
  await writeFile(path, content);
  return path;
}

async function read(path: string, name: string): Promise<Float32Array> {
  const file = await SafetensorsFile.open(path);
  try {
    const target = new Float32Array(file.tensors.get(name)!.size);
    await file.readInto(name, target);
    return target;
  } finally {
    await file.close();
  }
}

const f32 = (offsets: [number, number], shape: unknown = [2]) => ({ dtype: 'F32', shape, data_offsets: offsets });

describe('a lying file is refused in one sentence', () => {
  const eight = new Uint8Array(8);
  const cases: [string, () => Promise<string>, RegExp][] = [
    ['empty', () => rawFile(''), /has 0 bytes, too few/],
    ['no header', () => fileOf('', undefined, 0n), /does not begin with "\{"/],
    ['a header longer than the file', () => fileOf({}, undefined, 1_000n), /header has 1000 bytes, but only 2 follow/],
    [
      'a header length of 2^64 − 1',
      () => fileOf({}, undefined, 2n ** 64n - 1n),
      /header has 18446744073709551615 bytes/,
    ],
    ['garbage', () => fileOf('{"a":'), /not JSON/],
    ['a list', () => fileOf('[]'), /does not begin with/],
    ['bytes that are no UTF-8', () => fileOf('{}', new Uint8Array([0xff]), 3n), /not JSON/],
    [
      'a name twice',
      () => fileOf(`{"a":${JSON.stringify(f32([0, 8]))},"\\u0061":${JSON.stringify(f32([0, 8]))}}`, eight),
      /names "a" twice/,
    ],
    [
      'a key twice in a tensor',
      () => fileOf('{"a":{"dtype":"F32","shape":[2],"shape" :[1],"data_offsets":[0,8]}}', eight),
      /names "shape" twice/,
    ],
    ['cut off', () => fileOf({ a: f32([0, 8]) }, eight.subarray(0, 7)), /tensor "a" reaches to byte .*cut off/],
    [
      'overlapping',
      () => fileOf({ a: f32([0, 8]), b: f32([4, 12]) }, new Uint8Array(12)),
      /overlapping tensors "a" and "b"/,
    ],
    ['a gap', () => fileOf({ a: f32([0, 8]), b: f32([9, 17]) }, new Uint8Array(17)), /1 bytes before tensor "b"/],
    ['bytes of nobody', () => fileOf({ a: f32([0, 8]) }, new Uint8Array(9)), /1 bytes at its end/],
    [
      'a shape that does not fit',
      () => fileOf({ a: f32([0, 8], [3]) }, eight),
      /tensor "a" 8 bytes, but its shape \[3\] in F32 takes 12/,
    ],
    ['a shape that overflows', () => fileOf({ a: f32([0, 8], [2 ** 52, 2 ** 52]) }, eight), /tensor "a" 8 bytes/],
    ['a negative shape', () => fileOf({ a: f32([0, 8], [-2]) }, eight), /tensor "a" a shape/],
    ['a fractional shape', () => fileOf({ a: f32([0, 8], [0.5, 4]) }, eight), /tensor "a" a shape/],
    ['offsets backwards', () => fileOf({ a: f32([8, 0]) }, eight), /tensor "a" at 0, before its start at 8/],
    [
      'no offsets',
      () => fileOf({ a: { dtype: 'F32', shape: [2] } }, eight),
      /does not give its tensor "a" two data_offsets/,
    ],
    ['no dtype', () => fileOf({ a: { shape: [2], data_offsets: [0, 8] } }, eight), /tensor "a" no dtype/],
    ['a tensor that is a list', () => fileOf({ a: [] }, eight), /tensor "a"/],
    ['metadata of numbers', () => fileOf({ __metadata__: { a: 1 } }), /__metadata__/],
    ['metadata that is a number', () => fileOf({ __metadata__: 1 }), /__metadata__ that is not a map of strings/],
    ['metadata that is a list', () => fileOf({ __metadata__: [] }), /__metadata__ that is not a map of strings/],
    [
      'a Git LFS pointer',
      () => rawFile('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n'),
      /Git LFS pointer/,
    ],
    ['a missing file', async () => join(folder, 'nothing.safetensors'), /cannot be read \(ENOENT\)/],
    ['a folder', async () => folder, /is a folder, not a file/],
  ];
  it.each(cases)('%s', async (_, make, message) => {
    const path = await make();
    const error = await SafetensorsFile.open(path).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(LuthierError);
    expect((error as LuthierError).code).toBe('model-invalid');
    expect((error as LuthierError).message).toMatch(message);
    expect((error as LuthierError).message).toContain(path);
    expect((error as LuthierError).message).not.toContain('\n');
  });

  it.each([null, {}, { format: 'pt' }])('reads __metadata__ of %j', async (metadata) => {
    const file = await SafetensorsFile.open(await fileOf({ __metadata__: metadata, a: f32([0, 8]) }, eight));
    expect(file.metadata).toEqual(metadata ?? {});
    await file.close();
  });

  it('a header over 100 MB', async () => {
    const path = await fileOf(`{${' '.repeat(100_000_000)}}`);
    await expect(SafetensorsFile.open(path)).rejects.toThrow(/more than the 100000000 allowed/);
  });

  it('a dtype that we do not know is unsupported, not damaged', async () => {
    const path = await fileOf({ a: { dtype: 'F4', shape: [16], data_offsets: [0, 8] } }, eight);
    await expect(SafetensorsFile.open(path)).rejects.toMatchObject({ code: 'model-unsupported' });
  });

  it('a target of the wrong length, and a name that is not there', async () => {
    const file = await SafetensorsFile.open(await fileOf({ a: f32([0, 8]) }, eight));
    await expect(file.readInto('a', new Float32Array(3))).rejects.toThrow(
      /"a" has shape \[2\].*3 numbers are expected/,
    );
    await expect(file.readInto('b', new Float32Array(2))).rejects.toThrow(/no tensor "b"/);
    await file.close();
  });

  it('a file cut off after it was opened', async () => {
    const path = await fileOf({ a: f32([0, 8]) }, eight);
    const file = await SafetensorsFile.open(path);
    await writeFile(path, '');
    await expect(file.readInto('a', new Float32Array(2))).rejects.toThrow(/cut off while its tensor "a"/);
    await file.close();
  });
});

describe('dtypes', () => {
  const stored = async (dtype: string, values: ArrayBufferView<ArrayBuffer>, count: number) => {
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const path = await fileOf({ a: { dtype, shape: [count], data_offsets: [0, data.length] } }, data);
    return [...(await read(path, 'a'))];
  };
  it('F16', async () => {
    const bits = new Uint16Array([0x3c00, 0xc000, 0x0001, 0x8000, 0x7bff, 0x7c00, 0x7e00, 0x3555]);
    expect(await stored('F16', bits, 8)).toEqual([1, -2, 2 ** -24, -0, 65504, Infinity, NaN, 0.333251953125]);
  });
  it('BF16', async () => {
    const bits = new Uint16Array([0x3f80, 0xc000, 0x0001, 0x7f80, 0x7fc0]);
    expect(await stored('BF16', bits, 5)).toEqual([1, -2, 2 ** -133, Infinity, NaN]);
  });
  it('F64, whole numbers and BOOL', async () => {
    expect(await stored('F64', new Float64Array([0.1, -1e300]), 2)).toEqual([Math.fround(0.1), -Infinity]);
    expect(await stored('I64', new BigInt64Array([511n, -(2n ** 40n)]), 2)).toEqual([511, -(2 ** 40)]);
    expect(await stored('I32', new Int32Array([-7]), 1)).toEqual([-7]);
    expect(await stored('U8', new Uint8Array([255]), 1)).toEqual([255]);
    expect(await stored('BOOL', new Uint8Array([0, 1]), 2)).toEqual([0, 1]);
  });
  it('a kind that we cannot compute with is refused when read, not when the file is opened', async () => {
    await expect(stored('F8_E4M3', new Uint8Array(1), 1)).rejects.toMatchObject({ code: 'model-unsupported' });
  });
});

const tensorArbitrary = fc.record({
  name: fc
    .oneof(fc.string({ minLength: 1 }), fc.constant('__proto__'), fc.constant('7'))
    .filter((n) => n !== '__metadata__'),
  shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
  dtype: fc.constantFrom('F32', 'F16', 'BF16'),
  seed: fc.array(fc.float({ min: -60000, max: 60000 }), { minLength: 1, maxLength: 20 }),
});

const tensorsArbitrary = fc.uniqueArray(tensorArbitrary, { selector: (t) => t.name, maxLength: 8 }).map((list) =>
  list.map(({ name, shape, dtype, seed }): TensorToWrite => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => seed[i % seed.length]!);
    return { name, shape, dtype: dtype as TensorToWrite['dtype'], data };
  }),
);

describe('round trips', () => {
  it('what was written is read: F32 bit for bit, F16 and BF16 within half a unit of their last place', async () => {
    const path = join(folder, 'round.safetensors');
    await fc.assert(
      fc.asyncProperty(tensorsArbitrary, fc.dictionary(fc.string(), fc.string()), async (tensors, metadata) => {
        await writeSafetensors(path, tensors, metadata);
        const file = await SafetensorsFile.open(path);
        try {
          expect(file.metadata).toEqual(metadata);
          expect([...file.tensors.keys()].sort()).toEqual(tensors.map((t) => t.name).sort());
          for (const { name, shape, dtype, data } of tensors) {
            const tensor = file.tensors.get(name)!;
            expect(tensor.shape).toEqual(shape);
            expect(tensor.dtype).toBe(dtype);
            const values = new Float32Array(data.length);
            await file.readInto(name, values);
            if (dtype === 'F32') {
              expect(values).toEqual(data);
              continue;
            }
            const unit = dtype === 'F16' ? 2 ** -11 : 2 ** -8;
            const smallest = dtype === 'F16' ? 2 ** -25 : 2 ** -134;
            for (let i = 0; i < data.length; i++) {
              if (Number.isNaN(data[i]) && Number.isNaN(values[i])) continue;
              expect(Math.abs(values[i]! - data[i]!)).toBeLessThanOrEqual(
                Math.max(Math.abs(data[i]!) * unit, smallest),
              );
            }
          }
        } finally {
          await file.close();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('the header is a multiple of 8 bytes and wider dtypes come first, so that all are aligned', async () => {
    const path = join(folder, 'aligned.safetensors');
    const data = new Float32Array(3);
    await writeSafetensors(path, [
      { name: 'a', shape: [3], dtype: 'F16', data },
      { name: 'c', shape: [3], dtype: 'F32', data },
      { name: 'b', shape: [3], dtype: 'F32', data },
    ]);
    const bytes = await readFile(path);
    expect(bytes.readBigUInt64LE(0) % 8n).toBe(0n);
    const file = await SafetensorsFile.open(path);
    expect([...file.tensors.keys()]).toEqual(['b', 'c', 'a']);
    await file.close();
  });

  it('tensors longer than the buffers, in and out, from and into views of a WebAssembly memory', async () => {
    const path = join(folder, 'long.safetensors');
    const size = 5_000_001;
    const memory = new WebAssembly.Memory({ initial: 700 });
    const data = new Float32Array(memory.buffer, 4, size);
    for (let i = 0; i < size; i++) data[i] = i % 251; // exact in every dtype
    for (const dtype of ['F32', 'F16', 'BF16'] as const) {
      await writeSafetensors(path, [
        { name: 'odd', shape: [1], dtype: 'F16', data: Float32Array.of(1) },
        { name: 'long', shape: [size], dtype, data },
      ]);
      const file = await SafetensorsFile.open(path);
      const target = new Float32Array(memory.buffer, 4 * (size + 2), size).fill(-1);
      await file.readInto('long', target);
      await file.close();
      for (let i = 0; i < size; i++) if (target[i] !== data[i]) expect(target[i]).toBe(data[i]);
    }
  });

  it('a number too large for F16 fails, names its tensor and leaves the old file and nothing beside it', async () => {
    const path = join(folder, 'kept.safetensors');
    await writeSafetensors(path, [{ name: 'a', shape: [1], dtype: 'F32', data: Float32Array.of(3) }]);
    const before = await readFile(path);
    await expect(
      writeSafetensors(path, [{ name: 'huge', shape: [1], dtype: 'F16', data: Float32Array.of(65520) }]),
    ).rejects.toThrow(/"huge" contains 65520/);
    expect(await readFile(path)).toEqual(before);
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('mutated bytes', () => {
  it('never do anything but read or be refused with a LuthierError', async () => {
    const original = join(folder, 'original.safetensors');
    const data = Float32Array.from({ length: 6 }, (_, i) => i);
    await writeSafetensors(original, [
      { name: 'a', shape: [2, 3], dtype: 'F32', data },
      { name: 'b', shape: [6], dtype: 'F16', data },
      { name: 'c', shape: [0], dtype: 'BF16', data: new Float32Array(0) },
    ]);
    const bytes = await readFile(original);
    const path = join(folder, 'mutated.safetensors');
    const change = fc.record({ at: fc.nat(bytes.length - 1), to: fc.integer({ min: 0, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 4 }), fc.nat(bytes.length), async (changes, length) => {
        const mutated = Uint8Array.from(bytes);
        for (const { at, to } of changes) mutated[at] = to;
        await writeFile(path, changes.length > 0 ? mutated : mutated.subarray(0, length));
        let file: SafetensorsFile;
        try {
          file = await SafetensorsFile.open(path);
        } catch (error) {
          expect(error).toBeInstanceOf(LuthierError);
          return;
        }
        try {
          for (const [name, { size, begin, end }] of file.tensors) {
            expect(begin <= end && end <= bytes.length).toBe(true);
            await file.readInto(name, new Float32Array(size)).catch((error: unknown) => {
              expect(error).toBeInstanceOf(LuthierError);
            });
          }
        } finally {
          await file.close();
        }
      }),
      { numRuns: 500 },
    );
  });
});
