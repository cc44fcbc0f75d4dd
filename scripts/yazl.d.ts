/** What vsix.mjs uses of it; the package has no types. */
declare module 'yazl' {
  export class ZipFile {
    readonly outputStream: NodeJS.ReadableStream;
    addBuffer(data: Buffer, name: string): void;
    addReadStreamLazy(
      name: string,
      options: { size: number },
      open: (done: (error: Error | null, stream: NodeJS.ReadableStream) => void) => void,
    ): void;
    end(): void;
  }
}
