import type * as vscode from 'vscode';
import { SECRETS } from '../ids.ts';
import { originOf } from './remote.ts';

/**
 * API keys of endpoints, in VS Code's secret storage and nowhere else. A key belongs to the address that it was given
 * for: one that a workspace's settings put in its place gets none.
 */
export class EndpointKeys {
  private readonly secrets: vscode.SecretStorage;

  constructor(secrets: vscode.SecretStorage) {
    this.secrets = secrets;
  }

  async get(url: string): Promise<string | undefined> {
    return await this.secrets.get(nameOf(url));
  }

  /** Keeps it; an empty one is forgotten. */
  async set(url: string, key: string): Promise<void> {
    if (key.trim()) await this.secrets.store(nameOf(url), key.trim());
    else await this.secrets.delete(nameOf(url));
  }
}

const nameOf = (url: string): string => `${SECRETS.endpointKey}:${originOf(url)}`;
