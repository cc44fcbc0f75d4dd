import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// End-to-end tests in VS Code have a runner of their own (test/e2e); everything else runs here.
export default defineConfig({
  test: {
    // Host logic that touches the editor is tested with a stand-in: the editor's module exists only inside of it.
    alias: { vscode: fileURLToPath(new URL('src/extension/testing/vscode.ts', import.meta.url)) },
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/setup.ts'],
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/e2e/**'],
    // Patience, as in test/setup.ts.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
