import { LuthierError } from '../../protocol/index.ts';

export type Fetch = typeof globalThis.fetch;

export interface HubClientOptions {
  endpoint: string;
  token: string | undefined;
  fetch: Fetch;
  signal: AbortSignal | undefined;
  /** A server that sends nothing for so long is given up and asked again. */
  idleTimeoutMs: number;
  /** Wait before the first repetition; doubled for each further one. */
  retryDelayMs: number;
}

export interface SendOptions {
  method?: 'GET' | 'HEAD';
  headers?: Record<string, string>;
  /** Whether to go to another host when the server says so; if not, its answer that says so is what comes back. */
  leave?: boolean;
}

/** An answer whose body is read under a timer. */
export interface Answer {
  response: Response;
  /** Where it is from, after redirects. */
  url: URL;
  /** The body as it comes. @throws Interrupted, or what the signal was aborted with */
  chunks(): AsyncGenerator<Uint8Array, void>;
  /** Lets go of the connection without reading the body. */
  discard(): Promise<void>;
}

/** A failure that may go away by itself: a broken connection, a busy server. Never shown as it is. */
export class Interrupted extends Error {
  readonly retryAfterMs: number | undefined;
  /** The server could not be reached at all. */
  readonly unreachable: boolean;
  constructor(message: string, options: { retryAfterMs?: number | undefined; unreachable?: boolean } = {}) {
    super(message);
    this.retryAfterMs = options.retryAfterMs;
    this.unreachable = options.unreachable ?? false;
  }
}

const MAX_REDIRECTS = 10;
const MAX_RETRIES = 5;
const MAX_RETRY_WAIT_MS = 60_000;

/**
 * Speaks HTTP with the Hugging Face hub or a mirror. The token goes to the endpoint's own origin and nowhere else:
 * large files are redirected to other hosts, which must not see it. Redirects are therefore followed here, not by fetch.
 */
export class HubClient {
  readonly endpoint: URL;
  readonly hasToken: boolean;
  readonly #options: HubClientOptions;

  /** @throws LuthierError `usage` for an endpoint or a token that cannot be one; the message holds no part of either's secret */
  constructor(options: HubClientOptions) {
    this.#options = options;
    this.endpoint = endpointUrl(options.endpoint);
    this.hasToken = options.token !== undefined;
    // fetch would repeat the whole header, token and all, in its own error.
    if (options.token !== undefined && !/^[\x21-\x7e]+$/.test(options.token)) {
      throw new LuthierError(
        'usage',
        'The Hugging Face token contains characters that no token has.',
        'Copy it again from https://huggingface.co/settings/tokens: it begins with "hf_".',
      );
    }
  }

  /** URL of a path below the endpoint. */
  url(path: string): URL {
    return new URL(`${this.endpoint.href.replace(/\/+$/, '')}/${path}`);
  }

  /** One request with its redirects. @throws Interrupted; LuthierError `cancelled` or `download-failed` */
  async send(url: URL, { method = 'GET', headers = {}, leave = true }: SendOptions = {}): Promise<Answer> {
    const watch = new Watch(this.#options.signal, this.#options.idleTimeoutMs);
    try {
      let target = url;
      for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
        const response = await this.#fetchOnce(target, method, headers, watch);
        const next = redirection(response, target);
        if (next === undefined || (!leave && next.origin !== this.endpoint.origin))
          return answer(response, watch, target);
        await response.body?.cancel();
        if (next.protocol !== 'https:' && next.protocol !== 'http:') {
          throw new LuthierError(
            'download-failed',
            `${showUrl(target)} redirects to ${next.protocol}, which Luthier does not follow.`,
          );
        }
        target = next;
      }
      throw new LuthierError('download-failed', `${showUrl(url)} redirects from one address to the next without end.`);
    } catch (error) {
      watch.end();
      throw error;
    }
  }

