// A corpus as a model reads it: conversations become texts by the model's own chat template.
import { openChatTemplate } from '../models/chatTemplate.ts';
import type { Model } from '../models/model.ts';
import { openCorpus, type Corpus, type CorpusOptions } from './corpus.ts';
import type { RenderMessages } from './rowTexts.ts';

/** @throws AppError as openCorpus; a chat template that cannot be used stops no corpus without conversations. */
export async function openCorpusFor(model: Model, path: string, options: CorpusOptions = {}): Promise<Corpus> {
  return openCorpus(path, options, await rendererOf(model));
}

async function rendererOf(model: Model): Promise<RenderMessages | undefined> {
  try {
    const template = await openChatTemplate(model.folder);
    return template ? (messages) => template.renderWhole(messages) : undefined;
  } catch (cause) {
    return () => {
      throw cause;
    };
  }
}
