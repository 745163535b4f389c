/** The settings of a dashboard that is being changed: a dialog over its page. */
import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import undo from 'icon:undo-2';
import type { Draft } from '../draft.ts';
import type { Host } from '../host.ts';
import { Icon } from '../parts/icon.tsx';
import { Modal } from '../parts/modal.tsx';
import { Tabs } from '../parts/choose.tsx';
import { annotationsOf } from './annotation.ts';
import { Annotations } from './annotations.tsx';
import { General } from './general.tsx';
import { linksOf } from './link.ts';
import { Links } from './links.tsx';
import { variablesOf } from './variable.ts';
import { Variables } from './variables.tsx';
import { t } from './words.ts';

/** Opens the settings; `tab` is `general`, `variables`, `annotations` or `links`. */
export function openSettings(host: Host, draft: Draft, tab = 'general'): void {
    if (document.querySelector('.es-root')) return;
    const root = Object.assign(document.createElement('div'), { className: 'es-root' });
    document.body.append(root);
    const close = () => {
        render(null, root);
        root.remove();
    };
    render(<Settings host={host} draft={draft} first={tab} onClose={close} />, root);
}

function Settings({ host, draft, first, onClose }: { host: Host; draft: Draft; first: string; onClose: () => void }) {
    const [tab, setTab] = useState(first),
        [, turn] = useState(0);
    const at = useRef<HTMLDivElement>(null);
    useEffect(() => draft.on(() => turn((n) => n + 1)), [draft]);
    useEffect(() => at.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus(), []);
    const json = draft.json;
    const tabs = [
        { id: 'general', label: t('General') },
        { id: 'variables', label: t('Variables'), count: variablesOf(json).length },
        { id: 'annotations', label: t('Annotations'), count: annotationsOf(json).length },
        { id: 'links', label: t('Links'), count: linksOf(json).length },
    ];
    const foot = (
        <>
            {draft.undoes && (
                <button type="button" class="btn g" onClick={() => draft.undo()}>
                    <Icon svg={undo} flip />
                    <span class="ell">{t('Undo: {}', draft.undoes)}</span>
                </button>
            )}
            <span class="grow" />
            <button type="button" class="btn p" onClick={onClose}>
                {t('Done')}
            </button>
        </>
    );
    return (
        <Modal title={t('Settings of the dashboard')} wide onClose={onClose} foot={foot}>
            <div class="es" ref={at}>
                <Tabs label={t('Settings of the dashboard')} tabs={tabs} value={tab} onChange={setTab}>
                    {tab === 'variables' ? (
                        <Variables host={host} draft={draft} />
                    ) : tab === 'annotations' ? (
                        <Annotations draft={draft} />
                    ) : tab === 'links' ? (
                        <Links draft={draft} />
                    ) : (
                        <General draft={draft} />
                    )}
                </Tabs>
            </div>
        </Modal>
    );
}
