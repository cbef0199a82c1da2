/**
 * telar.local/starter/vm: a guest in one image, as a disk (/disk/disk.img, for containerDisk) and as kernel and initial
 * RAM disk (/boot, for kernelBoot). Debian's cloud kernel, busybox, and the few scripts in guest/.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { ImageSettings } from './archive.ts';
import { imageArchive } from './archive.ts';
import type { CpioEntry } from './cpio.ts';
import { writeCpio } from './cpio.ts';
import { bootDisk } from './disk.ts';
import { loadOrder, moduleName } from './modules.ts';
import type { Package, Packages } from './packages.ts';
import type { Progress } from './progress.ts';
import { ToolError } from './run.ts';
import type { TarEntry, TarFile } from './tar.ts';
import { baseEntries, busybox } from './userland.ts';

/** Debian's metapackage of the kernel for virtual machines. */
const KERNEL_PACKAGE = 'linux-image-cloud-amd64';
/** The drivers a guest gets, in the order they are wanted; what they need comes before them. The cloud kernel has no AHCI. */
const MODULES = [
  'virtio_pci', 'virtio_net', 'virtio_blk', 'isofs', 'nls_ascii', 'nls_cp437', 'nls_utf8', 'nls_iso8859_1', 'vfat',
  'virtio_scsi', 'sd_mod', 'sr_mod', 'button', 'evdev', 'virtio_rng', 'virtio_balloon', 'virtio_console', 'ata_piix',
];

const GUEST = new URL('./guest/', import.meta.url);

async function kernelPackage(packages: Packages): Promise<Package> {
  const meta = await packages.find(KERNEL_PACKAGE);
  const name = meta.depends.find((one) => /^linux-image-\d/.test(one));
  if (name === undefined) {
    throw new ToolError(`the package ${KERNEL_PACKAGE} ${meta.version} does not say which kernel it stands for`, undefined);
  }
  return packages.find(name);
}

/** The scripts of guest/ with the paths they get. */
function guestFiles(folder = ''): TarEntry[] {
  const entries = readdirSync(new URL(folder, GUEST), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry): TarEntry[] => {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory()) {
      return [...(path === 'etc' ? [] : [{ type: 'directory', path, mode: 0o755 } as const]), ...guestFiles(`${path}/`)];
    }
    const data = readFileSync(new URL(path, GUEST));
    return [{ type: 'file', path, mode: data.subarray(0, 2).toString() === '#!' ? 0o755 : 0o644, data }];
  });
}

function initialRamDisk(base: TarEntry[], files: TarFile[]): Buffer {
  const available = new Map(files.map((file) => [moduleName(file.path), file.data]));
  const order = loadOrder(available, MODULES);
  const missing = ['virtio_pci', 'virtio_net', 'virtio_blk'].filter((name) => !available.has(name));
  if (missing.length > 0) {
    throw new ToolError(`the kernel package lacks the drivers ${missing.join(', ')}`, undefined);
  }
  const entries: CpioEntry[] = [
    ...base,
    { type: 'character', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    ...guestFiles(),
    { type: 'directory', path: 'srv/www', mode: 0o755 },
    { type: 'directory', path: 'lib', mode: 0o755 },
    { type: 'directory', path: 'lib/modules', mode: 0o755 },
    ...order.map((name): CpioEntry => ({
      type: 'file', path: `lib/modules/${name}.ko`, mode: 0o644, data: available.get(name) ?? Buffer.alloc(0),
    })),
    { type: 'file', path: 'lib/modules/order', mode: 0o644, data: Buffer.from(order.map((name) => `${name}.ko\n`).join('')) },
  ];
  return writeCpio(entries);
}

export async function vmImage(
  packages: Packages, settings: Pick<ImageSettings, 'name' | 'labels'>, progress: Progress,
): Promise<Buffer> {
  const found = await kernelPackage(packages);
  progress(`taking the kernel out of ${found.name}`);
  const wanted = new Set(MODULES);
  // The dependencies are only known from the modules themselves, so all of these few folders are read.
  const files = await packages.files(found, (path) => path.startsWith('boot/vmlinuz')
    || (path.endsWith('.ko') && (wanted.has(moduleName(path)) || /\/kernel\/(?:drivers\/(?:virtio|cdrom|scsi|ata|net)|net\/core|fs\/fat)\/[^/]+$/.test(path))));
  const kernel = files.find(({ path }) => path.startsWith('boot/vmlinuz'));
  if (kernel === undefined) {
    throw new ToolError(`the package ${found.name} has no kernel in /boot`, undefined);
  }
  const box = await busybox(packages);
  const initrd = initialRamDisk(baseEntries(box), files);
  progress('making the boot disk');
  const disk = await bootDisk(packages, { kernel: kernel.data, initrd });
  const image: TarEntry[] = [
    { type: 'directory', path: 'boot', mode: 0o755 },
    { type: 'file', path: 'boot/vmlinuz', mode: 0o644, data: kernel.data },
    { type: 'file', path: 'boot/initrd', mode: 0o644, data: initrd },
    { type: 'directory', path: 'disk', mode: 0o755 },
    { type: 'file', path: 'disk/disk.img', mode: 0o644, data: disk },
  ];
  return imageArchive({
    ...settings, created: kernel.mtime,
    labels: { ...settings.labels, 'telar.local/kernel': found.version },
  }, [image]);
}
