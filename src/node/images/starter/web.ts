/**
 * telar.local/starter/web: busybox' web server on PORT (8080) with one page made of TITLE, MESSAGE and, with BACKEND,
 * what that address answers. Mount a folder over /srv/www to serve files of one's own.
 */
import { readFileSync } from 'node:fs';
import type { ImageSettings } from './archive.ts';
import { imageArchive } from './archive.ts';
import type { Packages } from './packages.ts';
import { shellLayer } from './shell.ts';
import type { TarEntry } from './tar.ts';

const source = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));

export async function webImage(packages: Packages, settings: Pick<ImageSettings, 'name' | 'labels'>): Promise<Buffer> {
  const { layer, created } = await shellLayer(packages);
  const web: TarEntry[] = [
    { type: 'file', path: 'etc/httpd.conf', mode: 0o644, data: source('./guest/etc/httpd.conf') },
    { type: 'directory', path: 'srv/www', mode: 0o755 },
    { type: 'directory', path: 'srv/www/cgi-bin', mode: 0o755 },
    { type: 'file', path: 'srv/www/cgi-bin/index.cgi', mode: 0o755, data: source('./web/index.cgi') },
    { type: 'file', path: 'srv/www/healthz', mode: 0o644, data: Buffer.from('ok\n') },
    { type: 'file', path: 'bin/telar-web', mode: 0o755, data: source('./web/serve') },
  ];
  return imageArchive({
    ...settings, created, env: ['PATH=/bin', 'HOME=/root'], entrypoint: ['/bin/telar-web'], exposedPorts: ['8080/tcp'],
  }, [layer, web]);
}
