/** What the settings ask the server for: once for each address while they are open. */
import { useEffect, useState } from 'preact/hooks';

/** Addresses that follow each other this soon, while somebody types, are asked once. */
const WAIT_MS = 250;

/** The answer of an address as JSON; `undefined` until it is there or where it fails. An empty address asks nothing. */
export function useFetched<T>(address: string): T | undefined {
  const [found, setFound] = useState<{ address: string; body: T } | null>(null);
  useEffect(() => {
    if (!address) return;
    const ctl = new AbortController();
    const timer = setTimeout(
      () => {
        fetch(address, { signal: ctl.signal, headers: { 'x-requested-with': 'pharos' } })
          .then((res) => (res.ok ? (res.json() as Promise<T>) : Promise.reject(new Error(String(res.status)))))
          // Lists are a help for typing: the field works without.
          .then(
            (body) => setFound({ address, body }),
            () => undefined,
          );
      },
      found ? WAIT_MS : 0,
    );
    return () => {
      clearTimeout(timer);
      ctl.abort();
    };
  }, [address]);
  return found?.address === address ? found.body : undefined;
}

/** Tags of all dashboards. */
export const useTags = (): string[] => (useFetched<{ term: string }[]>('/api/dashboards/tags') ?? []).map((one) => one.term);

/** A selector that is whole: half of one is no question yet. */
const MATCHER = '\\s*\\w+\\s*(?:=~|!~|!=|=)\\s*"(?:[^"\\\\]|\\\\.)*"\\s*,?',
  WHOLE = new RegExp(`^(?:[a-zA-Z_:][\\w:]*(?:\\{(?:${MATCHER})*\\})?|\\{(?:${MATCHER})+\\})$`);

/** Names of labels of metrics or logs; where a selector without variables is given, those of its series. */
export function useLabels(logs: boolean, selector: string): string[] {
  // Variables in it are not filled here.
  const plain = WHOLE.test(selector) && !/[$]|\[\[/.test(selector) ? selector : '';
  const address = logs ? '/loki/api/v1/labels' : `/api/v1/labels?limit=1000${plain ? `&match[]=${encodeURIComponent(plain)}` : ''}`;
  const all = useFetched<{ data?: string[] }>(logs ? '' : '/api/v1/labels?limit=1000'),
    found = useFetched<{ data?: string[] }>(address);
  return found?.data?.length ? found.data : (all?.data ?? []);
}
