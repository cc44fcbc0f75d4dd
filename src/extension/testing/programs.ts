import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder that is gone after the test; its name has a space and letters beyond ASCII, as users' have. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'luthier tést '));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 20 }) };
}

/** A program out of a JavaScript text, run by this Node; it stands in for node or Electron. Not on Windows. */
export function program(path: string, script: string): string {
  const source = `${path}.source`;
  writeFileSync(source, `#!${process.execPath}\n${script}\n`);
  // Written by a process of its own: a program that one of our children still holds open for writing, between its fork
  // and its exec, cannot be run (ETXTBSY).
  execFileSync('cp', [source, path]);
  chmodSync(path, 0o755);
  rmSync(source);
  return path;
}

/** A stand-in for an engine service's script: speaks JSON-RPC as far as `initialize` and `backends`. */
export const ANSWERING = `
let buffer = Buffer.alloc(0);
process.stdin.on('data', (chunk) => {
  buffer = Buffer.concat([buffer, chunk]);
  for (;;) {
    const end = buffer.indexOf('\\r\\n\\r\\n');
    if (end < 0) return;
    const length = Number(/Content-Length: (\\d+)/i.exec(buffer.toString('latin1', 0, end))[1]);
    if (buffer.length < end + 4 + length) return;
    const message = JSON.parse(buffer.toString('utf8', end + 4, end + 4 + length));
    buffer = buffer.subarray(end + 4 + length);
    if (message.id === undefined) continue;
    const result = message.method === 'initialize' ? { version: '1', node: '20', pid: process.pid }
      : message.method === 'backends' ? [{ name: 'onnxruntime', usable: true, detail: '', gflops: 1, auto: true }] : null;
    const body = JSON.stringify({ jsonrpc: '2.0', id: message.id, result });
    process.stdout.write('Content-Length: ' + Buffer.byteLength(body) + '\\r\\n\\r\\n' + body);
  }
});
`;
