// A small server that speaks OpenAI's chat completions, as one on a researcher's own machine does.
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface ChatServer {
  /** For the settings. */
  readonly url: string;
  /** What it was asked, the messages of each joined. */
  readonly questions: readonly string[];
  /** An answer to a question for detections: 1 for every text but the last. */
  detections(question: string): readonly number[];
  stop(): Promise<void>;
}

/** @param answer to the messages of a question, joined */
export async function chatServer(answer: (question: string) => string): Promise<ChatServer> {
  const questions: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const isChat = request.method === 'POST' && request.url === '/v1/chat/completions';
      const { model, messages } = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as {
        model?: string;
        messages?: readonly { role: string; content: string }[];
      };
      if (!isChat || messages === undefined) {
        response.writeHead(404, { 'Content-Type': 'application/json' }).end('{"error":{"message":"no such route"}}');
        return;
      }
      const question = messages.map(({ content }) => content).join('\n');
      questions.push(question);
      const message = { role: 'assistant', content: answer(question) };
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(
        JSON.stringify({
          id: 'chat-1',
          object: 'chat.completion',
          created: 1,
          model,
          choices: [{ index: 0, message, finish_reason: 'stop' }],
          usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
        }),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    questions,
    detections: (question) => {
      const count = question.match(/^Text \d+:/gmu)?.length ?? 0;
      return Array.from({ length: count }, (_, index) => (index === count - 1 ? 0 : 1));
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
