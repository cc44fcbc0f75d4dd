import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Cancelled, HostError } from '../errors.ts';
import { isLocal, originOf, withoutQuery } from './endpoint-address.ts';
import { askEndpoint, type Endpoint, listEndpointModels } from './remote.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

let server: Server;
let endpoint: Endpoint;
let answer: Answer;
/** What the server was sent, a line each. */
let asked: { path: string; key: string | undefined; body: Record<string, unknown> }[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += piece));
    request.on('end', () => {
      asked.push({ path: request.url!, key: request.headers.authorization, body: body ? JSON.parse(body) : {} });
      answer(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  endpoint = { url: `http://127.0.0.1:${port}/v1`, model: 'small', key: undefined, silenceMs: 2000 };
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const messages = [{ role: 'user', content: 'Hi' }];
const event = (delta: object, more: object = {}) => `data: ${JSON.stringify({ choices: [{ delta, ...more }] })}\n\n`;
const stream = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' });

function ask(settings: object = {}, controller = new AbortController()) {
  const heard: string[] = [];
  const waits: number[] = [];
  const asking = askEndpoint(endpoint, messages, settings, {
    signal: controller.signal,
    onText: (text) => heard.push(text),
    onWait: (seconds) => waits.push(seconds),
  });
  return { asking, heard, waits, controller };
}
const failure = async (asking: Promise<unknown>): Promise<HostError> => {
  const error = await asking.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HostError);
  return error as HostError;
};

test('an answer is heard as it is written, pieces of letters included', async () => {
  answer = (_, response) => {
    stream(response);
    const bytes = Buffer.from(event({ role: 'assistant', content: '' }) + event({ content: 'Grüß ' }), 'utf8');
    const split = bytes.indexOf(0xbc);
    response.write(bytes.subarray(0, split));
    setTimeout(() => {
      response.write(bytes.subarray(split));
      response.write(`: keep-alive\n\n${event({ content: 'dich' }, { finish_reason: 'stop' })}`);
      response.end('data: {"choices":[],"usage":{"completion_tokens":4}}\n\ndata: [DONE]\n\n');
    }, 20);
  };
  const { asking, heard } = ask({ max_new_tokens: 7 });
  expect(await asking).toMatchObject({ text: 'Grüß dich', tokens: 4, reason: 'end' });
  expect(heard).toEqual(['Grüß ', 'dich']);
  expect(asked).toMatchObject([
    { path: '/v1/chat/completions', body: { model: 'small', messages, stream: true, max_tokens: 7, temperature: 0 } },
  ]);
  expect(asked[0]!.key).toBeUndefined();
});

test('settings are sent under their names there; drawing has a temperature', async () => {
  answer = (_, response) => {
    stream(response);
    response.end(`${event({ content: 'x' }, { finish_reason: 'length' })}data: [DONE]\n\n`);
  };
  expect((await ask({ top_p: 0.9, seed: 3, stop: ['.'] }).asking).reason).toBe('length');
  expect(asked[0]!.body).toMatchObject({ temperature: 1, top_p: 0.9, seed: 3, stop: ['.'], max_tokens: 128 });
});

test('a server that does not stream answers in one piece', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      '{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}],"usage":{"completion_tokens":2}}',
    );
  };
  const { asking, heard } = ask();
  expect(await asking).toMatchObject({ text: 'Hello', tokens: 2 });
  expect(heard).toEqual(['Hello']);
});

test('Cancel ends at once, and the server sees the connection go', async () => {
  const gone = new Promise<void>((resolve) => {
    answer = (request, response) => {
      stream(response);
      response.write(event({ content: 'be' }));
      request.socket.once('close', resolve);
    };
  });
  const { asking, heard, controller } = ask();
  asking.catch(() => {});
  while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort();
  await expect(asking).rejects.toBeInstanceOf(Cancelled);
  await gone;
  await expect(ask({}, controller).asking).rejects.toBeInstanceOf(Cancelled);
});

test('one that hangs is left after the time that the setting allows, before an answer and within it', async () => {
  endpoint.silenceMs = 100;
  answer = () => {};
  expect(await failure(ask().asking)).toMatchObject({
    code: 'endpoint-silent',
    message: expect.stringContaining('has not answered'),
    actions: ['openSettings'],
  });
  answer = (_, response) => {
    stream(response);
    response.write(event({ content: 'half' }));
  };
  // Long enough for the first piece to come on a busy machine.
  endpoint.silenceMs = 2000;
  const { asking, heard } = ask();
  expect((await failure(asking)).message).toContain('in the middle of its answer');
  expect(heard).toEqual(['half']);
});

