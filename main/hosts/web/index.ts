// The entry of the web host. It imports nothing that needs a current Node before it knows that it has one.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inCurrentNode } from '../currentNode.ts';

await inCurrentNode(async () => {
  const { serve } = await import('./main.ts');
  await serve(dirname(fileURLToPath(import.meta.url)));
});
