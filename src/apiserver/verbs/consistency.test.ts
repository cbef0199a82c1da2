/**
 * Writers and watchers at once, with selectors, cut connections, resumptions and compaction: in the end every watcher has
 * seen exactly what is there, and on the way never anything impossible.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { at, CMS, configMap, lines, TestServer } from '../testing/harness.ts';

const WRITERS = 12;
const WRITES_EACH = 150;
const WATCHERS = 15;
const NAMES = 60;
const SELECTORS = ['', '&labelSelector=g%3D1', '&labelSelector=g!%3D1'];

/** Random, but the same in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

const nameOf = (object: unknown): string => String(at(object, 'metadata', 'name'));
const revisionOf = (object: unknown): number => Number(at(object, 'metadata', 'resourceVersion'));

describe('consistency', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  const write = async (writer: number): Promise<void> => {
    const random = generator(writer + 1);
    for (let round = 0; round < WRITES_EACH; round += 1) {
      const path = `${CMS}/o-${random(NAMES)}`;
      const labels = { g: String(random(3)) };
      const reply = await ([
        () => s.post(CMS, configMap(path.slice(CMS.length + 1), { round: String(round) }, labels)),
        () => s.delete(path),
        () => s.patch(path, { data: { round: `${writer}-${round}` }, metadata: { labels } }),
        async () => s.put(path, { ...(await s.get(path)).json, data: { put: `${writer}-${round}` } }),
      ][random(4)] ?? (() => s.get(CMS)))();
      assert.ok(reply.code < 500, reply.text);
    }
  };

  /** What one client knows: names and the revisions they are at. */
  class View {
    readonly known = new Map<string, number>();
    readonly selector: string;
    revision = 0;
    readonly #random: (below: number) => number;

    constructor(index: number) {
      this.selector = SELECTORS[index % SELECTORS.length] ?? '';
      this.#random = generator(1000 + index);
    }

    async list(): Promise<void> {
      const { json } = await s.get(`${CMS}?limit=1000${this.selector}`);
      this.known.clear();
      (json['items'] as unknown[]).forEach((item) => this.known.set(nameOf(item), revisionOf(item)));
      this.revision = revisionOf(json);
    }

    /** Watches until the server ends it or, often, this client hangs up. */
    async watch(): Promise<void> {
      const incoming = await s.open({ path: `${CMS}?watch=true&timeoutSeconds=1&resourceVersion=${this.revision}${this.selector}` });
      if (incoming.statusCode === 410) {
        incoming.resume();
        return this.list();
      }
      let left = this.#random(3) === 0 ? 1 + this.#random(50) : Number.POSITIVE_INFINITY;
      for await (const event of lines(incoming)) {
        if (event['type'] === 'ERROR') {
          assert.equal(at(event, 'object', 'code'), 410);
          return this.list();
        }
        this.#see(String(event['type']), event['object']);
        left -= 1;
        if (left <= 0) {
          incoming.destroy();
          break;
        }
      }
      return undefined;
    }

    #see(type: string, object: unknown): void {
      const [name, revision] = [nameOf(object), revisionOf(object)];
      assert.ok(revision > this.revision, `an event of ${revision} after one of ${this.revision}`);
      assert.equal(this.known.has(name), type !== 'ADDED', `${type} of ${name}`);
      if (type === 'DELETED') {
        this.known.delete(name);
      } else {
        this.known.set(name, revision);
      }
      this.revision = revision;
    }
  }

  it('holds among many', async () => {
    let writing = true;
    const views = Array.from({ length: WATCHERS }, (_, index) => new View(index));
    const watching = views.map(async (view) => {
      await view.list();
      // Once more after the last write, to its end.
      for (let last = false; !last;) {
        last = !writing;
        await view.watch();
      }
    });
    const compacting = setInterval(() => {
      void s.store.compact(Math.max(1, s.store.currentRevision - 200));
    }, 100);
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    clearInterval(compacting);
    writing = false;
    await Promise.all(watching);
    await Promise.all(views.map(async (view) => {
      const behind = new View(SELECTORS.indexOf(view.selector));
      // A watch that was cut short may have missed the end: the next one begins where it stopped.
      for (let tries = 0; tries < 100 && view.revision < s.store.currentRevision; tries += 1) {
        const before = view.revision;
        await view.watch();
        if (view.revision === before) {
          break;
        }
      }
      await behind.list();
      assert.deepEqual(view.known, behind.known);
    }));
  });
});
