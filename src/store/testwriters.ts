/** The child of `kill.test.ts`: writers that report what was acknowledged, until somebody kills them. */
import { writeSync } from 'node:fs';
import { openStore } from './open.ts';
import { configMap, keyOfName } from './testing.ts';

const [, , path = '', writers = '1'] = process.argv;
const store = await openStore({ path, compactEveryMs: 50 });

function report(key: string, revision: number, deleted: boolean): void {
  for (;;) {
    try {
      // Synchronously: what is reported has left the process before it can die.
      writeSync(1, `${key} ${revision} ${deleted}\n`);
      return;
    } catch (error) {
      // The reader is behind: try again.
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) {
        throw error;
      }
    }
  }
}

/** Keys called lasting are never deleted, so that a missing one can only have been lost. */
async function write(writer: number): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const fleeting = turn % 3 === 0;
    const name = `${fleeting ? 'fleeting' : 'lasting'}-${writer}-${turn % 5}`;
    const key = keyOfName(name);
    const existing = store.get(key);
    if (existing === undefined) {
      report(key, (await store.create(key, configMap(name, { text: 'x'.repeat(500) }))).revision, false);
    } else if (fleeting) {
      report(key, (await store.delete(key, existing.revision)).revision, true);
    } else {
      report(key, (await store.update(key, existing.revision, configMap(name, { turn: String(turn) }))).revision, false);
    }
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)));
