import type { ApiHandlers } from '../../../contract/api/contract.ts';
import { checkSettings } from '../../../workbench/suggestions.ts';
import type { HostContext } from '../hostContext.ts';

export function appHandlers(host: HostContext): ApiHandlers['app'] {
  return {
    facts: () => ({
      version: host.version,
      host: host.kind,
      platform: process.platform,
      files: host.files.kind,
      author: host.author().author,
      dataFolder: host.dataFolder,
      hasSample: host.sampleFolder !== null,
    }),
    signOut: async () => {
      await host.signOut();
      return {};
    },
    device: () => host.computing.facts,
    measureDevice: () => host.computing.measure(),
    settings: () => host.settings.settings,
    changeSettings: async (patch) => {
      await checkSettings(patch);
      const settings = await host.settings.change(patch);
      host.computing.request(settings.device);
      host.events.emit({ type: 'settings', settings });
      return settings;
    },
  };
}
