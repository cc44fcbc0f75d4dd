import type { Declaration, ParameterInfo } from '../models/scope.ts';
import { type Shape, sizeOf } from '../tensor/executors/executor.ts';

/** Rows of a matrix that lie by themselves. */
export interface TablePiece {
  /** Which it is fed by. */
  readonly name: string;
  readonly shape: Shape;
  /** The number of the matrix's numbers that it begins with. */
  readonly from: number;
}

/** By the name of the parameter, the pieces of those that a device cannot bind whole. */
export type TablePieces = ReadonlyMap<string, readonly TablePiece[]>;

/**
 * A piece's gradient is a product with a matrix of ones and zeros, a row for each token of a batch: with so many tokens that
 * is as large as a piece.
 */
const TOKENS = 1024;

/**
 * Tables of embeddings, and weights of linear layers such as a head's for each token of a vocabulary, that have more bytes
 * than one binding. Weights that lie `[outputs, inputs]` are cut by their outputs, others by their inputs.
 */
export function piecesOf(
  parameters: Declaration['parameters'],
  largestBinding = Number.POSITIVE_INFINITY,
): TablePieces {
  const most = Math.floor(largestBinding / Float32Array.BYTES_PER_ELEMENT);
  const tooLarge = [...parameters.values()].filter((info) => isRead(info) && sizeOf(info.shape) > most);
  return new Map(tooLarge.map(({ name, shape }) => [name, cut(name, shape as [number, number], most)]));
}

/** Whether scopes read it by rows or as a product (models/scope.ts), which they do in pieces, too. */
const isRead = ({ shape, place, layout }: ParameterInfo): boolean =>
  shape.length === 2 && (layout !== undefined || place === -1);

function cut(name: string, [rows, width]: [number, number], most: number): TablePiece[] {
  const fitting = Math.max(1, Math.floor(most / Math.max(width, TOKENS)));
  const each = Math.ceil(rows / Math.ceil(rows / fitting));
  return Array.from({ length: Math.ceil(rows / each) }, (_, i) => ({
    ...{ name: `${name}#${i}`, shape: [Math.min(each, rows - i * each), width], from: i * each * width },
  }));
}

/** Names that a parameter is fed by: its pieces', or its own. */
export const fedNames = (pieces: TablePieces | undefined, name: string): readonly string[] =>
  pieces?.get(name)?.map((piece) => piece.name) ?? [name];

/** A parameter as it is fed: in its pieces, or whole. */
export const fedAs = (pieces: TablePieces | undefined, name: string, shape: Shape): readonly TablePiece[] =>
  pieces?.get(name) ?? [{ name, shape, from: 0 }];