  async #fetchOnce(url: URL, method: string, headers: Record<string, string>, watch: Watch): Promise<Response> {
    const { token } = this.#options;
    const authorization =
      token !== undefined && url.origin === this.endpoint.origin ? { authorization: `Bearer ${token}` } : {};
    try {
      return await this.#options.fetch(url.href, {
        method,
        redirect: 'manual',
        signal: watch.signal,
        // Lengths and ranges must be those of the file, not of a compressed form of it.
        headers: { 'user-agent': 'luthier', 'accept-encoding': 'identity', ...headers, ...authorization },
      });
    } catch (error) {
      throw watch.explain(error, url);
    }
  }

  /**
   * Repeats what was interrupted, waiting longer each time, as long as the server wishes where it says so.
   * `progressed` says whether the last attempt brought something: the count then starts anew. `patient` waits for a
   * network that is not there, too.
   */
  async retry<T>(
    attempt: () => Promise<T>,
    { progressed = () => false, patient = true }: { progressed?: () => boolean; patient?: boolean } = {},
  ): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Interrupted) || (error.unreachable && !patient)) throw error;
        if (progressed()) failures = 1;
        if (failures > MAX_RETRIES) throw error;
        await this.#wait(error.retryAfterMs ?? this.#options.retryDelayMs * 2 ** (failures - 1));
      }
    }
  }

  async #wait(milliseconds: number): Promise<void> {
    const { signal } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(cancelled());
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', stop);
          resolve();
        },
        Math.min(milliseconds, MAX_RETRY_WAIT_MS),
      );
      if (signal?.aborted) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    });
  }
}

export const cancelled = (): LuthierError =>
  new LuthierError(
    'cancelled',
    'The download was cancelled.',
    'What was downloaded so far is kept. Start the download again to resume it.',
  );

function endpointUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new LuthierError(
      'usage',
      'HF_ENDPOINT is not the address of a Hugging Face hub or mirror.',
      'It should look like https://huggingface.co, without a user name or password.',
    );
  }
  return url;
}

function redirection(response: Response, from: URL): URL | undefined {
  const location = response.headers.get('location');
  if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return undefined;
  return URL.canParse(location, from.href) ? new URL(location, from) : undefined;
}

/** Without what comes after the path: addresses of storage hosts carry their own credentials there. */
const showUrl = (url: URL): string => `${url.origin}${url.pathname}`;

function answer(response: Response, watch: Watch, url: URL): Answer {
  return {
    response,
    url,
    async *chunks() {
      try {
        if (response.body === null) return;
        for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
          watch.touch();
          yield chunk;
        }
      } catch (error) {
        throw watch.explain(error, url);
      } finally {
        watch.end();
      }
    },
    async discard() {
      watch.end();
      await response.body?.cancel().catch(() => {
        // The connection is gone already.
      });
    },
  };
}

/** Aborts a request when its caller wishes or when nothing comes for too long, and knows afterwards which it was. */
class Watch {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #idleMs: number;
  readonly #onAbort = () => this.#controller.abort();
  #timer: NodeJS.Timeout;

  constructor(caller: AbortSignal | undefined, idleMs: number) {
    this.#caller = caller;
    this.#idleMs = idleMs;
    this.#timer = setTimeout(this.#onAbort, idleMs);
    if (caller?.aborted) this.#onAbort();
    else caller?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onAbort, this.#idleMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onAbort);
  }

  /** What a failure of fetch, or of reading a body, means. Errors that are none of theirs come back as they are. */
  explain(error: unknown, url: URL): unknown {
    if (error instanceof LuthierError || error instanceof Interrupted) return error;
    if (this.#caller?.aborted) return cancelled();
    if (this.#controller.signal.aborted) {
      return new Interrupted(`${url.host} sent nothing for ${Math.round(this.#idleMs / 1000)} s`);
    }
    const cause =
      error instanceof Error ? (error.cause as { code?: unknown; message?: unknown } | undefined) : undefined;
    const reason = String(cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : error));
    if (/CERT|SIGNATURE|SELF_SIGNED|ISSUER|ERR_TLS/.test(reason)) {
      return new LuthierError(
        'download-failed',
        `The certificate of ${url.host} is not trusted (${reason}).`,
        'If you are behind your organisation’s proxy, set NODE_EXTRA_CA_CERTS to its certificate file.',
      );
    }
    const unreachable = /^(ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(
      reason,
    );
    return new Interrupted(`${url.host}: ${reason}`, { unreachable });
  }
}
