/** The links of a dashboard: addresses, and dashboards with some tags. */
import type { Draft, Json } from '../draft.ts';
import { Segmented, Switch } from '../parts/choose.tsx';
import { TextField } from '../parts/text.tsx';
import { useTags } from './fetched.ts';
import { type LinkJson, fresh, isList, linksIn, linksOf, summary, tagsOf, wrongUrl } from './link.ts';
import { Listed } from './list.tsx';
import { TagsField } from './tags.tsx';
import { t } from './words.ts';

/** Most links of a dashboard. */
const LINKS_MAX = 50;

export function Links({ draft }: { draft: Draft }) {
    const list = linksOf(draft.json),
        named = (one: LinkJson) => one.title || summary(one) || t('a link');
    const change = (what: string, f: (all: LinkJson[]) => void, merge = '') => draft.change(what, (now) => f(linksIn(now)), merge);
    return (
        <Listed
            items={list}
            named={named}
            add={t('Add a link')}
            empty={t('Links stand at the end of the bar, and lead to other dashboards or pages.')}
            onAdd={() => {
                if (list.length < LINKS_MAX)
                    change(t('Add a link'), (all) => {
                        all.push(fresh());
                    });
            }}
            onCopy={(at) =>
                change(t('Copy a link'), (all) => {
                    const one = all[at];
                    if (one) all.splice(at + 1, 0, structuredClone(one));
                })
            }
            onMove={(items) =>
                change(t('Move a link'), (all) => {
                    all.splice(0, all.length, ...structuredClone(items));
                })
            }
            onRemove={(at) =>
                change(t('Remove a link'), (all) => {
                    all.splice(at, 1);
                })
            }
            row={(one) => (
                <>
                    <span class="ell">
                        <bdi>{named(one)}</bdi>
                    </span>
                    <span class="es-kind">{isList(one) ? t('Dashboards') : t('Address')}</span>
                    <span class="mono ell dim" dir="auto">
                        {summary(one)}
                    </span>
                </>
            )}
            form={(one, at) => (
                <LinkForm
                    one={one}
                    put={(name, value, merge = '') =>
                        change(
                            t('Change a link'),
                            (all) => {
                                const now = all[at];
                                if (now) all[at] = { ...now, [name]: value };
                            },
                            merge && `link:${at}:${merge}`,
                        )
                    }
                />
            )}
        />
    );
}

function LinkForm({ one, put }: { one: LinkJson; put: (name: string, value: Json, merge?: string) => void }) {
    const tags = useTags(),
        text = (name: string) => String(one[name] ?? ''),
        is = (name: string) => one[name] === true;
    return (
        <div class="ed-form">
            <Segmented
                wide
                label={t('Leads to')}
                value={isList(one) ? 'dashboards' : 'link'}
                options={[
                    { value: 'dashboards', label: t('Dashboards with tags') },
                    { value: 'link', label: t('An address') },
                ]}
                onChange={(kind) => put('type', kind)}
            />
            <TextField label={t('Title')} value={one.title ?? ''} max={200} focus onChange={(value) => put('title', value, 'title')} />
            {isList(one) ? (
                <TagsField
                    label={t('Tags')}
                    help={t('Dashboards that have all of them.')}
                    value={tagsOf(one)}
                    offered={tags}
                    onChange={(all) => put('tags', all)}
                />
            ) : (
                <>
                    <TextField
                        mono
                        label={t('Address')}
                        value={text('url')}
                        max={2000}
                        placeholder="https://…"
                        error={wrongUrl(text('url')) || undefined}
                        onChange={(value) => put('url', value, 'url')}
                    />
                    <TextField
                        label={t('Tip under the pointer')}
                        value={text('tooltip')}
                        max={500}
                        onChange={(value) => put('tooltip', value, 'tip')}
                    />
                </>
            )}
            <div class="es-switches wide">
                {isList(one) && <Switch label={t('As a menu')} value={is('asDropdown')} onChange={(on) => put('asDropdown', on)} />}
                <Switch label={t('The time range goes with it')} value={is('keepTime')} onChange={(on) => put('keepTime', on)} />
                <Switch label={t('The variables go with it')} value={is('includeVars')} onChange={(on) => put('includeVars', on)} />
                <Switch label={t('In a window of its own')} value={is('targetBlank')} onChange={(on) => put('targetBlank', on)} />
            </div>
        </div>
    );
}
