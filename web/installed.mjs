// Says by its exit code whether node_modules holds what the lock file asks for (packages for tests may be missing).
import { readFileSync } from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;
const read = (file) => JSON.parse(readFileSync(path.join(here, file), 'utf8'));
const platform = `node_modules/@esbuild/${process.platform}-${process.arch}`;
try {
  for (const [name, entry] of Object.entries(read('package-lock.json').packages)) {
    const needed = name !== '' && !entry.dev && (!entry.optional || name === platform);
    if (needed && read(`${name}/package.json`).version !== entry.version) process.exit(1);
  }
} catch {
  process.exit(1);
}
