// The one dialog that is open over the window, if any.
import type { FileLocation, Purpose } from '../api/types.ts';

export type DialogRequest =
  | { readonly kind: 'palette' }
  | { readonly kind: 'keys' }
  | { readonly kind: 'glossary' }
  /** `page`: as docs/ has it; the one about this view when left out. */
  | { readonly kind: 'guide'; readonly page?: string }
  | { readonly kind: 'settings' }
  | { readonly kind: 'newProject' }
  | { readonly kind: 'addModel' }
  /** `location` of what was dropped on the window. */
  | { readonly kind: 'importDictionary'; readonly location?: string }
  | { readonly kind: 'pickFile'; readonly purpose: Purpose; readonly onPicked: (place: FileLocation | null) => void };

let open = $state.raw<DialogRequest | null>(null);
/** A file can be picked from within another dialog, which then comes back. */
let over = $state.raw<Extract<DialogRequest, { kind: 'pickFile' }> | null>(null);

export const dialogs = {
  get open(): DialogRequest | null {
    return open;
  },
  get over() {
    return over;
  },
  show: (request: DialogRequest): void => {
    if (request.kind === 'pickFile') over = request;
    else open = request;
  },
  close: (): void => {
    open = null;
  },
  closeOver: (): void => {
    over = null;
  },
};
