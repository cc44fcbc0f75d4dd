import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { LuthierError } from '../protocol/index.ts';
import { Peer, type PeerOptions } from './rpc.ts';

interface Requests {
  end: { params: object; result: { step: number } };
}
interface Told {
  event: number;
}

/** Two peers, and the stream on which the first hears the second. */
function pair(options: PeerOptions = {}) {
  const [there, back] = [new PassThrough(), new PassThrough()];
  const client = new Peer<Requests, Record<string, never>, Told>(back, there, options);
  const server = new Peer<Record<string, never>, Told, Record<string, never>>(there, back);
  return { client, server, back };
}

describe('Peer', () => {
  it('hears what was said before the far end closed, however much lies unread', async () => {
    const { client, server, back } = pair();
    const heard: number[] = [];
    client.hear('event', (event) => heard.push(event));
    let flushed: Promise<void> | undefined;
    server.answer<Requests>({
      end: () => {
        for (let i = 0; i < 500; i++) server.tell('event', i);
        flushed = server.flush().then(() => void back.end());
        return { step: 7 };
      },
    });
    server.listen();
    client.listen();
    const closed = new Promise<Error>((resolve) => client.onClose(resolve));
    expect(await client.request('end', {})).toEqual({ step: 7 });
    await flushed;
    await closed;
    expect(heard).toEqual(Array.from({ length: 500 }, (_, i) => i));
    await expect(client.request('end', {})).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('says nothing more, and throws nothing, once the far end has gone', async () => {
    const { client, server, back } = pair();
    server.answer<Requests>({ end: () => ({ step: 1 }) });
    server.listen();
    client.listen();
    await client.request('end', {});
    const closed = new Promise<Error>((resolve) => server.onClose(resolve));
    const heard: number[] = [];
    client.hear('event', (event) => heard.push(event));
    const written: unknown[] = [];
    const write = back.write.bind(back);
    back.write = ((chunk: unknown, ...rest: never[]) => {
      written.push(chunk);
      return write(chunk, ...rest);
    }) as typeof back.write;
    back.destroy();
    for (let i = 0; i < 20; i++) {
      server.tell('event', i);
      await server.flush();
    }
    await closed;
    const before = written.length;
    server.tell('event', 0);
    await server.flush();
    // Once it knows that the far end has gone it does not even try; nothing arrived, and nothing more is asked for.
    expect(written.length).toBe(before);
    expect(heard).toEqual([]);
    await expect(server.request('event' as never, {} as never)).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('answers what it is asked without parameters, or with others than an object, with an error', async () => {
    const { client, server } = pair();
    server.answer<Requests>({ end: ({ step }: { step?: number }) => ({ step: step ?? 0 }) });
    server.listen();
    client.listen();
    for (const params of [null, 'x', 5]) {
      await expect(client.request('end', params as never)).rejects.toMatchObject({ code: 'usage' });
    }
    expect(await client.request('end', {})).toEqual({ step: 0 });
  });

  it('rejects what is pending when the far end closes without an answer', async () => {
    const { client, server, back } = pair();
    server.answer<Requests>({
      end: () => {
        back.end();
        return new Promise(() => undefined);
      },
    });
    server.listen();
    client.listen();
    await expect(client.request('end', {})).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('rejects all that is pending, and what is asked later, with one and the same reason, which may come late', async () => {
    let tell = (_: Error) => {};
    const reason = new Promise<Error>((resolve) => {
      tell = resolve;
    });
    const { client, server, back } = pair({ gone: () => reason });
    server.answer<Requests>({ end: () => new Promise(() => undefined) });
    server.listen();
    client.listen();
    const order: string[] = [];
    client.onClose(() => order.push('closed'));
    const pending = [client.request('end', {}), client.request('end', {})].map((request) =>
      request.catch((error: unknown) => {
        order.push('rejected');
        return error;
      }),
    );
    setTimeout(() => back.end(), 10);
    setTimeout(() => tell(new LuthierError('interrupted', 'exit code 3')), 40);
    const [one, two] = await Promise.all(pending);
    expect(one).toMatchObject({ message: 'exit code 3' });
    expect(two).toBe(one);
    await expect(client.request('end', {})).rejects.toBe(one);
    // Whoever owns the connection knows first: what is asked next must not be asked here.
    expect(order).toEqual(['closed', 'rejected', 'rejected']);
    client.close(new Error('later'));
    await expect(client.request('end', {})).rejects.toBe(one);
  });

  it('ends a request that meets silence and tells the far end, while any notification is a sign of life', async () => {
    const silent = (method: string) => new LuthierError('run-busy', `${method} met silence`);
    const { client, server } = pair({ silent });
    client.hear('event', () => {});
    const cancelled: string[] = [];
    let slow = true;
    server.answer<Requests>({
      end: async (_, cancellation) => {
        cancellation.addEventListener('abort', () => cancelled.push('told'));
        if (!slow) return await new Promise(() => undefined);
        for (let i = 0; i < 6; i++) {
          await new Promise((resolve) => setTimeout(resolve, 200));
          server.tell('event', i);
        }
        return { step: 6 };
      },
    });
    server.listen();
    client.listen();
    expect(await client.request('end', {}, { silenceMs: 1000 })).toEqual({ step: 6 });
    slow = false;
    await expect(client.request('end', {}, { silenceMs: 50 })).rejects.toMatchObject({ message: 'end met silence' });
    await vi.waitFor(() => expect(cancelled).toEqual(['told']));
  });

  it('cancels a request that nobody wants any more when it is sent, and one that is cancelled while it lies unread', async () => {
    const { client, server } = pair();
    const wanted: boolean[] = [];
    server.answer<Requests>({
      end: async (_, cancellation) => {
        if (!cancellation.aborted) await new Promise((resolve) => setTimeout(resolve, 50));
        wanted.push(!cancellation.aborted);
        return { step: 1 };
      },
    });
    client.listen();
    const later = new AbortController();
    const asked = [
      client.request('end', {}, { signal: AbortSignal.abort() }),
      client.request('end', {}, { signal: later.signal }),
      client.request('end', {}),
    ];
    later.abort();
    server.listen();
    await Promise.all(asked);
    expect(wanted.sort()).toEqual([false, false, true]);
  });
});
