import { expect, it } from 'vitest';
import { FILES, isWeights, MODEL, useHub } from '../hub/testing/downloads.ts';
import { createHandlers } from './handlers.ts';

const hub = useHub();

it('refuses a model that cannot be used before its weights come, as the terminal does', async () => {
  await hub.serve({ ...FILES, 'config.json': '{"model_type":"t5"}' });
  const handlers = createHandlers({ tell: () => undefined, end: () => undefined });
  const { signal } = new AbortController();
  await handlers.initialize(
    { client: 'test', cache_folder: hub.cacheFolder, endpoint: hub.server.endpoint, hugging_face_token: '' },
    signal,
  );
  await expect(handlers['models/download']({ name: MODEL }, signal)).rejects.toMatchObject({
    code: 'model-unsupported',
    message: `${MODEL}/config.json: model_type "t5" is not supported.`,
  });
  expect(hub.server.fetched()).toEqual(['main', 'config.json']);
  expect(hub.server.seen.some(isWeights)).toBe(false);
});
