import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { TensorProto_DataLocation as DataLocation } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { openFile } from '../../files/byteSource.ts';
import { readSafetensorsHeader } from '../../formats/safetensors.ts';
import { openTinyModel, temporaryFolder } from '../../../testing/models/temporaryFolder.ts';
import { decodeModel } from '../../onnx/graph.ts';
import { embeddedSize, weightBytes, writeDataFile, writeEmbedded, writeGraph } from './onnxFile.ts';

/** Every tensor of the model's weight files by name. */
async function storedTensors(files: readonly string[]): Promise<Map<string, Uint8Array>> {
  const tensors = new Map<string, Uint8Array>();
  for (const file of files) {
    const source = await openFile(file);
    for (const [name, { fileOffset, byteLength }] of (await readSafetensorsHeader(source)).tensors) {
      tensors.set(name, await source.read(fileOffset, byteLength));
    }
    await source.close();
  }
  return tensors;
}

describe('an .onnx file with its weights inside', () => {
  it.each(['F32', 'BF16'] as const)(
    'holds the bytes of every tensor of the %s files, and has the size foretold',
    async (dtype) => {
      const model = await openTinyModel('llama', { dtype });
      const stored = await storedTensors(model.weightFiles);
      const proto = model.buildGraph({ cache: true }).toModelProto();
      const path = join(await temporaryFolder(), 'model.onnx');
      const reports: number[] = [];
      await writeEmbedded(path, proto, model.weightsFolder, { onBytes: (bytes) => reports.push(bytes) });
      const bytes = new Uint8Array(await readFile(path));
      expect(bytes.length).toBe(embeddedSize(proto));
      expect(reports.at(-1)).toBe(weightBytes(proto));

      const before = proto.graph?.initializer ?? [];
      const graph = decodeModel(bytes).graph;
      expect(graph?.node.length).toBe(proto.graph?.node.length);
      expect(graph?.initializer.map(({ name }) => name).sort()).toEqual(before.map(({ name }) => name).sort());
      let external = 0;
      for (const tensor of graph?.initializer ?? []) {
        const original = before.find(({ name }) => name === tensor.name);
        expect(tensor.dataLocation).toBe(DataLocation.DEFAULT);
        expect([tensor.dataType, tensor.dims]).toEqual([original?.dataType, original?.dims]);
        if (original?.dataLocation !== DataLocation.EXTERNAL) continue;
        external++;
        expect(tensor.rawData).toEqual(stored.get(tensor.name));
      }
      expect(external).toBeGreaterThan(8); // the large ones: small weights are in the graph from the start
    },
  );

  it('is refused, naming the weights, when they are shorter than they were', async () => {
    const model = await openTinyModel('gpt2');
    const proto = model.buildGraph({ cache: false }).toModelProto();
    const [weights = ''] = model.weightFiles;
    await truncate(weights, 2000);
    const writing = writeEmbedded(join(await temporaryFolder(), 'model.onnx'), proto, model.weightsFolder);
    await expect(writing).rejects.toMatchObject({ code: 'invalid-file', details: { path: weights } });
  });
});

describe('a data file', () => {
  it('holds each weight once for all graphs, each at the start of a page', async () => {
    const model = await openTinyModel('gpt2');
    const stored = await storedTensors(model.weightFiles);
    const protos = [false, true].map((cache) => model.buildGraph({ cache }).toModelProto());
    const folder = await temporaryFolder();
    await writeDataFile(folder, 'model.onnx_data', protos, model.weightsFolder);
    const data = new Uint8Array(await readFile(join(folder, 'model.onnx_data')));
    for (const [index, proto] of protos.entries()) {
      const path = join(folder, `${index}.onnx`);
      await writeGraph(path, proto);
      let external = 0;
      for (const { name, externalData, dataLocation } of decodeModel(new Uint8Array(await readFile(path))).graph
        ?.initializer ?? []) {
        if (dataLocation !== DataLocation.EXTERNAL) continue;
        external++;
        const entries = new Map(externalData.map(({ key, value }) => [key, value]));
        const offset = Number(entries.get('offset'));
        expect(entries.get('location')).toBe('model.onnx_data');
        expect(offset % 4096).toBe(0);
        expect(data.slice(offset, offset + Number(entries.get('length')))).toEqual(stored.get(name));
      }
      expect(external).toBeGreaterThan(8);
    }
    expect(data.length).toBeLessThan(stored.size * 4096 * 2);
  });
});
