import { createParser } from 'eventsource-parser';
import type { ChatMessage, FinishReason, GenerationSettings } from '../../protocol/generation.ts';
import { counted, DEFAULT_NEW_TOKENS, SAMPLING_KEYS } from '../../protocol/index.ts';
import { Cancelled, HostError } from '../errors.ts';
import { plainLine } from '../escape.ts';
import { addressOf, hostOf, isLocal, parsed } from './endpoint-address.ts';

/** A server that speaks OpenAI's protocol: Ollama, llama.cpp, vLLM, or one elsewhere. */
export interface Endpoint {
  /** Up to and without `/chat/completions`. */
  url: string;
  model: string;
  /** From VS Code's secret storage; it goes into one header and nowhere else. */
  key: string | undefined;
  /** Longest silence: for the first bytes of an answer, and between two pieces of it. */
  silenceMs: number;
}

export interface RemoteAnswer {
  text: string;
  /** Of the answer, as the server counts; null where it does not say. */
  tokens: number | null;
  ms: number;
  reason: FinishReason;
}

export interface Asking {
  signal: AbortSignal;
  /** Hears the answer as it is written. */
  onText(text: string): void;
  /** Hears that the server wants some seconds' rest, which are waited for. */
  onWait?(seconds: number): void;
}

/** Longest rest that is waited for when a server asks for one; a longer one is told. */
const PATIENCE_S = 30;
/** How often a server that asks for rest is asked again. */
const MOST_RESTS = 2;
/** No answer of words is as long; a server that does not stop is. */
const MOST_BYTES = 16 << 20;
const MOST_ERROR_BYTES = 64 << 10;

/** Names of the models that a server offers, in its order. */
export async function listEndpointModels(
  endpoint: Omit<Endpoint, 'model'>,
  signal: AbortSignal = new AbortController().signal,
): Promise<string[]> {
  const call = new Call({ ...endpoint, model: '' }, signal);
  try {
    const response = await call.send('models', null);
    if (!response.ok) throw await call.refusal(response);
    const { data } = (await call.json(response)) as { data?: unknown };
    const names = Array.isArray(data) ? data.map((entry) => (entry as { id?: unknown } | null)?.id) : [];
    return names.filter((name) => typeof name === 'string');
  } finally {
    call.end();
  }
}

/**
 * Asks for the answer to messages, and gives it as it is written. A server that asks for a short rest (429 with
 * Retry-After) gets it.
 * @throws HostError `endpoint-…` with what happened and what to do; Cancelled at once when the signal says so. What was
 *   heard until then stands.
 */
export async function askEndpoint(
  endpoint: Endpoint,
  messages: readonly ChatMessage[],
  settings: GenerationSettings,
  { signal, onText, onWait }: Asking,
): Promise<RemoteAnswer> {
  const started = performance.now();
  for (let rests = 0; ; rests++) {
    const call = new Call(endpoint, signal);
    try {
      const response = await call.send('chat/completions', bodyOf(endpoint.model, messages, settings));
      const rest = response.status === 429 ? restOf(response.headers) : null;
      if (rest !== null && rest <= PATIENCE_S && rests < MOST_RESTS) {
        await response.body?.cancel();
        onWait?.(Math.ceil(rest));
        await call.rest(rest);
        continue;
      }
      if (!response.ok) throw await call.refusal(response);
      const answer = await call.read(response, onText);
      return { ...answer, ms: performance.now() - started };
    } finally {
      call.end();
    }
  }
}

