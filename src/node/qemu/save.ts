/**
 * Writing a running guest to disk: stopped, its disks' changes copied, its memory and devices sent by QEMU as if to another machine
 * (docs/devel/migration in QEMU), into a file instead. Until the state counts, the guest can go on as if nothing had been.
 */
import { chmod, open, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JsonObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import { messageOf } from './errors.ts';
import { DATA, overlayFile, SAVE_SOCKET, SOCKETS } from './layout.ts';
import type { Qmp } from './qmp.ts';
import type { SavedGuest, SavedGuests } from './savedstate.ts';

/** QEMU keeps to a gigabit unless told otherwise; bytes a second. */
const BANDWIDTH = 2 ** 33;
const POLL_MS = 25;
/** What a guest's devices and the framing of its pages take beside its memory, bytes; QEMU is not trusted to stop by itself. */
const DEVICES_MAX = 256 * 1024 * 1024;
const MEMORY_FACTOR = 1.1;
/** For QEMU to connect, milliseconds. */
const CONNECT_MS = 30_000;

export interface SaveOrder {
  /** Of the instance. */
  uid: string;
  /** The guest's folders on the host. */
  data: string;
  sockets: string;
  /** Bytes of the guest's memory. */
  memory: number;
  /** Image volumes whose changes are still in QEMU's temporary files, with their drives. */
  temporary: readonly { volume: string; drive: string }[];
  /** Files in `data` that are part of the guest, those of `temporary` included. */
  files: readonly string[];
  guest: Omit<SavedGuest, 'machine' | 'paused'>;
  /** Whether its user had paused it. */
  paused: boolean;
  signal: AbortSignal;
}

const member = (value: unknown, name: string): string => (isObject(value) && typeof value[name] === 'string' ? value[name] : '');

async function concluded(qmp: Qmp, job: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const jobs = await qmp.execute('query-jobs');
    const found = Array.isArray(jobs) ? jobs.find((one) => member(one, 'id') === job) : undefined;
    if (found === undefined) {
      throw new Error(`QEMU lost its job ${job}`);
    }
    if (member(found, 'status') === 'concluded') {
      await qmp.execute('job-dismiss', { id: job });
      const error = member(found, 'error');
      if (error !== '') {
        throw new Error(error);
      }
      return;
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

/** What QEMU says of a drive's image: its size in bytes and the image below it. */
async function imageOf(qmp: Qmp, drive: string): Promise<{ size: number; file: string; format: string }> {
  const blocks = await qmp.execute('query-block');
  const block = Array.isArray(blocks) ? blocks.find((one) => member(one, 'device') === drive) : undefined;
  const inserted = isObject(block) && isObject(block['inserted']) ? block['inserted'] : {};
  const image = isObject(inserted['image']) ? inserted['image'] : {};
  const below = image['backing-image'];
  const [size, file, format] = [image['virtual-size'], member(below, 'filename'), member(below, 'format')];
  if (typeof size !== 'number' || file === '' || format === '') {
    throw new Error(`QEMU does not say what drive ${drive} is made of`);
  }
  return { size, file, format };
}

/**
 * Copies what the guest wrote over an image into a file of its own, over the same image. QEMU's one command for this (drive-backup)
 * makes the copy as temporary as its source, so it is done in steps.
 */
async function copyOverlay(qmp: Qmp, { volume, drive }: { volume: string; drive: string }, order: SaveOrder): Promise<void> {
  const name = overlayFile(volume);
  const [file, node] = [`saved-file-${drive}`, `saved-${drive}`];
  await rm(join(order.data, name), { force: true });
  const job = async (command: string, args: JsonObject): Promise<void> => {
    const id = `save-${drive}`;
    await qmp.execute(command, { 'job-id': id, ...args });
    await concluded(qmp, id, order.signal);
  };
  const filename = `${DATA}/${name}`;
  const { size, file: below, format } = await imageOf(qmp, drive);
  await job('blockdev-create', { options: { driver: 'file', filename, size: 0 } });
  await qmp.execute('blockdev-add', { driver: 'file', 'node-name': file, filename });
  try {
    await job('blockdev-create', { options: { driver: 'qcow2', file, size, 'backing-file': below, 'backing-fmt': format } });
    await qmp.execute('blockdev-add', { driver: 'qcow2', 'node-name': node, file, backing: null });
    try {
      await job('blockdev-backup', { device: drive, target: node, sync: 'top', 'auto-dismiss': false });
    } finally {
      await qmp.execute('blockdev-del', { 'node-name': node });
    }
  } finally {
    await qmp.execute('blockdev-del', { 'node-name': file });
  }
}

/** Writes what arrives to the file and to the disk; rejects beyond `limit` bytes. */
async function receive(socket: Socket, path: string, limit: number): Promise<void> {
  const file = await open(path, 'w', 0o444);
  try {
    let written = 0;
    for await (const chunk of socket) {
      const bytes: Buffer = chunk;
      written += bytes.length;
      if (written > limit) {
        throw new Error(`QEMU sent more than ${limit} bytes for the guest's memory`);
      }
      await file.writeFile(bytes);
    }
    await file.sync();
  } finally {
    socket.destroy();
    await file.close();
  }
}

async function listen(path: string): Promise<Server> {
  await rm(path, { force: true });
  const server = createServer();
  server.maxConnections = 1;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  // QEMU is another user; only its container can see the folder.
  await chmod(path, 0o666);
  return server;
}

async function migrated(qmp: Qmp, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await qmp.execute('query-migrate');
    const status = member(answer, 'status');
    if (status === 'completed') {
      return;
    }
    if (status === 'failed' || status === 'cancelled') {
      throw new Error(member(answer, 'error-desc') || `writing the memory ${status}`);
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

async function sendMemory(qmp: Qmp, path: string, order: SaveOrder): Promise<void> {
  const at = join(order.sockets, SAVE_SOCKET);
  const server = await listen(at);
  const limit = Math.ceil(order.memory * MEMORY_FACTOR) + DEVICES_MAX;
  const stop = new AbortController();
  const signal = AbortSignal.any([order.signal, stop.signal]);
  const arrived = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error('QEMU did not begin to write the memory'));
    }, CONNECT_MS);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Error('the guest ended'));
    }, { once: true });
    server.once('connection', (socket) => {
      clearTimeout(timer);
      receive(socket, path, limit).then(resolve, reject);
    });
  });
  arrived.catch(() => {
    stop.abort();
  });
  try {
    await qmp.execute('migrate-set-parameters', { 'max-bandwidth': BANDWIDTH });
    await qmp.execute('migrate', { uri: `unix:${SOCKETS}/${SAVE_SOCKET}` });
    await Promise.all([arrived, migrated(qmp, signal)]);
  } finally {
    stop.abort();
    server.close();
    await rm(at, { force: true });
  }
}