test('half a stream is said, whether the connection breaks or ends', async () => {
  answer = (_, response) => {
    stream(response);
    response.write(event({ content: 'half' }));
    setTimeout(() => response.destroy(), 20);
  };
  const broken = ask();
  expect((await failure(broken.asking)).code).toBe('endpoint-cut');
  expect(broken.heard).toEqual(['half']);
  answer = (_, response) => {
    stream(response);
    response.end(event({ content: 'half' }));
  };
  expect((await failure(ask().asking)).message).toMatch(/ended the answer in the middle/);
});

test('a refused key leads to where it is set, and the key is in nothing that is said', async () => {
  endpoint.key = 'sk-secret';
  answer = (_, response) => {
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end('{"error":{"message":"Incorrect API key provided: sk-secret"}}');
  };
  const refused = await failure(ask().asking);
  expect(refused).toMatchObject({ code: 'endpoint-refused', actions: ['setEndpointKey'] });
  expect(asked[0]!.key).toBe('Bearer sk-secret');
  answer = (_, response) => {
    response.writeHead(500);
    response.end('{"error":"model crashed, key was sk-secret"}');
  };
  const failed = await failure(ask().asking);
  expect(failed.message).toMatch(/failed \(500\): “model crashed, key was …”/);
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('sk-secret is yours');
  };
  for (const error of [refused, failed, await failure(ask().asking)]) {
    expect(JSON.stringify([error.message, error.hint, error.stack])).not.toContain('sk-secret');
  }
});

test('a key goes to no other address, and over http to this machine only', async () => {
  endpoint.key = 'sk-secret';
  let elsewhere = 0;
  answer = (request, response) => {
    if (request.url === '/elsewhere') elsewhere++;
    response.writeHead(307, { location: '/elsewhere' });
    response.end();
  };
  expect((await failure(ask().asking)).message).toContain('sends requests on to /elsewhere (307)');
  expect(elsewhere).toBe(0);
  endpoint.url = 'http://models.example/v1';
  expect((await failure(ask().asking)).message).toContain('not sent to models.example');
  endpoint.url = 'http://me:pass@127.0.0.1/v1';
  const named = await failure(ask().asking);
  expect([named.code, named.message.includes('pass')]).toEqual(['endpoint-invalid', true]);
  expect(named.message).not.toContain('me:pass');
  expect([isLocal('http://localhost:1/v1'), isLocal('https://localhost.example/v1')]).toEqual([true, false]);
  expect(originOf('https://a.example/v1/')).toBe('https://a.example');
});

test('a short rest is waited for and told; a long one and one without an end are said', async () => {
  let calls = 0;
  answer = (_, response) => {
    if (calls++ === 0) {
      response.writeHead(429, { 'retry-after': '0.05' });
      return response.end('{}');
    }
    stream(response);
    return response.end(`${event({ content: 'x' }, { finish_reason: 'stop' })}data: [DONE]\n\n`);
  };
  const { asking, waits } = ask();
  expect((await asking).text).toBe('x');
  expect(waits).toEqual([1]);

  answer = (_, response) => {
    response.writeHead(429, { 'retry-after': '600' });
    response.end('{"error":{"message":"slow down"}}');
  };
  expect(await failure(ask().asking)).toMatchObject({
    code: 'endpoint-busy',
    message: expect.stringContaining('“slow down”'),
    hint: 'Run it again in 10 minutes.',
  });
  answer = (_, response) => {
    response.writeHead(429, { 'retry-after': '0' });
    response.end();
  };
  const again = ask();
  expect((await failure(again.asking)).code).toBe('endpoint-busy');
  expect(again.waits).toEqual([0, 0]);

  const { asking: waiting, controller } = ask();
  waiting.catch(() => {});
  controller.abort();
  await expect(waiting).rejects.toBeInstanceOf(Cancelled);
});

test('what is no JSON, no answer and no server is said with what to do', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<html>Welcome</html>');
  };
  expect(await failure(ask().asking)).toMatchObject({
    code: 'endpoint-invalid',
    message: expect.stringContaining('“<html>Welcome</html>”, which is not JSON'),
    hint: expect.stringContaining('/v1'),
  });
  answer = (_, response) => {
    stream(response);
    response.end('data: {not json\n\n');
  };
  expect((await failure(ask().asking)).message).toContain('which is not JSON');
  answer = (_, response) => {
    stream(response);
    response.end('data: {"error":{"message":"out of memory"}}\n\n');
  };
  expect((await failure(ask().asking)).message).toContain('stopped with “out of memory”');
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"choices":[]}');
  };
  expect((await failure(ask().asking)).message).toContain('sent no answer');
  answer = (_, response) => {
    response.writeHead(404);
    response.end('{"error":"model \\"small\\" not found"}');
  };
  expect((await failure(ask().asking)).message).toContain('no model small (404): “model "small" not found”');
  await new Promise((resolve) => server.close(resolve));
  expect(await failure(ask().asking)).toMatchObject({
    code: 'endpoint-unreachable',
    message: expect.stringMatching(/^Nothing answers at http:\/\/127/),
    hint: expect.stringContaining('ollama serve'),
  });
});

