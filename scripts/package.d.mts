export interface PackageEntry {
  /** Inside the extension, with `/`. */
  name: string;
  /** Path of a file, or its bytes. */
  source: string | Buffer;
}
export const TARGETS: readonly string[];
export function packageEntries(target: string): PackageEntry[];
