import { expect, test, vi } from 'vitest';
import { ErrorCodes, ResponseError } from 'vscode-jsonrpc/node';
import { Cancelled, type HostError, toHostError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { type FakeService, fakeService, never } from '../testing/fake-service.ts';
import { RestartBudget } from './restarts.ts';
import { EngineService, type ServiceOptions } from './service.ts';

/** A service whose processes are `make`'s, in order; the last one is made again and again. */
function serviceOf(make: (() => FakeService)[], options: Partial<ServiceOptions> = {}) {
  const started: FakeService[] = [];
  const service = new EngineService({
    launch: async () => {
      const fake = make[Math.min(started.length, make.length - 1)]!();
      started.push(fake);
      return fake;
    },
    initialize: async () => ({ client: 'test' }),
    log: silentLog,
    idleMs: () => 60_000,
    ...options,
  });
  return { service, started };
}

const failure = async (promise: Promise<unknown>): Promise<HostError> =>
  await promise.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => toHostError(error),
  );

test('starts with the first request, once for many', async () => {
  const { service, started } = serviceOf([() => fakeService({ backends: () => [] })]);
  expect(started.length).toBe(0);
  await Promise.all([service.request('backends', { measure: false }), service.request('backends', { measure: false })]);
  expect(started.length).toBe(1);
  service.dispose();
});

test("the engine's errors keep code, message and hint", async () => {
  const { service } = serviceOf([
    () =>
      fakeService({
        backends: () => {
          const data = { code: 'backend-unavailable', message: 'No backend.', hint: 'Install one.' };
          throw new ResponseError(ErrorCodes.InternalError, 'No backend.', data);
        },
      }),
  ]);
  const error = await failure(service.request('backends', { measure: false }));
  expect(error).toMatchObject({ code: 'backend-unavailable', message: 'No backend.', hint: 'Install one.' });
  service.dispose();
});

test('a death rejects all that is pending with one and the same error, and the next request starts anew', async () => {
  let asked = 0;
  const waiting = () => {
    asked++;
    return never();
  };
  const { service, started } = serviceOf([
    () => fakeService({ backends: waiting, predict: waiting }),
    () => fakeService({ backends: () => [] }),
  ]);
  const pending = [
    service.request('backends', { measure: true }),
    service.request('predict', { model: 'm', texts: [] }),
  ];
  await vi.waitFor(() => expect(asked).toBe(2));
  started[0]!.die('signal SIGKILL');
  const errors = await Promise.all(pending.map(failure));
  expect(errors[0]).toBe(errors[1]);
  expect(errors[0]!.code).toBe('engine-stopped');
  expect(errors[0]!.message).toContain('signal SIGKILL');
  await expect(service.request('backends', { measure: false })).resolves.toEqual([]);
  expect(started.length).toBe(2);
  service.dispose();
});

test('restarts four times in three minutes, then stays down, says so, and starts again when told to', async () => {
  let now = 0;
  const budget = new RestartBudget(4, 180_000, () => now);
  let dying = true;
  const { service, started } = serviceOf(
    [
      () => {
        const fake = fakeService({ backends: () => (dying ? never() : []) });
        if (dying) setTimeout(() => fake.die('exit code 1'), 5);
        return fake;
      },
    ],
    { budget },
  );
  for (let i = 0; i < 5; i++) await failure(service.request('backends', { measure: false }));
  expect(started.length).toBe(5);
  const error = await failure(service.request('backends', { measure: false }));
  expect(error.code).toBe('engine-gave-up');
  expect(error.message).toContain('exit code 1');
  expect(error.actions).toContain('restartEngine');
  expect(started.length).toBe(5);
  dying = false;
  now = 180_001;
  await expect(service.request('backends', { measure: false })).resolves.toEqual([]);
  dying = true;
  await service.restart();
  for (let i = 0; i < 5; i++) await failure(service.request('backends', { measure: false }));
  await failure(service.request('backends', { measure: false }));
  dying = false;
  await service.restart();
  await expect(service.request('backends', { measure: false })).resolves.toEqual([]);
  service.dispose();
});

