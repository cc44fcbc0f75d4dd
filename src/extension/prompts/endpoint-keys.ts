import type * as vscode from 'vscode';
import { SECRETS } from '../ids.ts';
import { originOf, withoutQuery } from './endpoint-address.ts';

/**
 * API keys of endpoints, in VS Code's secret storage and nowhere else. A key belongs to the address that it was given
 * for: one that a workspace's settings put in its place gets none. What stands behind a question mark of an address may
 * be a key, too: it is kept here, and everything else that is kept has the address without it.
 */
export class EndpointKeys {
  private readonly secrets: vscode.SecretStorage;

  constructor(secrets: vscode.SecretStorage) {
    this.secrets = secrets;
  }

  async get(url: string): Promise<string | undefined> {
    return await this.secrets.get(nameOf(url));
  }

  /** The whole address of an endpoint. */
  async address(url: string): Promise<string> {
    return url + ((await this.secrets.get(queryOf(url))) ?? '');
  }

  /** Keeps what stands behind the question mark, and gives the address without it. @throws HostError `endpoint-invalid` */
  async keepAddress(address: string): Promise<string> {
    const { url, query } = withoutQuery(address);
    if (query) await this.secrets.store(queryOf(url), query);
    else await this.secrets.delete(queryOf(url));
    return url;
  }

  /** Keeps it; an empty one is forgotten. */
  async set(url: string, key: string): Promise<void> {
    if (key.trim()) await this.secrets.store(nameOf(url), key.trim());
    else await this.secrets.delete(nameOf(url));
  }
}

const queryOf = (url: string): string => `${SECRETS.endpointQuery}:${url}`;
const nameOf = (url: string): string => `${SECRETS.endpointKey}:${originOf(url)}`;
