import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCached } from './cache.ts';
import { isWeights, MODEL, useHub, WEIGHTS } from './testing/downloads.ts';
import type { Fault } from './testing/hub-server.ts';

const hub = useHub();

describe('a transfer that fails', () => {
  it('goes on where it broke off', async () => {
    hub.server.fault = hub.breakOff(300_000, 2);
    await hub.expectWhole(await hub.download());
    const ranges = hub.server.seen.filter(isWeights).map((seen) => seen.range);
    expect(ranges).toEqual([undefined, 'bytes=300000-', 'bytes=600000-']);
  });

  it('that brings a little each time is continued as often as it takes', async () => {
    hub.server.fault = hub.breakOff(100_000, 9);
    await hub.expectWhole(await hub.download());
    expect(hub.server.seen.filter(isWeights).length).toBe(10);
  });

  it('is given up at last', async () => {
    hub.server.fault = (seen, _, response) => isWeights(seen) && response.destroy() !== undefined;
    expect(await hub.failure()).toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/model\.safetensors of org\/tiny-bert was interrupted at 0 B of 1\.0 MB/),
      hint: expect.stringMatching(/resumes where it stopped/),
    });
  });

  it('and was cancelled goes on where it stopped', async () => {
    await hub.leavePart(300_000);
    await hub.expectWhole(await hub.download());
    expect(hub.server.seen.filter(isWeights).map((seen) => seen.range)).toEqual(['bytes=300000-']);
  });

  it('a part that a dead process left is continued, one that a living process writes is left alone', async () => {
    await hub.leavePart(300_000);
    const folder = join(hub.cacheFolder, 'models--org--tiny-bert', 'blobs');
    const [mine] = (await hub.parts()) as [string];
    // Past the largest pid that Linux, macOS or Windows gives, and our parent's.
    await rename(join(folder, mine), join(folder, mine.replace(`-${process.pid}-`, '-999999999-')));
    const living = mine.replace(`-${process.pid}-`, `-${process.ppid}-`);
    await writeFile(join(folder, living), WEIGHTS.subarray(0, 400_000));
    await hub.download();
    expect(hub.server.seen.filter(isWeights).map((seen) => seen.range)).toEqual(['bytes=300000-']);
    expect(await hub.parts()).toEqual([living]);
  });

  it('starts over where the server ignores Range', async () => {
    const broken = hub.breakOff(300_000, 1);
    hub.server.fault = (seen, request, response, content) => {
      if (broken(seen, request, response, content)) return true;
      delete request.headers.range;
      return false;
    };
    await hub.expectWhole(await hub.download());
  });

  it('starts over where the server sends another part, or none', async () => {
    for (const answer of [
      { status: 206, headers: { 'content-range': `bytes 5-${WEIGHTS.length - 1}/${WEIGHTS.length}` } },
      { status: 206, headers: {} },
      { status: 416, headers: {} },
    ]) {
      await rm(hub.cacheFolder, { recursive: true });
      const broken = hub.breakOff(300_000, 1);
      let wrong = 1;
      hub.server.fault = (seen, request, response, content) => {
        if (broken(seen, request, response, content)) return true;
        if (!isWeights(seen) || wrong-- <= 0) return false;
        response.writeHead(answer.status, answer.headers).end(content.subarray(5));
        return true;
      };
      await hub.expectWhole(await hub.download());
    }
  });

  it('is thrown away when its checksum is wrong', async () => {
    hub.server.fault = (seen, _, response, content) => {
      if (!isWeights(seen)) return false;
      const wrong = Buffer.from(content);
      wrong[100]! ^= 1;
      response.end(wrong);
      return true;
    };
    expect(await hub.failure()).toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/model\.safetensors .* wrong checksum/),
    });
    expect(await hub.parts()).toEqual([]);
    expect(await findCached(hub.cacheFolder, { id: MODEL, revision: 'main' })).toMatchObject({ state: 'absent' });
  });

  it("a small file's checksum is looked at, too", async () => {
    hub.server.fault = (seen, _, response) => {
      if (seen.method !== 'GET' || !seen.path.endsWith('tokenizer.json')) return false;
      response.end('[]');
      return true;
    };
    expect((await hub.failure()).message).toMatch(/tokenizer\.json .* wrong checksum/);
  });

  it('a part that was damaged on the disk is fetched once more from the beginning', async () => {
    await hub.leavePart(300_000);
    const [part] = (await hub.parts()) as [string];
    await writeFile(join(hub.cacheFolder, 'models--org--tiny-bert', 'blobs', part), 'damaged');
    await hub.expectWhole(await hub.download());
    expect(hub.server.seen.filter(isWeights).map((seen) => seen.range)).toEqual(['bytes=7-', undefined]);
  });

  it('a server that lies about the length is not believed', async () => {
    const lies: [string, Fault, RegExp][] = [
      [
        'announces less',
        (seen, _, response, content) => isWeights(seen) && response.end(content.subarray(0, 1000)) !== undefined,
        /announces 1\.0 kB for model\.safetensors, but it has 1\.0 MB|was interrupted/,
      ],
      [
        'sends more',
        (seen, _, response, content) => {
          if (!isWeights(seen)) return false;
          response.write(content);
          response.end('more');
          return true;
        },
        /sends more than the 10000\d\d bytes/,
      ],
      [
        'announces more than it sends',
        (seen, _, response, content) => {
          if (!isWeights(seen)) return false;
          response.setHeader('content-length', content.length);
          response.write(content.subarray(0, 1000), () => response.destroy());
          return true;
        },
        /was interrupted at (0 B|1\.0 kB)/,
      ],
      [
        'ends early without an error',
        (seen, _, response, content) => {
          if (!isWeights(seen)) return false;
          response.write(content.subarray(0, 1000));
          response.end();
          return true;
        },
        /was interrupted at 1\.0 kB of 1\.0 MB: the connection ended too early/,
      ],
    ];
    for (const [what, fault, message] of lies) {
      hub.server.fault = fault;
      // What came before the lie may be the whole file, and would be taken for what it is.
      await rm(join(hub.cacheFolder, 'models--org--tiny-bert'), { recursive: true, force: true });
      const error = await hub.failure();
      expect([what, error.code, error.message]).toEqual([what, 'download-failed', expect.stringMatching(message)]);
    }
    hub.server.fault = () => false;
    await hub.expectWhole(await hub.download());
  });

  it('a server that falls silent is given up, and asked again', async () => {
    hub.server.fault = hub.sendSome(300_000, 1, () => {});
    await hub.expectWhole(await hub.download({ idleTimeoutMs: 1000 }));
  });

  it('a storage host that refuses an old address is asked by a new one', async () => {
    let refusals = 2;
    hub.server.fault = (seen, _, response) =>
      isWeights(seen) && refusals-- > 0 && response.writeHead(403).end() !== undefined;
    await hub.expectWhole(await hub.download());
  });
});

describe('a busy server', () => {
  it.each([429, 503])('%i: waits as long as it says', async (status) => {
    let times = 2;
    hub.server.fault = (_, __, response) =>
      times-- > 0 && response.writeHead(status, { 'retry-after': '0' }).end() !== undefined;
    await hub.expectWhole(await hub.download({ retryDelayMs: 60_000 }));
  });

  it('is given up in the end', async () => {
    hub.server.fault = (_, __, response) => response.writeHead(429).end() !== undefined;
    expect(await hub.failure()).toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/asks you to wait/),
    });
    expect(hub.server.seen.length).toBe(6);
  });
});
