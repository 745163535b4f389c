/** Links: on values, or on the title of the panel. */
import plus from 'icon:plus';
import type { Json, Obj } from '../draft.ts';
import { Switch } from '../parts/choose.tsx';
import { Icon } from '../parts/icon.tsx';
import { Reorder } from '../parts/reorder.tsx';
import { TextField } from '../parts/text.tsx';
import { t } from '../../../words.ts';
import { list, object, text } from './path.ts';

const LINKS_MAX = 50;

export function Links({
    value,
    onChange,
    ofPanel,
}: {
    value: Json | undefined;
    onChange: (value: Json | undefined) => void;
    ofPanel: boolean;
}) {
    const links = list(value).map((one) => object(one) ?? {});
    const take = (next: Obj[]) => onChange(next.length ? next : undefined);
    const change = (i: number, part: Obj) => take(links.map((one, j) => (j === i ? { ...one, ...part } : one)));
    return (
        <div class="ed-f wide">
            <p class="faint">
                {ofPanel ? t('They stand in the head of the panel.') : t('A click on a value leads there. The first link counts.')}
            </p>
            <Reorder items={links} named={(one, i) => text(one.title) || t('Link {}', i + 1)} onChange={take}>
                {(one, i) => (
                    <div class="ed-form">
                        <TextField label={t('Words')} value={text(one.title)} onChange={(title) => change(i, { title })} />
                        <TextField
                            label={t('Leads to')}
                            mono
                            value={text(one.url)}
                            placeholder={ofPanel ? 'https://… /d/…' : '/explore?q=up{job="${__field.labels.job}"}'}
                            onChange={(url) => change(i, { url })}
                            error={/^\s*(javascript|data|vbscript):/i.test(text(one.url)) ? t('Such an address is not allowed.') : ''}
                        />
                        <Switch
                            label={t('In a new tab')}
                            value={one.targetBlank === true}
                            onChange={(targetBlank) => change(i, { targetBlank })}
                        />
                        {ofPanel && (
                            <Switch
                                label={t('Take the time along')}
                                value={one.keepTime === true}
                                onChange={(keepTime) => change(i, { keepTime })}
                            />
                        )}
                        {ofPanel && (
                            <Switch
                                label={t('Take variables along')}
                                value={one.includeVars === true}
                                onChange={(includeVars) => change(i, { includeVars })}
                            />
                        )}
                    </div>
                )}
            </Reorder>
            <button
                type="button"
                class="btn sm ed-add"
                disabled={links.length >= LINKS_MAX}
                onClick={() => take([...links, { title: '', url: '' }])}
            >
                <Icon svg={plus} />
                {t('Add a link')}
            </button>
        </div>
    );
}
