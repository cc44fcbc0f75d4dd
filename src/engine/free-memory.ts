import { freemem, totalmem } from 'node:os';

/** Bytes that this process may still take, a container's limit included. */
export const freeMemory = (): number =>
  typeof process.availableMemory === 'function' ? process.availableMemory() : freemem();

/** Bytes that the machine has, or the container may take. */
export const wholeMemory = (): number =>
  Math.min(totalmem(), process.constrainedMemory?.() || Number.POSITIVE_INFINITY);
