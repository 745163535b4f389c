/** What each variable of a draft offers: asked of the server whenever one of them changes. */
import { useEffect, useState } from 'preact/hooks';
import type { BoardJson } from '../draft.ts';
import type { Host } from '../host.ts';
import { t } from './words.ts';

export interface Offered {
  name: string;
  choices: [string, string][];
  /** Choices that are not listed. */ more: number;
  chosen: string[];
  all: boolean;
  error: string | null;
}
/** `error`: why nothing is known, in words. */
export interface Known {
  list: Offered[];
  error: string;
  isRunning: boolean;
}

/** Changes that follow each other this soon are asked for once. */
const WAIT_MS = 400;

export function useOffered(host: Host, json: BoardJson): Known {
  const [known, setKnown] = useState<Known>({ list: [], error: '', isRunning: true });
  const body = JSON.stringify({ title: json.title, templating: json.templating, time: json.time, timezone: json.timezone });
  useEffect(() => {
    const ctl = new AbortController();
    setKnown((was) => ({ ...was, isRunning: true }));
    const timer = setTimeout(
      () =>
        void ask(host, body, ctl.signal).then(
          (list) => setKnown({ list, error: '', isRunning: false }),
          (e: Error) => {
            if (!ctl.signal.aborted)
              setKnown((was) => ({
                ...was,
                isRunning: false,
                error: e instanceof TypeError ? t('The server cannot be reached.') : e.message,
              }));
          },
        ),
      WAIT_MS,
    );
    return () => {
      clearTimeout(timer);
      ctl.abort();
    };
  }, [body]);
  return known;
}

async function ask(host: Host, body: string, signal: AbortSignal): Promise<Offered[]> {
  const address = (host.el.dataset.draft ?? '').replace(/draft$/, 'variables') + location.search;
  const res = await fetch(address, {
    method: 'POST',
    body,
    signal,
    headers: { 'content-type': 'application/json', 'x-requested-with': 'pharos' },
  });
  if (!res.ok) throw new Error((await res.text().catch(() => '')).trim().slice(0, 500) || t('The server answered {}.', res.status));
  return (await res.json()) as Offered[];
}
