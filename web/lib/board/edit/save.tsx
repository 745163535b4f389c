/** Saving: what it is called, where it lies, what was changed; and what is done when somebody else saved meanwhile. */
import { useEffect, useState } from 'preact/hooks';
import { toast } from '../../say.ts';
import { t } from '../../words.ts';
import { open } from './ask.ts';
import { changes } from './changes.ts';
import type { Kept } from './draft.ts';
import { folders, load, Refused, save, type Folder } from './kept.ts';
import type { Session } from './session.ts';

const MESSAGE_MAX = 500;

/** A newer version that somebody else saved. */
interface Newer {
    version: number;
    by: string;
}

function Save({ s, close }: { s: Session; close: () => void }) {
    const { draft } = s,
        isNew = s.isNew;
    const [title, setTitle] = useState(draft.json.title),
        [folder, setFolder] = useState(draft.kept.folderUid),
        [message, setMessage] = useState('');
    const [all, setAll] = useState<Folder[] | null>(null),
        [problem, setProblem] = useState(''),
        [busy, setBusy] = useState(false),
        [newer, setNewer] = useState<Newer | null>(null),
        [asCopy, setAsCopy] = useState(false);
    useEffect(() => {
        folders().then(setAll, (e: unknown) => {
            setAll([]);
            setProblem((e as Error).message);
        });
    }, []);
    // A folder in which nothing is kept, as that of the ready-made ones, is none.
    const known = folder === '' || !all || all.some((one) => one.uid === folder),
        chosen = known ? folder : '';
    const lines = isNew ? [] : changes(draft.before, { ...draft.json, title: asCopy ? draft.before.title : title });
    if (!isNew && !asCopy && all && known && (draft.moves || folder !== draft.kept.folderUid))
        lines.push(t('It goes into the folder: {}', all.find((one) => one.uid === folder)?.title ?? t('no folder')));

    const send = async (kept: Kept) => {
        setBusy(true);
        setProblem('');
        try {
            if (title.trim() !== draft.json.title)
                draft.change(t('Change the title'), (json) => {
                    json.title = title.trim();
                });
            const saved = await save(draft.json, { ...kept, folderUid: chosen }, message.trim());
            const goes = kept.uid === '';
            draft.keep({ uid: saved.uid, version: saved.version, folderUid: saved.folderUid, file: goes ? '' : draft.kept.file });
            close();
            if (goes) s.goTo(`${saved.url}?edit=1`);
            else toast(t('Saved as version {}.', saved.version));
        } catch (e) {
            const why = e as Refused;
            if (why.word === 'version-mismatch') await meet(why);
            else setProblem(why.message);
        } finally {
            setBusy(false);
        }
    };
    const meet = async (why: Refused) => {
        try {
            const { kept, by } = await load(draft.kept.uid);
            setNewer({ version: kept.version, by });
        } catch {
            setProblem(why.message);
        }
    };
    const copy = () => {
        setTitle(t('{} (copy)', title));
        setAsCopy(true);
        setNewer(null);
    };
    const submit = (e: Event) => {
        e.preventDefault();
        if (!busy && title.trim()) void send(isNew || asCopy ? { uid: '', version: 0, folderUid: '', file: '' } : draft.kept);
    };

    if (newer)
        return (
            <form
                onSubmit={(e) => {
                    e.preventDefault();
                    if (!busy) void send({ ...draft.kept, version: newer.version });
                }}
            >
                <header>
                    <h2>{t('Somebody else saved this dashboard')}</h2>
                </header>
                <div class="inside">
                    <p>
                        {t(
                            'Version {} was saved by {} while you were changing version {}. Nothing of yours is lost: choose what becomes of it.',
                            newer.version,
                            newer.by || t('somebody'),
                            draft.kept.version,
                        )}
                    </p>
                    <p>
                        <a class="link" href={`/d/${encodeURIComponent(draft.kept.uid)}/-/versions`} target="_blank" rel="noopener">
                            {t('See what they changed')}
                        </a>
                    </p>
                    {problem && (
                        <p class="crit-t" role="alert">
                            {problem}
                        </p>
                    )}
                </div>
                <footer>
                    <button type="button" class="btn" onClick={close} autofocus>
                        {t('Keep editing')}
                    </button>
                    <button type="button" class="btn" onClick={copy}>
                        {t('Save as a copy')}
                    </button>
                    <button class="btn p bad" disabled={busy}>
                        {t('Save over it')}
                    </button>
                </footer>
            </form>
        );
    return (
        <form onSubmit={submit}>
            <header>
                <h2>{isNew ? t('Save the new dashboard') : asCopy ? t('Save as a copy') : t('Save the dashboard')}</h2>
            </header>
            <div class="inside">
                {draft.kept.file && !asCopy && (
                    <p class="notice info">
                        {t(
                            'This dashboard comes from the file {}; it is kept here from now on, take the difference home under History.',
                            draft.kept.file,
                        )}
                    </p>
                )}
                {draft.kept.version === 0 && !isNew && !asCopy && (
                    <p class="notice info">{t('This dashboard comes with pharos. What you save is kept instead of it.')}</p>
                )}
                <div class="fields">
                    <label>
                        {t('Title')}
                        <input
                            class="in"
                            value={title}
                            onInput={(e) => setTitle(e.currentTarget.value)}
                            required
                            maxLength={300}
                            autofocus={isNew || asCopy}
                            onFocus={(e) => {
                                if (isNew || asCopy) e.currentTarget.select();
                            }}
                        />
                    </label>
                    <label>
                        {t('Folder')}
                        <select class="in" value={all ? chosen : ''} disabled={!all} onChange={(e) => setFolder(e.currentTarget.value)}>
                            <option value="">{t('no folder')}</option>
                            {(all ?? []).map((one) => (
                                <option key={one.uid} value={one.uid}>
                                    {one.title}
                                </option>
                            ))}
                        </select>
                    </label>
                    {!isNew && (
                        <label>
                            {t('What did you change? (optional)')}
                            <textarea
                                class="in"
                                rows={2}
                                value={message}
                                maxLength={MESSAGE_MAX}
                                autofocus={!asCopy}
                                onInput={(e) => setMessage(e.currentTarget.value)}
                            />
                        </label>
                    )}
                </div>
                {lines.length > 0 && (
                    <ul class="eg-list">
                        {lines.map((line) => (
                            <li key={line}>{line}</li>
                        ))}
                    </ul>
                )}
                {problem && (
                    <p class="crit-t" role="alert">
                        {problem}
                    </p>
                )}
            </div>
            <footer>
                {!isNew && !asCopy && (
                    <>
                        <button type="button" class="btn g" onClick={copy}>
                            {t('Save as a copy')}
                        </button>
                        <span class="grow" />
                    </>
                )}
                <button type="button" class="btn" onClick={close}>
                    {t('Cancel')}
                </button>
                <button class="btn p" disabled={busy || !title.trim()}>
                    {busy ? t('Saving…') : t('Save')}
                </button>
            </footer>
        </form>
    );
}

export function openSave(s: Session): void {
    open('eg-save', t('Save'), (close) => <Save s={s} close={close} />);
}
