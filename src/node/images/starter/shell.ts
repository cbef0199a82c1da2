/** telar.local/starter/shell: busybox' shell and tools, and the certificates of the usual authorities. */
import type { ImageSettings } from './archive.ts';
import { imageArchive } from './archive.ts';
import type { Packages } from './packages.ts';
import type { TarEntry } from './tar.ts';
import { baseEntries, busybox, certificates } from './userland.ts';

const PATH = 'PATH=/bin';

/** The layer that the web image shares. */
export async function shellLayer(packages: Packages): Promise<{ layer: TarEntry[]; created: number }> {
  const box = await busybox(packages);
  const authorities = await certificates(packages);
  const layer: TarEntry[] = [
    ...baseEntries(box),
    { type: 'file', path: 'etc/profile', mode: 0o644, data: Buffer.from(`export ${PATH}\nexport PS1='\\h:\\w\\$ '\n`) },
    { type: 'directory', path: 'etc/ssl', mode: 0o755 },
    { type: 'directory', path: 'etc/ssl/certs', mode: 0o755 },
    { type: 'file', path: 'etc/ssl/certs/ca-certificates.crt', mode: 0o644, data: authorities },
  ];
  return { layer, created: box.built };
}

export async function shellImage(packages: Packages, settings: Pick<ImageSettings, 'name' | 'labels'>): Promise<Buffer> {
  const { layer, created } = await shellLayer(packages);
  return imageArchive({
    ...settings, created, env: [PATH, 'HOME=/root', 'ENV=/etc/profile', 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'], cmd: ['/bin/sh'],
  }, [layer]);
}
