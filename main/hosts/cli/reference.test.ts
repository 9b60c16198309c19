// docs/reference/commands.md says what the program says; `npx vitest run -u --project unit main/hosts/cli/reference.test.ts`
// writes it again.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commands } from './commands/index.ts';
import { commandReference } from './reference.ts';

it('the reference of the command line has every command with its options, as --help shows them', async () => {
  const reference = commandReference(commands);
  for (const { name, options } of commands) {
    expect(reference).toContain(`## errata ${name}\n`);
    for (const option of Object.keys(options)) expect(reference).toContain(`--${option}`);
  }
  await expect(reference).toMatchFileSnapshot(join(import.meta.dirname, '../../../docs/reference/commands.md'));
});
