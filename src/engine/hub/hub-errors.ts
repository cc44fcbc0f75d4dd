import { formatBytes, LuthierError } from '../../protocol/index.ts';
import type { ModelName } from './cache.ts';
import { type Answer, Interrupted } from './http.ts';

export interface Asked {
  name: ModelName;
  endpoint: URL;
  hasToken: boolean;
  /** The file that was asked for; none when it was the listing. */
  file?: string | undefined;
}

const TOKEN_HINT =
  'make a token at https://huggingface.co/settings/tokens and set it as HF_TOKEN, or log in with "hf auth login"';

/**
 * What an answer that is no success means; undefined for one that is. The hub says more by its X-Error-Code than by
 * its status: it answers 401 for a model that does not exist, so as not to tell which private ones do.
 */
export function statusError({ response, url }: Answer, asked: Asked): LuthierError | Interrupted | undefined {
  const { status, headers } = response;
  if (status < 400) return undefined;
  const { name, endpoint, hasToken, file } = asked;
  // A storage host knows nothing of models; the address that it refuses was made for this request and may be too old.
  if (url.origin !== endpoint.origin) return new Interrupted(`${url.host} answered ${status}`);
  const code = headers.get('x-error-code');
  const page = `${endpoint.origin}/${name.id}`;
  if (status === 429 || status >= 500) {
    return new Interrupted(
      status === 429 ? `${endpoint.host} asks you to wait (too many requests)` : `${endpoint.host} answered ${status}`,
      { retryAfterMs: retryAfter(headers.get('retry-after')) },
    );
  }
  if (code === 'GatedRepo') {
    return new LuthierError(
      'download-failed',
      hasToken
        ? `${name.id} is gated, and your Hugging Face token does not open it.`
        : `${name.id} is gated: its authors ask you to accept their terms first.`,
      hasToken
        ? `Accept the terms at ${page}, and allow the token to read gated models at https://huggingface.co/settings/tokens.`
        : `Accept the terms at ${page}, then ${TOKEN_HINT}.`,
    );
  }
  if (code === 'RevisionNotFound') {
    return new LuthierError(
      'model-not-found',
      `${name.id} has no revision "${name.revision}".`,
      `See ${page}/tree/main.`,
    );
  }
  if (status === 404 && file !== undefined) {
    return new LuthierError('download-failed', `${endpoint.host} lists ${file} of ${name.id} but does not have it.`);
  }
  if (status === 401 && hasToken && code === null) {
    return new LuthierError(
      'download-failed',
      `${endpoint.host} does not accept your Hugging Face token.`,
      `It may have been revoked: ${TOKEN_HINT}.`,
    );
  }
  if (status === 401 || status === 404) {
    return new LuthierError(
      'model-not-found',
      `${endpoint.host} has no model ${name.id}${hasToken ? ' that your token can read' : ', or it is private'}.`,
      hasToken ? 'Check the spelling.' : `Check the spelling; for a private model, ${TOKEN_HINT}.`,
    );
  }
  return new LuthierError(
    'download-failed',
    `${endpoint.host} answered ${status} for ${file ?? 'the list of files'} of ${name.id}.`,
  );
}

/** Seconds or a date (RFC 9110, 10.2.3) in milliseconds from now. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const milliseconds = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}

/** What is said when repeating did not help; errors of other kinds come back as they are. */
export function givenUp(error: unknown, asked: Asked, progress?: { done: number; total: number }): unknown {
  if (!(error instanceof Interrupted)) return error;
  const where = progress === undefined ? '' : ` at ${formatBytes(progress.done)} of ${formatBytes(progress.total)}`;
  if (error.unreachable) {
    return new LuthierError(
      'download-failed',
      `${asked.endpoint.host} cannot be reached${where} (${error.message}).`,
      'Check your connection. Behind a proxy, set NODE_USE_ENV_PROXY=1 (Node 24); for a mirror, set HF_ENDPOINT.',
    );
  }
  return new LuthierError(
    'download-failed',
    `The download of ${asked.file ?? 'the list of files'} of ${asked.name.id} was interrupted${where}: ${error.message}.`,
    'Start it again later: it resumes where it stopped.',
  );
}
