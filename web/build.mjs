// Builds web/ into web/dist: bundles with content-hashed names, .br and .gz beside every text file, the manifest and
// the icons as tables for build.rs, the licences of what is bundled, and a check of the size budgets.
import { build } from 'esbuild';
import { readFileSync, writeFileSync, mkdirSync, rmSync, readdirSync, renameSync, existsSync, copyFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync, constants as z } from 'node:zlib';
import { createRequire } from 'node:module';
import { createHash } from 'node:crypto';
import path from 'node:path';

const require = createRequire(import.meta.url);
const here = import.meta.dirname;
// Written beside and swapped in at the end, so that a build that fails leaves the last good one.
const fresh = path.join(here, 'dist.new');
const dist = path.join(here, 'dist');

/** Compressed sizes in kB that may not be passed (brotli 11). A page pays for its entries and their static imports. */
const budgets = [
  { what: 'script of a page without charts', entries: ['islands/app.ts'], max: 8 },
  { what: 'script of a page with charts', entries: ['islands/app.ts', 'islands/chart.ts'], max: 40 },
  { what: 'script of the explorer before its editor', entries: ['islands/app.ts', 'islands/chart.ts', 'islands/explore.ts'], max: 40 },
  { what: 'script of logs before its editor', entries: ['islands/app.ts', 'islands/logs.ts'], max: 14 },
  { what: 'script of a dashboard', entries: ['islands/app.ts', 'islands/board.ts'], max: 40 },
  { what: 'script of pages that tell how fast they are', entries: ['islands/vitals.ts'], max: 4 },
  { what: 'query editor', entries: ['islands/editor.ts'], max: 135 },
  {
    what: 'editor of a panel, beside its page',
    entries: ['lib/board/edit/panel/open.tsx'],
    without: ['islands/app.ts', 'islands/board.ts'],
    max: 40,
  },
  { what: 'stylesheet of editing dashboards', entries: ['css/board_edit.css'], max: 8 },
  { what: 'stylesheet', entries: ['css/style.css'], max: 16 },
  { what: 'stylesheet of dashboards', entries: ['css/board.css'], max: 8 },
  { what: 'stylesheet of the scorecard, funnels and letters', entries: ['css/scorecard.css'], max: 2 },
  { what: 'stylesheet of uptime', entries: ['css/uptime_pages.css'], max: 5 },
  { what: 'stylesheet of the business', entries: ['css/business.css'], max: 5 },
  { what: 'stylesheet of status pages', entries: ['css/status_page.css'], max: 5 },
];

const lines = (file) =>
  readFileSync(path.join(here, file), 'utf8')
    .split('\n')
    .map((l) => l.trim())
    .filter(Boolean);
const constant = (s) => s.replaceAll(/[^a-z0-9]+/gi, '_').toUpperCase();
const url = (file) => '/' + file.replace(/^dist\.new\//, '');

const lucide = JSON.parse(readFileSync(require.resolve('@iconify-json/lucide/icons.json'), 'utf8'));
/** One icon as inline SVG; colour, width and caps come from the class. */
function svg(name) {
  const body = (lucide.icons[name] ?? lucide.icons[lucide.aliases?.[name]?.parent])?.body;
  if (!body) throw new Error(`icons.txt: Lucide has no icon "${name}"`);
  const bare = body.replaceAll(/ (stroke="currentColor"|stroke-linecap="round"|stroke-linejoin="round"|stroke-width="2"|fill="none")/g, '');
  return `<svg class="i" viewBox="0 0 24 24" aria-hidden="true">${bare}</svg>`;
}
const icons = {
  name: 'icons',
  setup(b) {
    b.onResolve({ filter: /^icon:/ }, (a) => ({ path: a.path.slice(5), namespace: 'icon' }));
    b.onLoad({ filter: /.*/, namespace: 'icon' }, (a) => ({ contents: `export default ${JSON.stringify(svg(a.path))}`, loader: 'js' }));
  },
};

const entries = Object.fromEntries(lines('entries.txt').map((l) => l.split(' ')));
rmSync(fresh, { recursive: true, force: true });
mkdirSync(path.join(fresh, 'assets'), { recursive: true });
const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: entries,
  bundle: true,
  splitting: true,
  format: 'esm',
  minify: !process.argv.includes('--plain'),
  target: ['chrome125', 'edge125', 'firefox128', 'safari18'],
  outdir: 'dist.new/assets',
  entryNames: '[name]-[hash]',
  chunkNames: 'c-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.woff2': 'file' },
  publicPath: '/assets',
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [icons],
});

/* Fonts that the server prints with: never sent to browsers. */
for (const script of ['latin', 'latin-ext', 'arabic']) {
  for (const weight of [400, 600]) {
    const of = path.join(
      here,
      'node_modules/@fontsource/ibm-plex-sans-arabic/files',
      `ibm-plex-sans-arabic-${script}-${weight}-normal.woff`,
    );
    copyFileSync(of, path.join(fresh, 'assets', `print-${script}-${weight}.woff`));
  }
}

