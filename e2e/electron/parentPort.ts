// Gives a forked process the parent port that Electron's utility processes have, and takes its own channel away.
const send = process.send?.bind(process);
Reflect.set(process, 'parentPort', {
  postMessage: (message: unknown) => send?.(message),
  on: (_event: 'message', listener: (event: { readonly data: unknown }) => void) =>
    process.on('message', (data) => listener({ data })),
});
Reflect.deleteProperty(process, 'send');
