/** A disk that PC firmware boots: one FAT partition with syslinux, a kernel and its initial RAM disk. No mounts, no loop devices. */
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Packages } from './packages.ts';
import { run } from './run.ts';

const SECTOR = 512;
/** Where the partition begins: 1 MiB, as everybody aligns it. */
const PARTITION_START = 2048;
/** Room beside kernel and initial RAM disk for syslinux and the file system's own tables, bytes. */
const SPARE_BYTES = 1024 * 1024;
/** What mtools and syslinux call "now", so that the same inputs give the same disk. */
const FIXED_TIME = '315619200';
const SERIAL_NUMBER = '54454c41';

/** Kernel arguments of the disk: a serial console, few words, and a reset instead of a hang when the kernel panics. */
export const GUEST_KERNEL_ARGS = 'console=ttyS0 quiet panic=1';

const SYSLINUX_CFG = `SERIAL 0 115200
DEFAULT telar
PROMPT 0
LABEL telar
  LINUX /vmlinuz
  INITRD /initrd
  APPEND ${GUEST_KERNEL_ARGS}
`;

/** Master boot record: boot code and one active FAT16 (LBA) partition. */
function masterBootRecord(bootCode: Buffer, partitionSectors: number): Buffer {
  const mbr = Buffer.alloc(SECTOR);
  bootCode.copy(mbr, 0, 0, 440);
  mbr.writeUInt32LE(0x54454c41, 440);
  mbr.writeUInt8(0x80, 446);
  // Addresses beyond what cylinders, heads and sectors can say.
  mbr.write('feffff', 447, 'hex');
  mbr.writeUInt8(0x0e, 450);
  mbr.write('feffff', 451, 'hex');
  mbr.writeUInt32LE(PARTITION_START, 454);
  mbr.writeUInt32LE(partitionSectors, 458);
  mbr.writeUInt16LE(0xaa55, 510);
  return mbr;
}

/** The disk's bytes. */
export async function bootDisk(packages: Packages, content: { kernel: Buffer; initrd: Buffer }): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'telar-disk-'));
  try {
    // The programs of packages that need not be installed: they want nothing but the C library.
    const program = async (name: string, path: string, found: Awaited<ReturnType<Packages['find']>>): Promise<void> => {
      await writeFile(join(folder, name), (await packages.file(found, path)).data);
      await chmod(join(folder, name), 0o755);
    };
    await program('mtools', 'usr/bin/mtools', await packages.find('mtools'));
    // One program under many names, some of which syslinux calls.
    await Promise.all(['mformat', 'mcopy', 'mattrib', 'mmove', 'mdel'].map((name) => symlink('mtools', join(folder, name))));
    await program('syslinux', 'usr/bin/syslinux', await packages.find('syslinux'));
    const common = await packages.find('syslinux-common');
    const bootCode = (await packages.file(common, 'usr/lib/syslinux/mbr/mbr.bin')).data;

    const bytes = content.kernel.length + content.initrd.length + SPARE_BYTES;
    const sectors = Math.ceil(bytes / SECTOR / 2048) * 2048;
    const partition = join(folder, 'partition.img');
    await writeFile(partition, Buffer.alloc(sectors * SECTOR));
    await writeFile(join(folder, 'vmlinuz'), content.kernel);
    await writeFile(join(folder, 'initrd'), content.initrd);
    await writeFile(join(folder, 'syslinux.cfg'), SYSLINUX_CFG);
    const env = { SOURCE_DATE_EPOCH: FIXED_TIME, MTOOLS_SKIP_CHECK: '1', PATH: `${folder}:${process.env['PATH'] ?? ''}`, TZ: 'UTC' };
    await run(join(folder, 'mformat'), ['-i', partition, '-T', String(sectors), '-h', '64', '-s', '32', '-H', String(PARTITION_START), '-N', SERIAL_NUMBER, '::'], { cwd: folder, env });
    await run(join(folder, 'mcopy'), ['-i', partition, 'vmlinuz', 'initrd', 'syslinux.cfg', '::/'], { cwd: folder, env });
    await run(join(folder, 'syslinux'), ['--install', partition], { cwd: folder, env });
    return Buffer.concat([
      masterBootRecord(bootCode, sectors), Buffer.alloc((PARTITION_START - 1) * SECTOR), await readFile(partition),
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