/** Every file a browser must have before `file` runs: itself first, then its static imports. */
function closure(file, seen = new Set([file])) {
  for (const i of metafile.outputs[file]?.imports ?? []) {
    if (i.kind === 'import-statement' && !seen.has(i.path)) {
      seen.add(i.path);
      closure(i.path, seen);
    }
  }
  return [...seen];
}
const byEntry = new Map(
  Object.entries(metafile.outputs)
    .filter(([, o]) => o.entryPoint)
    .map(([file, o]) => [o.entryPoint, file]),
);

const manifest = [];
for (const entry of Object.values(entries)) {
  const file = byEntry.get(entry);
  const name = path.basename(entry).replace(/\.ts$/, '.js');
  manifest.push([constant(name), url(file)]);
  if (entry.endsWith('.ts')) manifest.push([constant(path.basename(entry, '.ts')) + '_DEPS', closure(file).slice(1).map(url).join(' ')]);
}
for (const file of Object.keys(metafile.outputs)) {
  const font =
    /(inter-latin-wght-normal|jetbrains-mono-latin-wght-normal|ibm-plex-sans-arabic-arabic-[46]00-normal)-[A-Z0-9]{8}\.woff2$/.exec(file);
  if (font) manifest.push([constant(font[1]), url(file)]);
}

/** The licence texts of every package whose code, styles, fonts or icons end up in the bundles. */
function licences() {
  const names = new Set(['@iconify-json/lucide']);
  for (const input of Object.keys(metafile.inputs)) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) names.add(found[1]);
  }
  return [...names]
    .sort()
    .map((name) => {
      const dir = path.join(here, 'node_modules', name);
      const meta = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8'));
      const file = readdirSync(dir).find((f) => /^(licen[cs]e|copying)/i.test(f));
      const text = file ? readFileSync(path.join(dir, file), 'utf8').trim() : `Licensed under ${meta.license}.`;
      return `${name} ${meta.version} (${meta.license})\n${'-'.repeat(60)}\n${text}\n`;
    })
    .join('\n\n');
}
const licenceText = `Software, fonts and icons in the web interface\n\n${licences()}`;
const licenceFile = `licences-${createHash('sha256').update(licenceText).digest('hex').slice(0, 8).toUpperCase()}.txt`;
writeFileSync(path.join(fresh, 'assets', licenceFile), licenceText);
manifest.push(['LICENCES_TXT', `/assets/${licenceFile}`]);

manifest.sort((a, b) => (a[0] < b[0] ? -1 : 1));
writeFileSync(path.join(fresh, 'manifest.tsv'), manifest.map((m) => m.join('\t')).join('\n') + '\n');
writeFileSync(
  path.join(fresh, 'icons.tsv'),
  lines('icons.txt')
    .map((n) => `${constant(n)}\t${svg(n)}`)
    .join('\n') + '\n',
);

const size = new Map();
for (const f of readdirSync(path.join(fresh, 'assets'))) {
  const p = path.join(fresh, 'assets', f);
  const raw = readFileSync(p);
  if (!/\.(js|css|svg|json|txt)$/.test(f)) continue;
  const br = brotliCompressSync(raw, { params: { [z.BROTLI_PARAM_QUALITY]: 11, [z.BROTLI_PARAM_SIZE_HINT]: raw.length } });
  writeFileSync(p + '.br', br);
  writeFileSync(p + '.gz', gzipSync(raw, { level: 9 }));
  size.set(`dist.new/assets/${f}`, br.length);
}

let over = false;
for (const { what, entries, without = [], max } of budgets) {
  // A part that nothing loads yet has no file.
  if (!entries.every((e) => byEntry.has(e))) continue;
  const files = new Set(entries.flatMap((e) => closure(byEntry.get(e))));
  without.flatMap((e) => closure(byEntry.get(e))).forEach((f) => files.delete(f));
  const kb = [...files].reduce((sum, f) => sum + (size.get(f) ?? 0), 0) / 1024;
  over ||= kb > max;
  console.log(`${kb > max ? 'OVER ' : ''}${what}: ${kb.toFixed(1)} of ${max} kB`);
}
if (over) {
  console.error('a size budget is exceeded: make it smaller, or change the budget with a reason');
  process.exit(1);
}
for (const f of readdirSync(path.join(fresh, 'assets'))) {
  if (/\.(js|css)$/.test(f))
    for (const m of readFileSync(path.join(fresh, 'assets', f), 'utf8').matchAll(/https?:\/\/[a-z0-9.-]+/gi)) {
      // Names of XML vocabularies and pages named in messages are never fetched.
      if (!/^https?:\/\/(www\.w3\.org|prometheus\.io)$/i.test(m[0])) {
        console.error(`${f} names the foreign host ${m[0]}`);
        process.exit(1);
      }
    }
}
rmSync(dist, { recursive: true, force: true });
renameSync(fresh, dist);
if (!existsSync(path.join(dist, 'manifest.tsv'))) process.exit(1);
