/** The small user land both containers and the guest share: busybox under all its names, and the files programs expect. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Packages } from './packages.ts';
import { run } from './run.ts';
import type { TarEntry } from './tar.ts';

export interface Busybox {
  data: Buffer;
  /** The names it answers to, sorted, `busybox` itself left out. */
  applets: string[];
  /** Seconds since 1970 when the package was built. */
  built: number;
}

export async function busybox(packages: Packages): Promise<Busybox> {
  const file = await packages.file(await packages.find('busybox-static'), 'bin/busybox');
  const folder = await mkdtemp(join(tmpdir(), 'telar-busybox-'));
  try {
    const program = join(folder, 'busybox');
    await writeFile(program, file.data, { mode: 0o755 });
    const applets = (await run(program, ['--list'])).split('\n').filter((name) => name !== '' && name !== 'busybox' && !name.includes('/'));
    return { data: file.data, applets: applets.sort(), built: file.mtime };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The certificates of the authorities Debian trusts, as one PEM file. */
export async function certificates(packages: Packages): Promise<Buffer> {
  const files = await packages.files(await packages.find('ca-certificates'), (path) => path.startsWith('usr/share/ca-certificates/') && path.endsWith('.crt'));
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return Buffer.concat(files.map(({ data }) => data));
}

const file = (path: string, text: string, mode = 0o644): TarEntry => ({ type: 'file', path, mode, data: Buffer.from(text) });
const folder = (path: string, mode = 0o755): TarEntry => ({ type: 'directory', path, mode });

/** Folders, accounts and busybox with its names as links in /bin. */
export function baseEntries(box: Busybox): TarEntry[] {
  return [
    folder('bin'), folder('dev'), folder('etc'), folder('proc'), folder('root', 0o700), folder('run'), folder('srv'), folder('sys'),
    folder('tmp', 0o1777), folder('usr'), folder('var'), folder('var/tmp', 0o1777), folder('var/log'),
    { type: 'symlink', path: 'sbin', target: 'bin' },
    { type: 'symlink', path: 'usr/bin', target: '../bin' },
    { type: 'symlink', path: 'usr/sbin', target: '../bin' },
    { type: 'symlink', path: 'var/run', target: '../run' },
    { type: 'file', path: 'bin/busybox', mode: 0o755, data: box.data },
    { type: 'file', path: 'bin/wget', mode: 0o755, data: readFileSync(new URL('./wget', import.meta.url)) },
    ...box.applets.filter((name) => name !== 'wget').map((name): TarEntry => ({ type: 'symlink', path: `bin/${name}`, target: 'busybox' })),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n'),
    file('etc/group', 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n'),
    file('etc/nsswitch.conf', 'hosts: files dns\n'),
    file('etc/services', 'domain 53/tcp\ndomain 53/udp\nhttp 80/tcp\nhttps 443/tcp\nntp 123/udp\n'),
    file('etc/os-release', 'PRETTY_NAME="Telar starter"\nNAME="Telar starter"\nID=telar-starter\n'),
  ];
}
