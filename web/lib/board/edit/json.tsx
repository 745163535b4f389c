/** A dashboard as JSON: looked at, changed, checked by the server before it becomes a step of the draft. */
import check from 'icon:circle-check';
import { useEffect, useRef, useState } from 'preact/hooks';
import { toast } from '../../say.ts';
import { n, t } from '../../words.ts';
import { open } from './ask.ts';
import type { Code } from './code.ts';
import type { BoardJson } from './draft.ts';
import { lineOf } from './lines.ts';
import { check as ask, type Checked, type Finding } from './kept.ts';
import { Icon } from './parts/icon.tsx';
import type { Session } from './session.ts';
import { sound } from './sound.ts';

/** Bytes that the server reads. */
const BYTES_MAX = 4 * 1024 * 1024;
const FINDINGS_SHOWN = 50;

function download(title: string, text: string): void {
    const a = Object.assign(document.createElement('a'), {
        href: URL.createObjectURL(new Blob([text], { type: 'application/json' })),
        download: `${
            title
                .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
                .replaceAll(/^-|-$/g, '')
                .slice(0, 80) || 'dashboard'
        }.json`,
    });
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

const LEVELS = (): Record<Finding['level'], string> => ({ adapted: t('adapted'), ignored: t('left out'), broken: t('not shown') });

function Text({ s, close }: { s: Session; close: () => void }) {
    const place = useRef<HTMLDivElement>(null),
        code = useRef<Code | null>(null);
    const [first] = useState(() => JSON.stringify(s.draft.json, null, 2)),
        [said, setSaid] = useState<Checked | null>(null),
        [problem, setProblem] = useState(''),
        [busy, setBusy] = useState(false),
        [changed, setChanged] = useState(false);
    useEffect(() => {
        let gone = false;
        void import('./code.ts').then((m) => {
            if (!gone && place.current)
                code.current = m.code(place.current, first, 'JSON', () => {
                    setChanged(true);
                    setSaid(null);
                });
        });
        return () => {
            gone = true;
            code.current?.stop();
        };
    }, []);
    const text = () => code.current?.text() ?? first;
    const look = async (): Promise<boolean> => {
        setProblem('');
        if (new Blob([text()]).size > BYTES_MAX) {
            setProblem(t('A dashboard has {} MB at most.', BYTES_MAX / 1_048_576));
            return false;
        }
        setBusy(true);
        try {
            const answer = await ask(text());
            setSaid(answer);
            if (answer.error?.line) code.current?.go(answer.error.line, answer.error.column ?? 1);
            return !answer.error;
        } catch (e) {
            setProblem((e as Error).message);
            return false;
        } finally {
            setBusy(false);
        }
    };
    const apply = async () => {
        if (!(await look())) return;
        const given = JSON.parse(text()) as BoardJson & { dashboard?: BoardJson },
            inner = given.dashboard && !given.panels ? given.dashboard : given;
        if (!Array.isArray(inner.panels) && !Array.isArray(inner.rows) && 'elements' in ((inner.spec as object | undefined) ?? inner)) {
            setProblem(t('This is the second schema of dashboards: bring it in under Import.'));
            return;
        }
        const next = sound(inner);
        s.draft.change(t('Change the JSON'), (json) => {
            for (const key of Object.keys(json)) delete json[key];
            Object.assign(json, next);
        });
        close();
    };
    const findings = said?.report?.findings ?? [];
    return (
        <form
            onSubmit={(e) => {
                e.preventDefault();
                if (!busy) void apply();
            }}
        >
            <header>
                <h2>{t('The dashboard as JSON')}</h2>
                <button
                    type="button"
                    class="btn g sm"
                    onClick={() =>
                        void navigator.clipboard.writeText(text()).then(
                            () => toast(t('Copied')),
                            () => setProblem(t('The browser does not allow copying.')),
                        )
                    }
                >
                    {t('Copy')}
                </button>
                <button type="button" class="btn g sm" onClick={() => download(s.draft.json.title, text())}>
                    {t('Download')}
                </button>
            </header>
            <div class="inside">
                <div class="eg-code" ref={place} />
                {said?.error && (
                    <p class="crit-t" role="alert">
                        {said.error.line
                            ? t('Line {}, column {}: {}', said.error.line, said.error.column ?? 1, said.error.text)
                            : said.error.text}
                    </p>
                )}
                {problem && (
                    <p class="crit-t" role="alert">
                        {problem}
                    </p>
                )}
                {said?.report &&
                    (findings.length === 0 ? (
                        <p class="ok-t" role="status">
                            <Icon svg={check} /> {n(said.report.panels, '{} panel, all as it is meant', '{} panels, all as they are meant')}
                        </p>
                    ) : (
                        <div role="status">
                            <ul class="eg-list">
                                {findings.slice(0, FINDINGS_SHOWN).map((one) => (
                                    <li key={one.path + one.text}>
                                        <b>{LEVELS()[one.level]}</b>
                                        {one.panelTitle && ` · ${one.panelTitle}`} · {one.text}{' '}
                                        <button
                                            type="button"
                                            class="mono"
                                            onClick={() => {
                                                const line = lineOf(text(), one.path);
                                                if (line) code.current?.go(line, 1);
                                            }}
                                        >
                                            {one.path}
                                        </button>
                                    </li>
                                ))}
                                {findings.length > FINDINGS_SHOWN && <li>{t('and {} more', findings.length - FINDINGS_SHOWN)}</li>}
                            </ul>
                        </div>
                    ))}
            </div>
            <footer>
                <button type="button" class="btn g" disabled={busy} onClick={() => void look()}>
                    {t('Check')}
                </button>
                <span class="grow" />
                <button type="button" class="btn" onClick={close}>
                    {t('Cancel')}
                </button>
                <button class="btn p" disabled={busy || !changed}>
                    {t('Apply')}
                </button>
            </footer>
        </form>
    );
}

export function openJson(s: Session): void {
    open('eg-json', t('The dashboard as JSON'), (close) => <Text s={s} close={close} />, true);
}
