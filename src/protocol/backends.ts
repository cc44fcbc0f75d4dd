export interface BackendStatus {
  name: string;
  usable: boolean;
  /** Why not, or what it runs on. */
  detail: string;
  /** Matrix-product rate in Gflop/s, measured now or before; null when never measured. */
  gflops: number | null;
  /** What `auto` takes here for a model of BERT-base's size. */
  auto: boolean;
  /** Of a graphics card. */
  limits?: CardLimits;
  /** What `auto` chooses by, where it remembers something. */
  remembered?: RememberedBackend;
}

/** Times are ISO 8601's. */
export interface RememberedBackend {
  /** By the size of models, `hidden_size up to 512`. */
  measured: { models: string; gflops: number; at: string }[];
  /** Of a graphics card that did not work when it was last tried: since when, why, and when it is tried again. */
  failure?: { since: string; tried: string; reason: string; again: string };
}

/** What a graphics card grants programs; null where it does not tell. */
export interface CardLimits {
  /** Bytes that one operation can bind at a time, of an operand. */
  largest_binding: number | null;
  /** Bytes of a tensor. */
  largest_buffer: number | null;
  /** Operands of an operation, larger ones in as many pieces as they have bindings. */
  storage_buffers: number | null;
  /** Whether they may compute in float16 (WebGPU's feature shader-f16). */
  float16: boolean | null;
}
