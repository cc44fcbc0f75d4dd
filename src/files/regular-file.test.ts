import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRegularFile, readOwnFile, readRegularFile } from './regular-file.ts';

const isWindows = process.platform === 'win32';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier file ü-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('readRegularFile', () => {
  it.each([0, 1, 4095, 4096, 4097, 100_000])('reads a file of %i bytes', async (size) => {
    const file = join(folder, `of-${size}`);
    const bytes = Buffer.from(Array.from({ length: size }, (_, i) => i % 251));
    await writeFile(file, bytes);
    expect(await readRegularFile(file, 100_000)).toEqual(bytes);
  });

  it('refuses more than its limit before it reads', async () => {
    const file = join(folder, 'large');
    await writeFile(file, 'x'.repeat(11));
    await expect(readRegularFile(file, 10)).rejects.toMatchObject({ code: 'EFBIG', size: 11, limit: 10, path: file });
    expect((await readRegularFile(file, 11)).length).toBe(11);
  });

  it('holds to the limit when the file grows after it was opened', async () => {
    const file = join(folder, 'growing');
    await writeFile(file, 'x'.repeat(10));
    const { handle, size } = await openRegularFile(file);
    await appendFile(file, 'y'.repeat(20_000));
    expect(size).toBe(10);
    await handle.close();
    await expect(readRegularFile(file, 19_000)).rejects.toMatchObject({ code: 'EFBIG' });
  });

  it.skipIf(!existsSync('/proc/self/status'))('reads a file whose entry says that it is empty', async () => {
    expect((await readRegularFile('/proc/self/status', 100_000)).toString()).toContain('Pid:');
    await expect(readRegularFile('/proc/self/status', 10)).rejects.toMatchObject({ code: 'EFBIG' });
  });

  it('refuses a folder, and passes the file system’s own errors on', async () => {
    await expect(readRegularFile(folder, 10)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(readRegularFile(join(folder, 'none'), 10)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.skipIf(isWindows)('refuses a pipe that nobody writes to, a device and a socket, at once', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(readRegularFile(pipe, 10)).rejects.toMatchObject({ code: 'ENOTREG', kind: 'pipe' });
    await expect(readRegularFile('/dev/zero', 10)).rejects.toMatchObject({ code: 'ENOTREG', kind: 'device' });
    const link = join(folder, 'link to zero');
    await symlink('/dev/zero', link);
    await expect(readRegularFile(link, 10)).rejects.toMatchObject({ code: 'ENOTREG', kind: 'device' });
    const socket = join(folder, 's');
    const server = createServer();
    await new Promise<void>((done) => server.listen(socket, done));
    await expect(readRegularFile(socket, 10)).rejects.toMatchObject({ code: 'ENOTREG', kind: 'socket' });
    await new Promise((done) => server.close(done));
  });

  it.skipIf(isWindows)('follows a link only where it may', async () => {
    const file = join(folder, 'target');
    const link = join(folder, 'link');
    await writeFile(file, 'content');
    await symlink(file, link);
    expect((await readRegularFile(link, 10)).toString()).toBe('content');
    await expect(readOwnFile(link, 10)).rejects.toMatchObject({
      code: 'ELOOP',
      message: expect.stringContaining(`${link} is a link`),
    });
  });

  it.skipIf(isWindows)('refuses a link to a device without an end', async () => {
    await symlink('/dev/zero', join(folder, 'zero'));
    await expect(readOwnFile(join(folder, 'zero'), 100)).rejects.toThrow('is a link');
    await expect(readOwnFile('/dev/zero', 100)).rejects.toThrow('/dev/zero is a device, not a file');
  });
});
