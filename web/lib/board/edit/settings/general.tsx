/** What a dashboard says of itself: title, tags, folder, range, refreshing, and what its charts share. */
import { useEffect, useState } from 'preact/hooks';
import { resolve } from '../../../range.ts';
import type { BoardJson, Draft, Json } from '../draft.ts';
import { Segmented, Select, Switch } from '../parts/choose.tsx';
import { Combo } from '../parts/combo.tsx';
import { TextField } from '../parts/text.tsx';
import { type Folder, folders } from '../kept.ts';
import { useTags } from './fetched.ts';
import { TagsField } from './tags.tsx';
import { t } from './words.ts';
import { zones } from './zones.ts';

const REFRESH = ['5s', '10s', '30s', '1m', '5m'];
const FROM = [
        'now-5m',
        'now-15m',
        'now-30m',
        'now-1h',
        'now-3h',
        'now-6h',
        'now-12h',
        'now-24h',
        'now-2d',
        'now-7d',
        'now-30d',
        'now-90d',
        'now/d',
        'now-1d/d',
        'now/w',
        'now/M',
    ],
    TO = ['now', 'now/d', 'now-1d/d', 'now/w', 'now/M'];

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const wrongTime = (said: string): string | undefined =>
    resolve(said, Date.now() / 1000) == null ? t('This is no time: write now-6h, now or a date.') : undefined;

export function General({ draft }: { draft: Draft }) {
    const json = draft.json,
        tags = useTags(),
        time = (json.time ?? {}) as { from?: unknown; to?: unknown };
    const change = (what: string, f: (json: BoardJson) => void, merge = '') => draft.change(what, f, merge && `settings:${merge}`);
    const put = (what: string, name: string, value: Json, merge = '') =>
        change(
            what,
            (now) => {
                now[name] = value;
            },
            merge,
        );
    const range = (end: 'from' | 'to', value: string) =>
        change(
            t('Change the time range'),
            (now) => {
                now.time = { from: 'now-6h', to: 'now', ...(now.time as object | undefined), [end]: value.trim() };
            },
            end,
        );
    const from = text(time.from) || 'now-6h',
        to = text(time.to) || 'now',
        zone = text(json.timezone),
        refresh = json.refresh === false ? '' : text(json.refresh);
    return (
        <div class="ed-form">
            <TextField
                wide
                label={t('Title')}
                value={json.title ?? ''}
                max={500}
                focus
                error={json.title?.trim() ? undefined : t('A dashboard needs a title.')}
                onChange={(title) => put(t('Change the title'), 'title', title, 'title')}
            />
            <TextField
                wide
                label={t('Description')}
                value={text(json.description)}
                rows={2}
                onChange={(words) => put(t('Change the description'), 'description', words, 'description')}
            />
            <TagsField
                wide
                label={t('Tags')}
                value={Array.isArray(json.tags) ? json.tags.map(String) : []}
                offered={tags}
                onChange={(all) => put(t('Change the tags'), 'tags', all)}
            />
            <FolderField draft={draft} />
            <Combo
                label={t('Time zone')}
                help={t('For Grafana: readers here choose their own.')}
                value={zone.toLowerCase() === 'utc' ? 'utc' : zone}
                options={[
                    { value: '', label: t('as the reader chose') },
                    { value: 'browser', label: t('of the browser') },
                    { value: 'utc', label: 'UTC' },
                    ...zones(),
                ]}
                onChange={(value) => put(t('Change the time zone'), 'timezone', value)}
            />
            <TextField
                mono
                label={t('Shown from')}
                value={from}
                offered={FROM}
                max={40}
                error={wrongTime(from)}
                onChange={(value) => range('from', value)}
            />
            <TextField
                mono
                label={t('to')}
                value={to}
                offered={TO}
                max={40}
                error={wrongTime(to)}
                onChange={(value) => range('to', value)}
            />
            <Select
                label={t('Refreshes every')}
                value={refresh}
                options={[{ value: '', label: t('not by itself') }, ...REFRESH.map((value) => ({ value, label: value }))]}
                onChange={(value) => put(t('Change the refreshing'), 'refresh', value)}
            />
            <Segmented
                wide
                label={t('Under the pointer, charts share')}
                value={String(json.graphTooltip ?? 0)}
                options={[
                    { value: '0', label: t('nothing') },
                    { value: '1', label: t('the crosshair') },
                    { value: '2', label: t('crosshair and tooltip') },
                ]}
                onChange={(value) => put(t('Change what charts share'), 'graphTooltip', Number(value))}
            />
            <Switch
                wide
                label={t('May be edited')}
                help={t('Turned off, Grafana shows it without its tools for editing.')}
                value={json.editable !== false}
                onChange={(on) => put(t('Change who may edit it'), 'editable', on)}
            />
        </div>
    );
}

/** Where it is kept: not part of the JSON, and so no step back. */
function FolderField({ draft }: { draft: Draft }) {
    const [all, setAll] = useState<Folder[]>([]);
    useEffect(() => void folders().then(setAll, () => undefined), []);
    return (
        <Select
            label={t('Folder')}
            help={t('It moves there when it is saved.')}
            value={draft.kept.folderUid}
            options={[{ value: '', label: t('none') }, ...all.map((one) => ({ value: one.uid, label: one.title }))]}
            onChange={(uid) => {
                draft.kept = { ...draft.kept, folderUid: uid };
            }}
        />
    );
}
