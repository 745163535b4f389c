// Bundles every test with esbuild and runs them with node:test.
import { build } from 'esbuild';
import { readdirSync, mkdtempSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';

const here = import.meta.dirname;
const out = mkdtempSync(path.join(tmpdir(), 'pharos-web-test-'));
const tests = readdirSync(here).filter((f) => f.endsWith('.test.ts'));
await build({
  entryPoints: tests.map((f) => path.join(here, f)),
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  platform: 'node',
  logLevel: 'warning',
});
const { status } = spawnSync(process.execPath, ['--test', ...tests.map((f) => path.join(out, f.replace(/\.ts$/, '.mjs')))], {
  stdio: 'inherit',
});
rmSync(out, { recursive: true, force: true });
process.exit(status ?? 1);
