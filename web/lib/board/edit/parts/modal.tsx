/** A dialog: the browser keeps the focus in it; Escape and the button close it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import close from 'icon:x';
import { IconButton } from './icon.tsx';
import { t } from './words.ts';

export function Modal({
    title,
    onClose,
    wide,
    foot,
    children,
}: {
    title: string;
    onClose: () => void;
    wide?: boolean;
    /** Buttons at its end. */ foot?: ComponentChildren;
    children: ComponentChildren;
}) {
    const id = useId(),
        at = useRef<HTMLDialogElement>(null);
    useEffect(() => {
        const before = document.activeElement as HTMLElement | null;
        at.current?.showModal();
        return () => {
            if (before?.isConnected) before.focus();
        };
    }, []);
    return (
        <dialog
            ref={at}
            class={wide ? 'ed-modal wide' : 'ed-modal'}
            aria-labelledby={id}
            onCancel={(e) => {
                e.preventDefault();
                onClose();
            }}
            onKeyDown={(e) => e.stopPropagation()}
        >
            <header>
                <h2 id={id}>{title}</h2>
                <span class="grow" />
                <IconButton svg={close} label={t('Close')} onPress={onClose} />
            </header>
            <div class="ed-modal-body">{children}</div>
            {foot && <footer>{foot}</footer>}
        </dialog>
    );
}
