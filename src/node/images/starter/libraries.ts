/** Images of ordinary, dynamically linked programs: shared libraries out of Debian's packages, merged under /usr, and nothing else of a distribution. */
import { neededLibraries } from './elf.ts';
import type { Package, Packages } from './packages.ts';
import { ToolError } from './run.ts';
import type { TarEntry, TarFile } from './tar.ts';
import { certificates } from './userland.ts';

/** Debian's name for the folder of this machine's kind. */
export const LIBRARY_FOLDER = 'usr/lib/x86_64-linux-gnu';
/** Packages in one image's closure of libraries. */
const MAX_PACKAGES = 60;
const LIBRARY = /^(?:usr\/)?lib(?:64)?\/(?:x86_64-linux-gnu\/)?[^/]+\.so(?:\.[^/]*)?$/;

/** Old packages install below /lib, new ones below /usr/lib; in these images /lib is a link. */
const merged = (path: string): string => path.replace(/^(?=(?:lib|lib64|bin|sbin)\/)/, 'usr/');

export const entryOf = (file: TarFile): TarEntry => (file.link === undefined
  ? { type: 'file', path: merged(file.path), mode: file.mode & 0o777, data: file.data }
  : { type: 'symlink', path: merged(file.path), target: file.link });

/** The shared libraries that packages put into the linker's standard folders. */
export async function libraries(packages: Packages, names: readonly string[]): Promise<{ entries: TarEntry[]; built: number }> {
  const entries: TarEntry[] = [];
  let built = 0;
  for (const name of names) {
    const files = await packages.filesAndLinks(await packages.find(name), (path) => LIBRARY.test(path));
    entries.push(...files.map(entryOf));
    built = Math.max(built, ...files.map(({ mtime }) => mtime));
  }
  return { entries, built };
}

/** A package and the libraries it depends on, directly or through others, sorted by name. */
export async function withLibraries(packages: Packages, name: string): Promise<Package[]> {
  const found = new Map<string, Package>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) {
      continue;
    }
    if (found.size >= MAX_PACKAGES) {
      throw new ToolError(`the package ${name} depends on more than ${MAX_PACKAGES} libraries`, undefined);
    }
    const one = await packages.find(next);
    found.set(next, one);
    open.push(...one.depends.filter((depended) => /^(?:lib|zlib1g$)/.test(depended)));
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const text = (path: string, lines: string): TarEntry => ({ type: 'file', path, mode: 0o644, data: Buffer.from(lines) });

/** What programs expect beside their libraries: accounts (`telar` is 1000), name resolution, certificates, a place for models. */
export async function systemEntries(packages: Packages): Promise<TarEntry[]> {
  return [
    { type: 'symlink', path: 'bin', target: 'usr/bin' },
    { type: 'symlink', path: 'lib', target: 'usr/lib' },
    { type: 'symlink', path: 'lib64', target: 'usr/lib64' },
    { type: 'directory', path: 'dev', mode: 0o755 }, { type: 'directory', path: 'proc', mode: 0o755 }, { type: 'directory', path: 'sys', mode: 0o755 },
    { type: 'directory', path: 'tmp', mode: 0o1777 }, { type: 'directory', path: 'mnt/models', mode: 0o755 },
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\ntelar:x:1000:1000:telar:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n'),
    text('etc/group', 'root:x:0:\ntelar:x:1000:\nnogroup:x:65534:\n'),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    { type: 'file', path: 'etc/ssl/certs/ca-certificates.crt', mode: 0o644, data: await certificates(packages) },
  ];
}

/** The entries sorted, with the folders they lie in. */
export function withFolders(entries: readonly TarEntry[], known: ReadonlySet<string> = new Set()): TarEntry[] {
  const named = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries) {
    for (let cut = path.indexOf('/'); cut >= 0; cut = path.indexOf('/', cut + 1)) {
      const folder = path.slice(0, cut);
      if (!named.has(folder) && !known.has(folder)) {
        named.set(folder, { type: 'directory', path: folder, mode: 0o755 });
      }
    }
  }
  return [...named.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Throws when a program or library of the image needs a library that the image lacks: better here than at every start. */
export function checkLibraries(layers: readonly (readonly TarEntry[])[]): void {
  const all = layers.flat();
  const names = new Set(all.filter(({ type }) => type !== 'directory').map(({ path }) => path.slice(path.lastIndexOf('/') + 1)));
  for (const entry of all) {
    const missing = entry.type === 'file' ? neededLibraries(Buffer.from(entry.data.buffer, entry.data.byteOffset, entry.data.byteLength)).filter((name) => !names.has(name)) : [];
    if (missing.length > 0) {
      throw new ToolError(`the image would lack ${missing.join(', ')}, which /${entry.path} needs`, undefined);
    }
  }
}
