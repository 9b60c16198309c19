// The forward half of a step in which every token has the same number of features: encoder, selection and decoder in one graph.
import { readDecoded, type OpenBlockForward } from './blockForward.ts';
import { forwardGraph } from './stepGraphs.ts';

export const openForwardPerToken: OpenBlockForward = async (runtime, config) => {
  const session = await runtime.createSession(forwardGraph(config));
  return {
    run: async (normalised, parameters) => {
      const outputs = await session.run({ normalised, ...parameters });
      return { decoded: readDecoded(outputs, config), threshold: null };
    },
    release: () => session.release(),
  };
};
