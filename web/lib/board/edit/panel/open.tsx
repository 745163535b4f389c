/** The editor of a panel: made in the branch `panel`; until it is merged a panel's JSON is looked at. */
import type { Draft } from '../draft.ts';
import type { Host } from '../host.ts';

/** Opens it; gives back how to close it. */
export function openPanel(_host: Host, _draft: Draft, _id: number): () => void { return () => undefined; }
