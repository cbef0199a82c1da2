/** Telar's own programs inside images: a source file and all it imports, as they lie in the repository. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ToolError } from './run.ts';
import type { TarEntry } from './tar.ts';

const SOURCES = new URL('../../../', import.meta.url);
/** `from './x.ts'`, `import './x.ts'` and `new URL('./x.ts', import.meta.url)`; types alone are gone at run time. */
const REFERENCE = /^(?!import type|export type).*?(?:\bfrom |\bimport |\bimport\(|\bnew URL\()'(\.{1,2}\/[^']+)'/gm;
const MULTILINE_FROM = /^\} from '(\.{1,2}\/[^']+)'/gm;
/** Files of one program. */
const MAX_FILES = 300;
/** Where programs lie in images. */
export const PROGRAM_FOLDER = 'opt/telar';

/** Entries under opt/telar for the programs, given by their paths under src/. */
export function programSources(programs: readonly string[]): TarEntry[] {
  const files = new Map<string, TarEntry>();
  const open = programs.map((program) => new URL(program, SOURCES));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (files.has(next.href)) {
      continue;
    }
    if (!next.href.startsWith(SOURCES.href) || files.size >= MAX_FILES) {
      throw new ToolError(`the program ${programs.join(', ')} imports ${fileURLToPath(next)}, which cannot be part of an image`, undefined);
    }
    const data = readFileSync(next);
    files.set(next.href, { type: 'file', path: `${PROGRAM_FOLDER}/src/${next.href.slice(SOURCES.href.length)}`, mode: 0o644, data });
    if (next.pathname.endsWith('.ts')) {
      const source = data.toString();
      const references = [REFERENCE, MULTILINE_FROM].flatMap((pattern) => [...source.matchAll(pattern)].map(([, path = '']) => path));
      for (const path of references) {
        open.push(new URL(path, next));
      }
    }
  }
  return [{ type: 'file', path: `${PROGRAM_FOLDER}/package.json`, mode: 0o644, data: Buffer.from('{"type":"module"}\n') }, ...files.values()];
}
