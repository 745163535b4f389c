/** Settings of a dashboard: made in the branch `settings`. */
import type { Draft } from '../draft.ts';
import type { Host } from '../host.ts';

export function openSettings(_host: Host, _draft: Draft, _tab?: string): void {}
