/** kill -9 amid many writers: nothing acknowledged is lost, no revision is given twice. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStore } from './open.ts';

/** `TELAR_LONG=1` (the endurance runs) asks for twenty. */
const ROUNDS = process.env['TELAR_LONG'] === '1' ? 20 : 3;
const WRITERS = 64;
/** Acknowledgements after which the child is killed; different each round, so that it dies at different moments. */
const acknowledgementsIn = (round: number): number => 500 + round * 217;

interface Acknowledged {
  key: string;
  revision: number;
  deleted: boolean;
}

/** Runs the writers until enough is acknowledged, kills them, and returns all that was. */
async function killAmidWrites(path: string, round: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('testwriters.ts', import.meta.url)), path, String(WRITERS)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  const acknowledged: Acknowledged[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [key = '', revision, deleted] = line.split(' ');
    // The last line may have been cut off by the kill.
    if (deleted === 'true' || deleted === 'false') {
      acknowledged.push({ key, revision: Number(revision), deleted: deleted === 'true' });
    }
    if (acknowledged.length === acknowledgementsIn(round)) {
      child.kill('SIGKILL');
    }
  }
  await ended;
  return acknowledged;
}

test(`${ROUNDS} kills amid ${WRITERS} writers`, async () => {
  const path = await mkdtemp(join(tmpdir(), 'telar-store-kill-'));
  try {
    const latest = new Map<string, Acknowledged>();
    const revisions = new Set<number>();
    let highest = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const acknowledged = await killAmidWrites(path, round);
      assert.ok(acknowledged.length >= acknowledgementsIn(round));
      for (const one of acknowledged) {
        assert.ok(!revisions.has(one.revision), `revision ${one.revision} was given twice`);
        assert.ok(one.revision > highest, `revision ${one.revision} is not above ${highest}, which was acknowledged before the kill`);
        revisions.add(one.revision);
        if (one.revision > (latest.get(one.key)?.revision ?? 0)) {
          latest.set(one.key, one);
        }
      }
      const store = await openStore({ path, compactEveryMs: 0 });
      assert.ok(store.currentRevision >= Math.max(...revisions));
      for (const { key, revision, deleted } of latest.values()) {
        const stored = store.get(key);
        // What was on its way when the process died may be there too: then the key is newer than what was acknowledged.
        const newer = stored === undefined ? key.includes('fleeting') : stored.revision > revision;
        assert.ok(newer || (!deleted && stored?.revision === revision), `${key} acknowledged at ${revision} is lost`);
        assert.ok(stored === undefined || stored.object.metadata.resourceVersion === String(stored.revision));
      }
      highest = store.currentRevision;
      await store.close();
    }
  } finally {
    await rm(path, { recursive: true });
  }
});
