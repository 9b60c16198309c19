// Reads two epochs of a store with a buffer of 8 MB, as a program of its own, `readStore.ts FOLDER`, and prints by how many
// megabytes its memory grew at most.

import { RowSelection } from '../../core/activations/rowSelection.ts';
import { ShuffledReader } from '../../core/activations/shuffledReader.ts';
import { openStore } from '../../core/activations/store.ts';

const store = await openStore(process.argv[2]!);
const selection = await RowSelection.of(store);
const before = process.resourceUsage().maxRSS;
const reader = new ShuffledReader(store, { batchSize: 512, seed: 1, selection, bufferBytes: 8 << 20, epochs: 2 });
const target = new Float32Array(512 * store.width);
let batches = 0;
while (await reader.next(target)) batches++;
console.log(JSON.stringify({ batches, grownMegabytes: (process.resourceUsage().maxRSS - before) / 1024 }));
await reader.close();
await store.close();
