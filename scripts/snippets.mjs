// Makes snippets/prompty.json from the templates that New Prompt Template writes. `npm run snippets`
import { writeFile } from 'node:fs/promises';
import { importBundled, root } from './bundled.mjs';

const { snippetsText } = await importBundled('src/extension/prompts/templates/snippets.ts');
await writeFile(new URL('snippets/prompty.json', root), snippetsText());
