import type { ServiceNotifications, ServiceRequests } from '../../../protocol/index.ts';

/**
 * What the service asks of a host, the process of one model (JSON-RPC on its stdin and stdout). Every request can be
 * cancelled: that is heard between two batches.
 */
export interface HostRequests extends Pick<ServiceRequests, 'predict' | 'evaluate' | 'run/cell' | 'export'> {
  /** The likeliest label of each text. */
  label: { params: { texts: { text: string; text_pair?: string }[] }; result: string[] };
}

export interface HostNotifications extends Pick<ServiceNotifications, 'answer/part' | 'progress' | 'log'> {
  /** Said every few seconds, between two batches, and with every answer. */
  alive: { rss_bytes: number };
}
