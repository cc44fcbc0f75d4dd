import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { FILES, isWeights, MODEL, TOKEN, useHub } from './testing/downloads.ts';
import type { Fault } from './testing/hub-server.ts';

const hub = useHub();

describe('a model that cannot be had', () => {
  const refuse = (status: number, code?: string): Fault => {
    const headers: Record<string, string> = code === undefined ? {} : { 'x-error-code': code };
    return (_, __, response) => response.writeHead(status, headers).end() !== undefined;
  };
  const cases: [string, Fault, string | null, string, RegExp, RegExp][] = [
    [
      'gated, without a token',
      refuse(401, 'GatedRepo'),
      null,
      'download-failed',
      /is gated: its authors ask/,
      /Accept the terms.*HF_TOKEN/,
    ],
    [
      'gated, with a token',
      refuse(403, 'GatedRepo'),
      TOKEN,
      'download-failed',
      /gated, and your .* token does not/,
      /Accept the terms/,
    ],
    ['a bad token', refuse(401), TOKEN, 'download-failed', /does not accept your Hugging Face token/, /revoked/],
    [
      'unknown or private',
      refuse(401, 'RepoNotFound'),
      null,
      'model-not-found',
      /has no model org\/tiny-bert, or it is private/,
      /spelling/,
    ],
    [
      'unknown, with a token',
      refuse(404, 'RepoNotFound'),
      TOKEN,
      'model-not-found',
      /that your token can read/,
      /spelling/,
    ],
    [
      'an unknown revision',
      refuse(404, 'RevisionNotFound'),
      TOKEN,
      'model-not-found',
      /no revision "main"/,
      /tree\/main/,
    ],
    ['a plain 403', refuse(403), TOKEN, 'download-failed', /answered 403/, /^$/],
  ];
  it.each(cases)('%s', async (_, fault, token, code, message, hint) => {
    hub.server.fault = fault;
    const error = await hub.failure({ token });
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.hint ?? '').toMatch(hint);
    expect(hub.server.seen.length).toBe(1);
    expect(await readdir(hub.cacheFolder)).toEqual([]);
  });

  it('gated files of a model whose list is open, as the hub really does it', async () => {
    hub.server.fault = (seen, _, response) =>
      seen.path.includes('/resolve/') && response.writeHead(401, { 'x-error-code': 'GatedRepo' }).end() !== undefined;
    expect((await hub.failure({ token: null })).message).toMatch(/is gated/);
  });

  it('an answer that is no listing', async () => {
    for (const body of [
      '<html>',
      '[]',
      '{"sha":"main","siblings":[]}',
      `{"sha":"${hub.server.commit}"}`,
      `{"sha":"${hub.server.commit}","siblings":[1]}`,
    ]) {
      hub.server.fault = (_, __, response) => response.end(body) !== undefined;
      expect((await hub.failure()).message).toMatch(/did not answer with a list of the files/);
    }
  });

  it('only a pickle', async () => {
    await hub.serve({ 'config.json': '{}', 'pytorch_model.bin': 'x' });
    expect(await hub.failure()).toMatchObject({
      code: 'model-unsupported',
      message: expect.stringMatching(/org\/tiny-bert has its weights only as pytorch_model\.bin/),
      hint: expect.stringMatching(/spaces\/safetensors\/convert/),
    });
    expect(await readdir(hub.cacheFolder)).toEqual([]);
  });

  it('an adapter, no weights, no config, a missing shard', async () => {
    await hub.serve({ 'adapter_config.json': '{}' });
    expect((await hub.failure()).message).toMatch(/peft adapter/);
    await hub.serve({ 'adapter_config.json': '{"peft_type":"LORA","base_model_name_or_path":"org/base"}' });
    expect(await hub.failure()).toMatchObject({
      code: 'model-unsupported',
      message: expect.stringMatching(
        /org\/tiny-bert contains a peft adapter \(LORA\).* trained on the model org\/base/,
      ),
    });
    expect(await readdir(hub.cacheFolder)).toEqual([]);
    await hub.serve({ 'config.json': '{}' });
    expect((await hub.failure()).message).toMatch(/has no model\.safetensors/);
    await hub.serve({ 'README.md': '' });
    expect((await hub.failure()).message).toMatch(/has no config\.json/);
    await hub.serve({
      'config.json': '{}',
      'model.safetensors.index.json': '{"weight_map":{"a":"model-1.safetensors"}}',
    });
    expect((await hub.failure()).message).toMatch(/lacks model-1\.safetensors/);
  });

  it('a server that gives no checksum, no length, or another commit', async () => {
    hub.server.headers.set('config.json', { etag: '"1234-abcd"' });
    expect(await hub.failure()).toMatchObject({
      message: expect.stringMatching(/sends no checksum for config\.json \(ETag, X-Linked-Etag\)/),
      hint: expect.stringMatching(/\(HF_ENDPOINT\) is http:\/\/127\.0\.0\.1:\d+: use a mirror/),
    });
    hub.server.headers.set('config.json', { etag: '"../../../x"' });
    expect((await hub.failure()).message).toMatch(/sends no checksum for config\.json/);
    hub.server.headers.set('config.json', { 'x-linked-size': '-1' });
    expect(await hub.failure()).toMatchObject({
      message: expect.stringMatching(/does not say how long config\.json is \(Content-Length, X-Linked-Size\)/),
      hint: expect.stringMatching(/HF_ENDPOINT/),
    });
    hub.server.headers.set('config.json', { 'x-repo-commit': 'f'.repeat(40) });
    expect((await hub.failure()).message).toMatch(/commit ffffffff, but commit 01234567/);
  });

  it('a server that sends no Content-Length at all', async () => {
    hub.server.fault = (seen, _, response, bytes) => {
      if (!seen.path.includes('/resolve/')) return false;
      const etag = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
      response.writeHead(200, { etag: `"${etag}"`, 'transfer-encoding': 'chunked' });
      response.end(seen.method === 'HEAD' ? undefined : bytes);
      return true;
    };
    expect((await hub.failure()).message).toMatch(/does not say how long config\.json is \(Content-Length/);
  });

  it.each([
    ['HF_HUB_OFFLINE', '1'],
    ['HF_HUB_OFFLINE', 'TRUE'],
    ['HF_HUB_OFFLINE', 'yes'],
    ['HF_HUB_OFFLINE', 'on'],
    ['TRANSFORMERS_OFFLINE', '1'],
  ])('%s=%s asks nobody; what the cache holds is used', async (variable, value) => {
    vi.stubEnv(variable, value);
    expect(await hub.failure()).toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(
        new RegExp(
          `^${variable} is set, so nothing is downloaded, and the cache .* has no complete copy of org/tiny-bert\\.$`,
        ),
      ),
    });
    expect(hub.server.seen).toEqual([]);
    vi.unstubAllEnvs();
    const path = await hub.download();
    hub.server.seen.length = 0;
    vi.stubEnv(variable, value);
    expect(await hub.download()).toBe(path);
    expect(hub.server.seen).toEqual([]);
    vi.unstubAllEnvs();
  });

  it.each(['0', 'false', 'off', ''])('HF_HUB_OFFLINE=%s forbids nothing', async (value) => {
    vi.stubEnv('HF_HUB_OFFLINE', value);
    await hub.expectWhole(await hub.download());
    vi.unstubAllEnvs();
  });

  it('more than the disk holds', async () => {
    hub.server.headers.set('model.safetensors', { 'x-linked-size': '900000000000000' });
    expect(await hub.failure()).toMatchObject({
      code: 'disk-full',
      message: expect.stringMatching(/takes 900 TB, but only/),
    });
    expect(hub.server.seen.some(isWeights)).toBe(false);
  });

  it('redirects without an end, or to elsewhere than the web', async () => {
    hub.server.fault = (seen, _, response) => response.writeHead(307, { location: seen.path }).end() !== undefined;
    expect((await hub.failure()).message).toMatch(/from one address to the next/);
    hub.server.fault = (_, __, response) =>
      response.writeHead(302, { location: 'file:///etc/passwd' }).end() !== undefined;
    expect((await hub.failure()).message).toMatch(/redirects to file:/);
  });

  it('a moved model is followed at the same host', async () => {
    hub.server.fault = (seen, _, response) => {
      if (!seen.path.includes('old/name')) return false;
      response.writeHead(307, { location: seen.path.replace('old/name', MODEL) }).end();
      return true;
    };
    await expect(hub.download({}, 'old/name')).resolves.toContain('models--old--name');
  });

  it('nobody listens', async () => {
    const { endpoint } = hub.server;
    await hub.server.stop();
    const error = await hub.failure({ endpoint, retryDelayMs: 60_000 });
    expect(error).toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/cannot be reached \(127.*ECONNREFUSED\)/),
    });
    await hub.serve(FILES);
  });

  it('wrong use: a name, an endpoint, a token that are none', async () => {
    expect(await hub.failure({}, 'no/such/name')).toMatchObject({ code: 'usage' });
    expect(await hub.failure({}, '../../x')).toMatchObject({ code: 'usage' });
    expect(await hub.failure({ endpoint: 'ftp://x' })).toMatchObject({ code: 'usage' });
    const withPassword = await hub.failure({ endpoint: 'https://me:password@example.org' });
    expect(withPassword).toMatchObject({ code: 'usage', message: expect.not.stringContaining('password@') });
    expect(await hub.failure({ token: `${TOKEN}\nx` })).toMatchObject({ code: 'usage' });
    expect(hub.server.seen).toEqual([]);
  });
});
