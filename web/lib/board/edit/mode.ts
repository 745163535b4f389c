/** Changing a dashboard where it stands. */
import type { Host } from './host.ts';

export function start(_host: Host): void {}
