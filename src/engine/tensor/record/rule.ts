import type { Recording } from './recording.ts';

/** A kernel of tfjs as a rule sees it: the names of its tensors, and its attributes. */
export interface Kernel<Inputs extends string = string, Attributes extends object = object> {
  readonly inputs: Readonly<Record<Inputs, string>>;
  readonly attributes: Readonly<Attributes>;
}

/** Adds a kernel's nodes to the recording and returns the value (or values) that it makes. */
export type Rule<K extends Kernel> = (
  r: Recording,
  inputs: K['inputs'],
  attributes: K['attributes'],
) => string | string[];

/** A rule for each of these kernels: one that lacks does not compile. */
export type Rules<Kernels extends { readonly [Name in keyof Kernels]: Kernel }> = {
  readonly [Name in keyof Kernels]: Rule<Kernels[Name]>;
};
