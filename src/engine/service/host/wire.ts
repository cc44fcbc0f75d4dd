import type { RecipeSource, RunEstimate, ServiceNotifications, ServiceRequests } from '../../../protocol/index.ts';

/**
 * What the service asks of a host, the process of one model or of estimates (JSON-RPC on its stdin and stdout). Every request can be
 * cancelled: that is heard between two batches.
 */
export interface HostRequests
  extends Pick<
    ServiceRequests,
    | 'predict'
    | 'predict/file'
    | 'generate'
    | 'evaluate'
    | 'run/cell'
    | 'export'
    | 'prompt/render'
    | 'prompt/run'
    | 'prompt/code'
    | 'prompt/check'
    | 'completion/complete'
    | 'completion/prepare'
  > {
  /** The likeliest label of each text. */
  label: { params: { texts: { text: string; text_pair?: string }[] }; result: string[] };
  /** Of the process without a model: these. */
  'files/collect': ServiceRequests['files/collect'];
  'recipe/rates': ServiceRequests['recipe/rates'];
  'run/completions': {
    params: ServiceRequests['run/completions']['params'] & { cacheFolder: string | undefined };
    result: ServiceRequests['run/completions']['result'];
  };
  'run/estimate': { params: { source: RecipeSource; cacheFolder: string | undefined }; result: RunEstimate };
  'run/checkpoint': ServiceRequests['run/checkpoint'];
}

export interface HostNotifications extends Pick<ServiceNotifications, 'answer/part' | 'progress' | 'log'> {
  /** Said every few seconds, between two batches, and with every answer. */
  alive: { rss_bytes: number };
}
