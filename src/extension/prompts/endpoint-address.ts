import { HostError } from '../errors.ts';
import { plainLine } from '../escape.ts';

/** The address that a key belongs to, and that is confirmed: scheme, host and port. */
export const originOf = (url: string): string => parsed(url).origin;

/** An address without what stands behind its question mark, which may be a key. @throws HostError `endpoint-invalid` */
export function withoutQuery(url: string): { url: string; query: string } {
  const { origin, pathname, search } = parsed(url);
  return { url: origin + pathname.replace(/\/+$/, ''), query: search };
}

/** A host as people know it. */
export const hostOf = (url: string): string => parsed(url).host;

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Whether the server is on this machine. */
export const isLocal = (url: string): boolean => LOOPBACK.test(parsed(url).hostname);

/** An endpoint's address. @throws HostError `endpoint-invalid` */
export function parsed(url: string): URL {
  const wrong = (why: string) =>
    new HostError('endpoint-invalid', `The endpoint’s address ${why}.`, 'Change luthier.prompts.endpoint.url.', [
      'openSettings',
    ]);
  let address: URL;
  try {
    address = new URL(url);
  } catch {
    // Behind a question mark there may be a key.
    throw wrong(`“${plainLine(url.split('?', 1)[0]!)}” is not a URL`);
  }
  if (address.protocol !== 'http:' && address.protocol !== 'https:') throw wrong('is not one of http or https');
  // It would be shown and logged with the address; what is secret has a place of its own.
  if (address.username || address.password) {
    throw wrong('contains a user name or password; keep a key with Set API Key of Endpoint instead');
  }
  return address;
}

/**
 * Where a server is asked.
 * @param path behind the endpoint's own
 * @throws HostError `endpoint-invalid`, also where a key would go over the net in plain sight
 */
export function addressOf(endpoint: { url: string; key: string | undefined }, path: string): string {
  const address = parsed(endpoint.url);
  if (endpoint.key !== undefined && address.protocol === 'http:' && !isLocal(endpoint.url)) {
    throw new HostError(
      'endpoint-invalid',
      `The API key is not sent to ${address.host}: its address is http, which anybody on the way can read.`,
      'Use https in luthier.prompts.endpoint.url, or delete the key with Set API Key of Endpoint.',
      ['openSettings', 'setEndpointKey'],
    );
  }
  address.pathname = `${address.pathname.replace(/\/+$/, '')}/${path}`;
  return address.href;
}
