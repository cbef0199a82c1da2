/**
 * Power loss, emulated at the file layer: a store is written to by many writers under strace, then the power is "cut" at random moments of the
 * record and the disk put together as it may be found then (see harness/disk.ts). The store must open, be well, and hold everything that had been
 * acknowledged before that moment.
 *
 * What this proves: that the store and SQLite ask for the right things to be synced before a write is acknowledged, whatever order unsynced sectors
 * reach the disk in. What it does not: that the kernel, the file system and the disk keep their word about fsync, and sectors that are damaged rather than
 * old or new.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import { verifyStore } from '../../src/store/verify.ts';
import { Disk, readRecord, recorded, type DiskEvent } from '../harness/disk.ts';
import { Random } from './random.ts';

const LONG = process.env['TELAR_TEST_LONG'] === '1';
const WRITERS = 8;
/** Enough for the write-ahead log to be copied into the database more than once. */
const ACKNOWLEDGEMENTS = LONG ? 4_000 : 1_200;
const CUTS = LONG ? 400 : 60;
const SEED = Number(process.env['TELAR_FUZZ_SEED'] ?? 20_260_103);
const CHILD = new URL('../../src/store/testwriters.ts', import.meta.url);

interface Acknowledged {
  revision: number;
  deleted: boolean;
}

/** Latest acknowledgement of each key in a text of the child's. */
function noteAcknowledged(text: string, into: Map<string, Acknowledged>): void {
  for (const line of text.split('\n')) {
    const [key = '', revision, deleted] = line.split(' ');
    const before = into.get(key);
    if ((deleted === 'true' || deleted === 'false') && Number(revision) > (before?.revision ?? 0)) {
      into.set(key, { revision: Number(revision), deleted: deleted === 'true' });
    }
  }
}

describe(`power loss, seed ${SEED}`, { timeout: LONG ? 1_200_000 : 240_000 }, () => {
  let scratch: string;
  let events: DiskEvent[];
  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'telar-power-'));
    const [record, path] = [join(scratch, 'record'), join(scratch, 'store')];
    mkdirSync(path, { mode: 0o700 });
    const child = recorded(record, CHILD, [path, String(WRITERS)]);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    let count = 0;
    const { stdout, stderr } = child;
    assert.ok(stdout !== null && stderr !== null);
    let complaint = '';
    stderr.on('data', (data: Buffer) => { complaint += data.toString(); });
    for await (const line of createInterface({ input: stdout })) {
      count += line === '' ? 0 : 1;
      if (count === ACKNOWLEDGEMENTS) {
        break;
      }
    }
    // The writers end when nobody hears them any more; strace ends with them.
    stdout.destroy();
    await ended;
    assert.ok(count >= ACKNOWLEDGEMENTS, `only ${count} writes were acknowledged: ${complaint}`);
    events = readRecord(record, path);
  });
  after(() => { rmSync(scratch, { recursive: true, force: true }); });

  it('leaves a record worth the name', () => {
    const kinds = new Map<string, number>();
    for (const { kind } of events) {
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    for (const kind of ['create', 'write', 'sync', 'syncDirectory', 'said']) {
      assert.ok((kinds.get(kind) ?? 0) > 0, `${kind} in ${JSON.stringify([...kinds])}`);
    }
    assert.ok(events.some((event) => event.kind === 'sync' && event.file === 'log.sqlite'), 'the database itself was never synced: no checkpoint is in the record');
  });

  /** The store on an image of the disk must hold what was acknowledged. */
  async function check(image: ReadonlyMap<string, Buffer>, acknowledged: ReadonlyMap<string, Acknowledged>, context: string): Promise<void> {
    const path = mkdtempSync(join(scratch, 'image-'));
    for (const [name, content] of image) {
      writeFileSync(join(path, name), content, { mode: 0o600 });
    }
    const store = await openStore({ path, compactEveryMs: 0 });
    try {
      for (const [key, { revision, deleted }] of acknowledged) {
        const stored = store.get(key);
        // What was on its way may be there too: then the key is newer than what was acknowledged.
        const newer = stored === undefined ? key.includes('fleeting') && store.currentRevision > revision : stored.revision > revision;
        const kept = deleted ? stored === undefined : stored?.revision === revision;
        assert.ok(newer || kept, `${context}: ${key}, acknowledged at ${revision}, is ${stored === undefined ? 'lost' : `at ${stored.revision}`}`);
      }
    } finally {
      await store.close();
    }
    assert.deepEqual(verifyStore(join(path, 'log.sqlite')).problems, [], context);
    rmSync(path, { recursive: true });
  }

  it(`loses nothing acknowledged in ${CUTS} cuts`, async () => {
    const random = new Random(SEED);
    const first = events.findIndex(({ kind }) => kind === 'said');
    const cuts = new Set(Array.from({ length: CUTS }, () => first + random.below(events.length - first)));
    const disk = new Disk();
    const acknowledged = new Map<string, Acknowledged>();
    for (const [index, event] of events.entries()) {
      if (event.kind === 'said') {
        noteAcknowledged(event.text, acknowledged);
      } else {
        disk.apply(event);
      }
      if (cuts.has(index)) {
        // Nothing unsynced, all of it, and parts of it.
        for (const share of [0, 1, 0.5, random.unit()]) {
          await check(disk.image(() => random.unit() < share), acknowledged, `cut ${index} of ${events.length}, ${share}`);
        }
      }
    }
  });
});
