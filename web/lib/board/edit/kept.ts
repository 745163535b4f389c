/** Dashboards where they are kept: loading, saving, folders; what is refused, in words. */
import { t } from '../../words.ts';
import type { BoardJson, Kept } from './draft.ts';

const FOLDERS_MAX = 1_000;

/** Why something was not done. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly word: string,
    text: string,
  ) {
    super(text);
  }
}

/** Asks the server; what it refuses and what never arrives is thrown as `Refused`. */
async function request<T>(url: string, sent?: unknown): Promise<T> {
  let res: Response;
  try {
    res = await fetch(url, {
      headers: { 'x-requested-with': 'pharos', ...(sent === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(sent === undefined ? {} : { method: 'POST', body: typeof sent === 'string' ? sent : JSON.stringify(sent) }),
    });
  } catch {
    throw new Refused(0, '', t('The server cannot be reached.'));
  }
  const told = (await res.json().catch(() => null)) as (T & { error?: string; message?: string; detail?: string; status?: string }) | null;
  if (!res.ok || !told)
    throw new Refused(
      res.status,
      String(told?.status ?? ''),
      told?.error ?? told?.detail ?? told?.message ?? t('The server answered {}.', res.status),
    );
  return told;
}

interface Found {
  dashboard: unknown;
  meta: { version: number; folderUid: string; updatedBy: string; provisionedExternalId: string; isBuiltIn?: boolean };
}
export interface Loaded {
  json: unknown;
  kept: Kept;
  /** Who saved it last. */ by: string;
}

export async function load(uid: string): Promise<Loaded> {
  const { dashboard, meta } = await request<Found>(`/api/dashboards/uid/${encodeURIComponent(uid)}`);
  return {
    json: dashboard,
    kept: { uid, version: meta.version, folderUid: meta.folderUid, file: meta.provisionedExternalId },
    by: meta.updatedBy,
  };
}

export interface Saved {
  uid: string;
  version: number;
  url: string;
  folderUid: string;
}

/** Keeps a dashboard as a change of the version that `kept` names; without a uid as a new one. */
export const save = (json: BoardJson, kept: Kept, message: string): Promise<Saved> =>
  request<Saved>('/api/dashboards/db', {
    dashboard: { ...json, id: null, uid: kept.uid, version: kept.version },
    folderUid: kept.folderUid,
    message,
    overwrite: false,
  });

export interface Folder {
  uid: string;
  title: string;
}

/** Folders that dashboards can be put into, by title with those around them. */
export async function folders(): Promise<Folder[]> {
  const found = await request<{ uid: string; title: string; folderUid?: string; id: number }[]>(
    `/api/search?type=dash-folder&limit=${FOLDERS_MAX}`,
  );
  const known = new Map(found.map((one) => [one.uid, one]));
  const path = (one: (typeof found)[number], depth = 0): string => {
    const around = one.folderUid && depth < 8 ? known.get(one.folderUid) : undefined;
    return around ? `${path(around, depth + 1)} / ${one.title}` : one.title;
  };
  // The folder of ready-made dashboards has no number: nothing is kept in it.
  return found
    .filter((one) => one.id > 0)
    .map((one) => ({ uid: one.uid, title: path(one) }))
    .sort((a, b) => a.title.localeCompare(b.title));
}

export interface Finding {
  panelId: number;
  panelTitle: string;
  level: 'adapted' | 'ignored' | 'broken';
  path: string;
  text: string;
}
export interface Checked {
  error?: { text: string; line?: number; column?: number };
  report?: { panels: number; whole: number; findings: Finding[] };
}

/** A panel of an older form in that of today; null where it has that. */
export const modern = (panel: unknown): Promise<{ panel: unknown }> => request<{ panel: unknown }>('/ui/boards/modern', panel);

/** How the server understands a text as a dashboard. */
export const check = (text: string): Promise<Checked> => request<Checked>('/ui/boards/check', text);