test('the models of a server are listed by their names', async () => {
  answer = (_, response) => response.end('{"data":[{"id":"a"},{"id":3},null,{"id":"b"}]}');
  expect(await listEndpointModels(endpoint)).toEqual(['a', 'b']);
  expect(asked[0]!.path).toBe('/v1/models');
});

test('Cancel ends at once whatever the server does: nothing yet, a rest that it asked for, an error without end, a list', async () => {
  // Longer than a test may take: only the cancellation ends these.
  endpoint.silenceMs = 60_000;
  const cancelled = async (start: (signal: AbortSignal) => Promise<unknown>, reached: () => boolean) => {
    const controller = new AbortController();
    const asking = start(controller.signal);
    asking.catch(() => {});
    while (!reached()) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    await expect(asking).rejects.toBeInstanceOf(Cancelled);
  };
  const waits: number[] = [];
  const asks = (signal: AbortSignal) =>
    askEndpoint(endpoint, messages, {}, { signal, onText() {}, onWait: (seconds) => waits.push(seconds) });

  answer = () => {};
  await cancelled(asks, () => asked.length === 1);
  await cancelled(
    (signal) => listEndpointModels(endpoint, signal),
    () => asked.length === 2,
  );
  answer = (_, response) => response.writeHead(429, { 'retry-after': '20' }).end();
  await cancelled(asks, () => waits.length === 1);
  // Not asked again once the rest would be over.
  expect([waits, asked.length]).toEqual([[20], 3]);
  answer = (_, response) => void response.writeHead(500).write('{"error":');
  await cancelled(asks, () => asked.length === 4);
});

test('an error of the server is said with its words, as JSON, as a page, with nothing, or without an end', async () => {
  const failing = async (status: number, body: string, ends = true) => {
    answer = (_, response) => {
      response.writeHead(status, { 'content-type': 'text/html' });
      if (ends) response.end(body);
      else response.write(body);
    };
    return await failure(ask().asking);
  };
  const { host } = new URL(endpoint.url);
  expect(await failing(500, JSON.stringify({ error: { message: 'out of\nmemory' } }))).toMatchObject({
    code: 'endpoint-failed',
    message: `${host} failed (500): “out of memory”.`,
    hint: expect.stringContaining('Run it again later'),
  });
  expect((await failing(503, '<h1>Busy</h1>\n<p>Come back</p>')).message).toBe(
    `${host} failed (503): “Busy Come back”.`,
  );
  expect((await failing(502, '')).message).toBe(`${host} failed (502).`);
  endpoint.silenceMs = 200;
  expect(await failing(500, '{"error":', false)).toMatchObject({
    code: 'endpoint-failed',
    message: `${host} failed (500).`,
  });
});

test('a rest until a moment is waited for as one of seconds, and one that lies too far ahead is told in minutes', async () => {
  const until = (ms: number) => new Date(Date.now() + ms).toUTCString();
  let calls = 0;
  answer = (_, response) => {
    // A moment that is past by the time it is read: asked again at once.
    if (calls++ === 0) return response.writeHead(429, { 'retry-after': until(-5_000) }).end();
    stream(response);
    return response.end(`${event({ content: 'x' }, { finish_reason: 'stop' })}data: [DONE]\n\n`);
  };
  const { asking, waits } = ask();
  expect([(await asking).text, waits]).toEqual(['x', [0]]);
  answer = (_, response) => response.writeHead(429, { 'retry-after': until(600_000) }).end();
  expect((await failure(ask().asking)).hint).toMatch(/^Run it again in (9|10) minutes\.$/);
  answer = (_, response) => response.writeHead(429).end();
  expect(await failure(ask().asking)).toMatchObject({ code: 'endpoint-busy', hint: 'Run it again later.' });
});

test('an address with a query is asked with it, and no failure tells it', async () => {
  endpoint.url += '?code=sk-secret';
  answer = (_, response) => response.writeHead(404).end();
  const failures = [await failure(ask().asking)];
  expect(asked[0]!.path).toBe('/v1/chat/completions?code=sk-secret');
  await new Promise((resolve) => server.close(resolve));
  failures.push(await failure(ask().asking));
  for (const url of ['ftp://far.example/v1?code=sk-secret', 'far.example?code=sk-secret']) {
    endpoint.url = url;
    failures.push(await failure(ask().asking));
  }
  for (const { message, hint } of failures) expect(`${message} ${hint}`).not.toContain('sk-secret');
  expect(withoutQuery('https://far.example/v1/?code=sk-secret#top')).toEqual({
    ...{ url: 'https://far.example/v1', query: '?code=sk-secret' },
  });
});
