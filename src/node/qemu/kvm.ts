/**
 * Whether KVM really runs guests here. That /dev/kvm exists, and even that a virtual processor can be made, proves nothing: on some
 * hosts ordinary kernels hang under it. So a guest is booted that enters 64-bit mode with paging and says so.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isObject } from '../../apimachinery/values.ts';

export interface KvmVerdict {
  usable: boolean;
  /** For people: why not, or how fast. */
  detail: string;
}

/**
 * A boot sector: interrupts off, page tables for the first 2 MiB at 0x1000, PAE, long mode, paging, a far jump into 64-bit code,
 * `cpuid`, then 0x2a to port 0xf4, where QEMU's isa-debug-exit waits.
 */
const BOOT_SECTOR = Buffer.from(
  'fa31c08ed88ec08ed0bc007cbf0010b90018fcf3ab66c70600100320000066c70600200330000066c70600308300000066b8001000000f22d80f20e06683c820'
  + '0f22e066b9800000c00f32660d000100000f30660f0116907c0f20c0660d010000800f22c066ea6d7c0000080031c00fa2b02a66baf400eef4ebfd0f1f440000'
  + '000000000000000000000000009a20000f00807c', 'hex');
const SECTOR = 512;
/** SeaBIOS reads a disk's geometry before it boots: one sector is too small. */
const DISK_BYTES = 1440 * 1024;
/** isa-debug-exit turns a value into (value << 1) | 1. */
const BOOTED = (0x2a << 1) | 1;
/** Software emulation boots this in a tenth of a second; what needs longer under KVM is no help. */
const LIMIT_MS = 3000;
const STDERR_MAX = 4096;

async function bootDisk(path: string): Promise<void> {
  const disk = Buffer.alloc(DISK_BYTES);
  BOOT_SECTOR.copy(disk);
  disk.writeUInt16LE(0xaa55, SECTOR - 2);
  await writeFile(path, disk);
}

/** Boots the test guest with one accelerator; resolves when it ends or the limit is over. */
export async function bootTest(accelerator: 'kvm' | 'tcg', limitMs: number = LIMIT_MS): Promise<KvmVerdict> {
  const dir = await mkdtemp(join(tmpdir(), 'telar-kvm-'));
  const disk = join(dir, 'boot.img');
  try {
    await bootDisk(disk);
    const began = performance.now();
    const { code, stderr, timedOut } = await run([
      '-nodefaults', '-no-user-config', '-display', 'none', '-m', '16', '-machine', `q35,accel=${accelerator}`,
      '-cpu', accelerator === 'kvm' ? 'host' : 'max', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04',
      '-drive', `if=none,id=boot,file=${disk},format=raw,readonly=on`, '-device', 'virtio-blk-pci,drive=boot,bootindex=1',
      '-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
    ], limitMs);
    if (timedOut) {
      return { usable: false, detail: `a test guest did not boot within ${limitMs / 1000} seconds` };
    }
    return code === BOOTED
      ? { usable: true, detail: `a test guest booted in ${Math.round(performance.now() - began)} ms` }
      : { usable: false, detail: stderr.trim().split('\n')[0] ?? `QEMU ended with ${code ?? 'a signal'}` };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function run(args: string[], limitMs: number): Promise<{ code: number | null; stderr: string; timedOut: boolean }> {
  const child = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  let timedOut = false;
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(0, STDERR_MAX);
  });
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, limitMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { code, stderr, timedOut };
  } finally {
    clearTimeout(timer);
  }
}

/** The test, run once a boot of this machine: its outcome is kept in `cacheFile`. Never throws. */
export async function kvmUsable(cacheFile: string, device = '/dev/kvm'): Promise<KvmVerdict> {
  if (!existsSync(device)) {
    return { usable: false, detail: `there is no ${device}` };
  }
  try {
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const known = await cached(cacheFile, bootId);
    if (known !== undefined) {
      return known;
    }
    const verdict = await bootTest('kvm');
    await writeFile(cacheFile, JSON.stringify({ bootId, ...verdict }));
    return verdict;
  } catch (error) {
    return { usable: false, detail: `the test could not be run: ${error instanceof Error ? error.message : String(error)}` };
  }
}

async function cached(file: string, bootId: string): Promise<KvmVerdict | undefined> {
  if (!existsSync(file)) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isObject(value) && value['bootId'] === bootId && typeof value['usable'] === 'boolean' && typeof value['detail'] === 'string'
      ? { usable: value['usable'], detail: value['detail'] } : undefined;
  } catch {
    // Half-written by a Telar that was killed: test again.
    return undefined;
  }
}