function bodyOf(model: string, messages: readonly ChatMessage[], settings: GenerationSettings): object {
  const { max_new_tokens = DEFAULT_NEW_TOKENS, do_sample, temperature, top_p, top_k, min_p, seed, stop } = settings;
  const draws = do_sample || SAMPLING_KEYS.some((key) => settings[key] !== undefined);
  const given = { top_p, top_k, min_p, seed, stop };
  return {
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: max_new_tokens,
    // As our own models: the likeliest token, unless a setting says otherwise.
    temperature: draws ? (temperature ?? 1) : 0,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

/** Seconds that a server wants to be left alone for; null where it does not say. */
function restOf(headers: Headers): number | null {
  const value = headers.get('retry-after');
  if (value === null) return null;
  const seconds = /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

type Read = Omit<RemoteAnswer, 'ms'>;

/** One request, which ends with the signal or after too long a silence. */
class Call {
  private readonly endpoint: Endpoint;
  private readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly cancel = () => this.controller.abort();
  private silence: NodeJS.Timeout | undefined;
  private isSilent = false;

  constructor(endpoint: Endpoint, signal: AbortSignal) {
    this.endpoint = endpoint;
    this.signal = signal;
    signal.addEventListener('abort', this.cancel, { once: true });
    if (signal.aborted) this.controller.abort();
  }

  end(): void {
    clearTimeout(this.silence);
    this.signal.removeEventListener('abort', this.cancel);
    // Whatever still comes is of no interest.
    this.controller.abort();
  }

  async send(path: string, body: object | null): Promise<Response> {
    const { endpoint } = this;
    const address = addressOf(endpoint, path);
    this.heard();
    try {
      return await fetch(address, {
        method: body === null ? 'GET' : 'POST',
        headers: {
          accept: body === null ? 'application/json' : 'text/event-stream, application/json',
          ...(body === null ? {} : { 'content-type': 'application/json' }),
          ...(endpoint.key === undefined ? {} : { authorization: `Bearer ${endpoint.key}` }),
        },
        ...(body === null ? {} : { body: JSON.stringify(body) }),
        signal: this.controller.signal,
        // A prompt goes where a person said, and not where a server sends it on to.
        redirect: 'manual',
      });
    } catch (error) {
      throw this.broken(error, 'before');
    }
  }

  /** Something came: the silence starts again. */
  private heard(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.isSilent = true;
      this.controller.abort();
    }, this.endpoint.silenceMs);
  }

  async rest(seconds: number): Promise<void> {
    clearTimeout(this.silence);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, 1000 * seconds);
      const { signal } = this.controller;
      const ended = () => {
        clearTimeout(timer);
        reject(new Cancelled());
      };
      if (signal.aborted) ended();
      else signal.addEventListener('abort', ended, { once: true });
    });
  }

  /** Pieces of the body as text. */
  private async *pieces(response: Response, limit: number): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    let bytes = 0;
    try {
      for await (const chunk of response.body ?? []) {
        this.heard();
        bytes += (chunk as Uint8Array).byteLength;
        if (bytes > limit)
          throw this.failure('endpoint-invalid', 'sent more than an answer can be', 'The rest was not read.');
        yield decoder.decode(chunk as Uint8Array, { stream: true });
      }
    } catch (error) {
      throw error instanceof HostError ? error : this.broken(error, 'during');
    }
    yield decoder.decode();
  }

  private async text(response: Response, limit: number): Promise<string> {
    let text = '';
    for await (const piece of this.pieces(response, limit)) text += piece;
    return text;
  }

  async json(response: Response): Promise<unknown> {
    const text = await this.text(response, MOST_BYTES);
    return this.parse(text);
  }

  private parse(text: string): unknown {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null) return value;
    } catch {
      // Told below.
    }
    const begins = text.trim() === '' ? 'nothing' : `“${this.quoted(text, 60)}”`;
    throw this.failure(
      'endpoint-invalid',
      `answered ${begins}, which is not JSON`,
      'Check that luthier.prompts.endpoint.url is the address of an OpenAI-compatible server; it usually ends in /v1.',
    );
  }

  /** The answer, as events or in one piece where the server does not stream. */
  async read(response: Response, onText: (text: string) => void): Promise<Read> {
    const answer: Read = { text: '', tokens: null, reason: 'end' };
    let ended = false;
    const take = (value: unknown) => {
      const { error, choices, usage } = value as Completion;
      if (error) throw this.failure('endpoint-failed', `stopped with “${this.quoted(said(value) ?? 'an error', 200)}”`);
      const tokens = usage?.completion_tokens;
      if (typeof tokens === 'number') answer.tokens = tokens;
      const choice = choices?.[0];
      if (!choice) return;
      const text = choice.delta?.content ?? choice.message?.content;
      if (typeof text === 'string' && text !== '') {
        answer.text += text;
        onText(text);
      }
      if (typeof choice.finish_reason !== 'string') return;
      ended = true;
      if (choice.finish_reason === 'length') answer.reason = 'length';
    };
    const events = response.headers.get('content-type')?.includes('text/event-stream');
    if (!events) {
      const value = (await this.json(response)) as Completion;
      take(value);
      if (!value.choices?.[0]) {
        throw this.failure(
          'endpoint-invalid',
          'sent no answer in what it said',
          'It may not be an OpenAI-compatible server.',
        );
      }
      return answer;
    }
    const parser = createParser({
      onEvent: ({ data }) => {
        if (data.trim() === '[DONE]') ended = true;
        else take(this.parse(data));
      },
    });
    for await (const piece of this.pieces(response, MOST_BYTES)) parser.feed(piece);
    if (ended) return answer;
    throw this.failure('endpoint-cut', 'ended the answer in the middle', 'What came until then is kept. Run it again.');
  }

  /** What a refused request is told as. */
  async refusal(response: Response): Promise<HostError> {
    const { status, headers } = response;
    const { endpoint } = this;
    const body = await this.text(response, MOST_ERROR_BYTES).catch((error: unknown) => {
      if (error instanceof Cancelled) throw error;
      return '';
    });
    const words = this.words(body);
    const why = words ? `: “${words}”` : '';
    switch (status) {
      case 401:
      case 403:
        return this.failure(
          'endpoint-refused',
          endpoint.key === undefined ? `wants an API key (${status})` : `does not accept the API key (${status})`,
          'Set the key with Set API Key of Endpoint.',
          ['setEndpointKey'],
        );
      case 404:
        return this.failure(
          'endpoint-failed',
          `has nothing at this address, or no model ${plainLine(endpoint.model)} (404)${why}`,
          'Choose another model, or change luthier.prompts.endpoint.url.',
          ['openSettings'],
        );
      case 429: {
        const rest = restOf(headers);
        const when =
          rest === null
            ? 'later'
            : `in ${rest < 90 ? counted(Math.ceil(rest), 'second') : counted(Math.ceil(rest / 60), 'minute')}`;
        return this.failure('endpoint-busy', `takes no more requests for now (429)${why}`, `Run it again ${when}.`);
      }
    }
    if (status >= 300 && status < 400) {
      const to = headers.get('location');
      return this.failure(
        'endpoint-invalid',
        `sends requests on to ${to ? plainLine(to).slice(0, 200) : 'another address'} (${status}), where nothing is sent`,
        'If you trust that address, set it as luthier.prompts.endpoint.url.',
        ['openSettings'],
      );
    }
    if (status >= 500) {
      return this.failure(
        'endpoint-failed',
        `failed (${status})${why}`,
        'Its own log may say more. Run it again later.',
      );
    }
    return this.failure(
      'endpoint-failed',
      `refused the request (${status})${why}`,
      'Change the settings of the answer, or the model.',
    );
  }

  /** An answer's error message, or the beginning of what it said instead. */
  private words(body: string): string {
    try {
      const message = said(JSON.parse(body));
      return message === null ? '' : this.quoted(message, 200);
    } catch {
      return this.quoted(body.replace(/<[^>]*>/g, ' '), 120);
    }
  }

  /** Words of the server as they may be shown: on one line, shortened, and never with the key. */
  private quoted(text: string, length: number): string {
    const { key } = this.endpoint;
    const safe = key ? text.replaceAll(key, '…') : text;
    const line = plainLine(safe.replace(/\s+/g, ' ')).trim();
    return line.length > length ? `${line.slice(0, length - 1)}…` : line;
  }

  private broken(error: unknown, when: 'before' | 'during'): Error {
    if (this.signal.aborted) return new Cancelled();
    const { silenceMs, url } = this.endpoint;
    // What stands behind a question mark may be a key, which is shown and logged nowhere.
    const { origin, pathname } = parsed(url);
    if (this.isSilent) {
      const silence = counted(Math.round(silenceMs / 1000), 'second');
      return this.failure(
        'endpoint-silent',
        when === 'before'
          ? `has not answered for ${silence}`
          : `stopped in the middle of its answer: nothing came for ${silence}`,
        'It may be busy or still loading the model. Run it again, or raise luthier.prompts.endpoint.timeoutSeconds.',
        ['openSettings'],
      );
    }
    if (when === 'during') {
      return this.failure(
        'endpoint-cut',
        'ended the answer in the middle',
        'What came until then is kept. Run it again.',
      );
    }
    const cause = (error as { cause?: { code?: unknown; message?: unknown } }).cause;
    const code = typeof cause?.code === 'string' ? ` (${cause.code})` : '';
    return new HostError(
      'endpoint-unreachable',
      `Nothing answers at ${plainLine(origin + pathname)}${code}.`,
      isLocal(url)
        ? 'Start the server (for Ollama: ollama serve), or change luthier.prompts.endpoint.url.'
        : 'Check the network, or change luthier.prompts.endpoint.url.',
      ['openSettings'],
    );
  }

  private failure(
    code: ConstructorParameters<typeof HostError>[0],
    what: string,
    hint?: string,
    ways: ConstructorParameters<typeof HostError>[3] = [],
  ): HostError {
    return new HostError(code, `${hostOf(this.endpoint.url)} ${what}.`, hint, ways);
  }
}

interface Completion {
  error?: unknown;
  choices?: {
    delta?: { content?: unknown };
    message?: { content?: unknown };
    finish_reason?: unknown;
  }[];
  usage?: { completion_tokens?: unknown } | null;
}

/** What an error says: as OpenAI's and llama.cpp's write it, as vLLM's, as Ollama's. */
function said(value: unknown): string | null {
  const { error, message, detail } = (value ?? {}) as Record<string, unknown>;
  const inner = typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : error;
  return [inner, message, detail].find((text) => typeof text === 'string') ?? null;
}
