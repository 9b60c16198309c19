// The entry of the command line. It imports nothing that needs a current Node before it knows that it has one.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inCurrentNode } from '../currentNode.ts';

await inCurrentNode(async () => {
  const { main } = await import('./main.ts');
  const here = fileURLToPath(import.meta.url);
  const engine = here.endsWith('.ts') ? join(dirname(here), '../../engine/index.ts') : join(dirname(here), 'engine.js');
  process.exitCode = await main(process.argv.slice(2), engine);
});
