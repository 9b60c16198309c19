// The reference of the command line as Markdown: what --help says of every command, in the order of the overview.
import type { AnyCommand } from './command.ts';
import { commandHelp } from './help.ts';

export function commandReference(commands: readonly AnyCommand[]): string {
  const parts = commands.map((command) => `## errata ${command.name}\n\n\`\`\`text\n${commandHelp(command)}\n\`\`\`\n`);
  return [
    '# Commands\n',
    'Generated from the program; a test keeps it true. Every command takes `--project DIR`, and `--json` to print one JSON\nobject as the last line. Exit codes: 0 done, 1 failed, 2 wrong usage.\n',
    ...parts,
  ].join('\n');
}