test('a service that hangs is ended, and progress keeps one alive that takes long', async () => {
  const { service, started } = serviceOf([() => fakeService({ predict: never })], { limits: { predict: 50 } });
  const error = await failure(service.request('predict', { model: 'm', texts: ['a'] }));
  expect(error.code).toBe('engine-silent');
  expect(started[0]!.killed).toBe(true);

  const slow = serviceOf(
    [
      () => {
        const fake = fakeService({
          'models/download': async ({ progress_token }: { progress_token: string }) => {
            for (let done = 0; done < 8; done++) {
              await new Promise((resolve) => setTimeout(resolve, 500));
              void fake.connection.sendNotification('progress', {
                token: progress_token,
                message: 'file',
                done,
                total: 8,
              });
            }
            return { path: '/m' };
          },
        });
        return fake;
      },
    ],
    { limits: { 'models/download': 3000 } },
  );
  const seen: number[] = [];
  const options = { onProgress: ({ done }: { done: number }) => void seen.push(done) };
  await expect(slow.service.request('models/download', { name: 'm' }, options)).resolves.toEqual({ path: '/m' });
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  slow.service.dispose();
});

test.each([
  ['says nothing', () => fakeService({ initialize: never })],
  ['answers nonsense', () => fakeService({ initialize: () => ({ hello: 1 }) })],
  [
    'babbles',
    () => {
      const fake = fakeService({ initialize: never });
      fake.babble('Segmentation fault\r\n\r\n{');
      return fake;
    },
  ],
  [
    'dies at once',
    () => {
      const fake = fakeService({ initialize: never });
      setTimeout(() => fake.die('exit code 127'), 5);
      return fake;
    },
  ],
])('an engine that %s does not start, and says how to go on', async (_what, make) => {
  const { service } = serviceOf([make], { limits: { initialize: 100 } });
  const error = await failure(service.request('backends', { measure: false }));
  expect(error.code).toBe('engine-start');
  expect(error.actions).toContain('showLog');
  service.dispose();
});

test('a cancelled request ends at once and tells the far end', async () => {
  const cancelled = vi.fn();
  const controller = new AbortController();
  const { service } = serviceOf([
    () => {
      const fake = fakeService();
      fake.connection.onRequest('predict', async (_params, token) => {
        token.onCancellationRequested(cancelled);
        controller.abort();
        return await never();
      });
      return fake;
    },
  ]);
  const request = service.request('predict', { model: 'm', texts: [] }, { signal: controller.signal });
  await expect(request).rejects.toBeInstanceOf(Cancelled);
  await vi.waitFor(() => expect(cancelled).toHaveBeenCalled());
  service.dispose();
});

test('whoever waits for what becomes of a cancelled request gets it', async () => {
  const controller = new AbortController();
  const { service } = serviceOf([
    () => {
      const fake = fakeService();
      fake.connection.onRequest('predict/file', async (_params, token) => {
        const cancelled = new Promise<void>((resolve) => void token.onCancellationRequested(() => resolve()));
        controller.abort();
        await cancelled;
        return { rows: 2, of: 4 };
      });
      return fake;
    },
  ]);
  const params = { model: 'm', file: 'a', out: 'b', as: 'message', settings: {} } as const;
  const request = service.request('predict/file', params, { signal: controller.signal, waits: true });
  await expect(request).resolves.toEqual({ rows: 2, of: 4 });
  service.dispose();
});

test('ends when idle, without counting as a death', async () => {
  const { service, started } = serviceOf([() => fakeService({ backends: () => [] })], { idleMs: () => 30 });
  await service.request('backends', { measure: false });
  await vi.waitFor(() => expect(started[0]!.killed).toBe(true));
  expect(service.isRunning).toBe(false);
  await service.request('backends', { measure: false });
  expect(started.length).toBe(2);
  service.dispose();
});

test('after dispose every request is refused', async () => {
  const { service, started } = serviceOf([() => fakeService()]);
  service.dispose();
  expect((await failure(service.request('backends', { measure: false }))).code).toBe('cancelled');
  expect(started.length).toBe(0);
});
