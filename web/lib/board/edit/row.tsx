/** The title of a row, and by which variable it repeats. */
import { useState } from 'preact/hooks';
import { t } from '../../words.ts';
import { open } from './ask.ts';
import { panelOf, type Draft, type Obj } from './draft.ts';

function Row({ draft, id, close }: { draft: Draft; id: number; close: () => void }) {
    const row = panelOf(draft.json, id),
        [title, setTitle] = useState(row?.title ?? ''),
        [repeat, setRepeat] = useState(String(row?.repeat ?? ''));
    const listed = (draft.json.templating as { list?: Obj[] } | undefined)?.list,
        names = (Array.isArray(listed) ? listed : []).map((one) => String(one.name ?? '')).filter(Boolean);
    const apply = (e: Event) => {
        e.preventDefault();
        draft.change(t('Change a row'), (json) => {
            const one = panelOf(json, id);
            if (!one) return;
            one.title = title;
            if (repeat) one.repeat = repeat;
            else delete one.repeat;
        });
        close();
    };
    return (
        <form onSubmit={apply}>
            <header>
                <h2>{t('Row')}</h2>
            </header>
            <div class="inside">
                <div class="fields">
                    <label>
                        {t('Title')}
                        <input class="in" value={title} onInput={(e) => setTitle(e.currentTarget.value)} maxLength={500} autofocus />
                    </label>
                    {(names.length > 0 || repeat) && (
                        <label>
                            {t('Once for each value of')}
                            <select class="in" value={repeat} onChange={(e) => setRepeat(e.currentTarget.value)}>
                                <option value="">{t('no variable: it stands once')}</option>
                                {[...new Set([...names, ...(repeat ? [repeat] : [])])].map((name) => (
                                    <option key={name} value={name}>
                                        {name}
                                    </option>
                                ))}
                            </select>
                        </label>
                    )}
                </div>
            </div>
            <footer>
                <button type="button" class="btn" onClick={close}>
                    {t('Cancel')}
                </button>
                <button class="btn p">{t('Apply')}</button>
            </footer>
        </form>
    );
}

export function editRow(draft: Draft, id: number): void {
    open('eg-row', t('Row'), (close) => <Row draft={draft} id={id} close={close} />);
}