/** The full name of the machine type: an alias may mean another one after QEMU has been upgraded. */
async function machineType(qmp: Qmp): Promise<string> {
  const type = await qmp.execute('qom-get', { path: '/machine', property: 'type' });
  const name = typeof type === 'string' ? type.replace(/-machine$/, '') : '';
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new Error('QEMU does not say which machine it is');
  }
  return name;
}

/** QEMU's word for what the guest does. */
export const runState = async (qmp: Qmp): Promise<string> => member(await qmp.execute('query-status'), 'status');

/**
 * Saves the guest; when it resolves the state counts and QEMU may only end. When it throws, the state does not count and the guest
 * is as before: running, or paused if it was.
 */
export async function saveGuest(qmp: Qmp, saved: SavedGuests, order: SaveOrder): Promise<void> {
  const memory = await saved.begin(order.uid, order.paused);
  try {
    const machine = await machineType(qmp);
    if (await runState(qmp) === 'postmigrate') {
      // An earlier save got that far: QEMU has let go of the disks and takes them again.
      await qmp.execute('cont');
    }
    await qmp.execute('stop');
    for (const one of order.temporary) {
      try {
        await copyOverlay(qmp, one, order);
      } catch (error) {
        throw new Error(`volume ${one.volume}: ${messageOf(error)}`, { cause: error });
      }
    }
    await sendMemory(qmp, memory, order);
    await saved.commit(order.uid, order.data, order.files, { ...order.guest, machine, paused: order.paused });
  } catch (error) {
    // Should it count all the same, it would be of a guest that went on.
    await saved.spend(order.uid);
    await goOn(qmp, order);
    await saved.abandon(order.uid);
    throw error;
  }
}

async function goOn(qmp: Qmp, { paused, signal }: SaveOrder): Promise<void> {
  if (qmp.closed || signal.aborted) {
    return;
  }
  try {
    await qmp.execute('migrate_cancel');
    if (!paused) {
      await qmp.execute('cont');
    }
  } catch (error) {
    if (!qmp.closed) {
      throw error;
    }
  }
}
