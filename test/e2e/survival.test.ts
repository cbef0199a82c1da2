/** Bad days: what was acknowledged and what runs survives whatever is killed. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Agent, request } from 'node:https';
import { eventually, execute, gone, TestInstance } from '../harness/instance.ts';
import { connection, type Connection } from '../harness/api.ts';
import { deployment, pod, virtualMachine } from '../harness/manifests.ts';

const LONG = process.env['TELAR_TEST_LONG'] === '1';
const KILLS = LONG ? 20 : 3;
const WRITERS = 64;

/** What identifies an instance's running container or guest to the machine: the process and when it started. */
async function processes(id: string, pattern: string): Promise<string[]> {
  const { stdout } = await execute('sh', ['-c', `for p in $(pgrep -f '${pattern}'); do grep -qs 'telar-${id}/' /proc/$p/cgroup && grep -qsv ') Z ' /proc/$p/stat && echo $p $(awk '{print $22}' /proc/$p/stat 2>/dev/null); done; true`]);
  return stdout.trim().split('\n').filter((line) => line.includes(' ')).sort();
}

interface Acknowledged {
  name: string;
  revision: number;
}

/** Writers that create ConfigMaps until the server dies; what it acknowledged. */
async function writeUntilDead(api: Connection, round: number, killAfter: number, kill: () => void): Promise<Acknowledged[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: WRITERS });
  const acknowledged: Acknowledged[] = [];
  let killed = false;
  const create = (name: string): Promise<Acknowledged> => new Promise((resolve, reject) => {
    const sent = request({ ...api, agent, method: 'POST', path: '/api/v1/namespaces/default/configmaps', headers: { 'content-type': 'application/json' } }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => { text += chunk.toString(); });
      answer.on('error', reject);
      answer.on('end', () => {
        const revision = /"resourceVersion":"(\d+)"/.exec(text)?.[1];
        if (answer.statusCode === 201 && revision !== undefined) {
          resolve({ name, revision: Number(revision) });
        } else {
          reject(new Error(`${answer.statusCode}: ${text}`));
        }
      });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { round: String(round) } }, data: { filler: 'x'.repeat(900) } }));
  });
  const writer = async (id: number): Promise<void> => {
    for (let n = 0; ; n += 1) {
      try {
        acknowledged.push(await create(`r${round}-w${id}-${n}`));
      } catch (error) {
        if (!killed) { throw error; }
        return;
      }
      if (!killed && acknowledged.length >= killAfter) {
        killed = true;
        kill();
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, id) => writer(id)));
  agent.destroy();
  return acknowledged;
}

describe('survival', () => {
  let telar: TestInstance;
  before(async () => {
    telar = await TestInstance.create();
    await telar.up();
    for (const image of ['shell', 'web', 'vm']) {
      assert.equal((await telar.telar(['images', 'build', image])).code, 0, image);
    }
    await telar.apply([deployment('web', 2, { command: ['sleep', '424242'] }), pod('lone', { command: ['sleep', '424242'] }), virtualMachine('guest')]);
    await telar.k('rollout', 'status', 'deployment/web', '--timeout=180s');
    await telar.k('wait', '--for=condition=Ready', 'pod/lone', 'vm/guest', '--timeout=180s');
  });
  after(() => telar.remove());

  const running = async (): Promise<string[]> => [...await processes(telar.id, '^sleep 424242'), ...await processes(telar.id, '^[^ ]*qemu-system.*guest')];
  const counts = (): Promise<string> => telar.k('get', 'pods', '-o', 'jsonpath={range .items[*]}{.metadata.uid} {.status.phase} {.status.containerStatuses[0].restartCount}{"\\n"}{end}');

  it('leaves containers and guests alone over down and up', async () => {
    const [before, pods] = [await running(), await counts()];
    assert.ok(before.length >= 4, before.join('\n'));
    const pid = telar.pid();
    assert.equal((await telar.down()).code, 0);
    await gone(pid);
    assert.deepEqual(await running(), before);
    await telar.up();
    await eventually('everything is reported as before', async () => (await counts()) === pods);
    assert.deepEqual(await running(), before);
  });

  it(`loses nothing acknowledged over ${KILLS} times kill -9 amid ${WRITERS} writers`, { timeout: KILLS * 120_000 }, async () => {
    const before = await running();
    const seen = new Set<number>();
    let last = 0;
    for (let round = 0; round < KILLS; round += 1) {
      const pid = telar.pid();
      const acknowledged = await writeUntilDead(await connection(telar.kubeconfig), round, 300 + 200 * (round % 5), () => { process.kill(pid, 'SIGKILL'); });
      await gone(pid);
      await telar.up();
      const names = new Set((await telar.k('get', 'configmaps', '-l', `round=${round}`, '-o', 'jsonpath={range .items[*]}{.metadata.name}:{.metadata.resourceVersion}{"\\n"}{end}')).split('\n'));
      const lost = acknowledged.filter(({ name, revision }) => !names.has(`${name}:${revision}`));
      assert.deepEqual(lost, []);
      for (const { revision } of acknowledged) {
        assert.ok(!seen.has(revision), `revision ${revision} was given twice`);
        assert.ok(revision > last, `revision ${revision} after a restart at ${last}`);
        seen.add(revision);
      }
      last = Math.max(last, ...acknowledged.map(({ revision }) => revision));
      await telar.k('delete', 'configmaps', '-l', `round=${round}`, '--wait=false');
    }
    assert.deepEqual(await running(), before, `a container or guest was lost, doubled or restarted:\n${await telar.k('get', 'events', '--field-selector', 'type=Warning')}`);
  });

  it('brings the container service back when it is killed, and restarts nothing', async () => {
    const before = await running();
    const killed = await execute('pkill', ['-KILL', '-f', `podman.*${telar.dataDir}|podman.*system service.*${(await execute('sh', ['-c', `grep -o '"id": *"[a-z0-9]*"' ${telar.dataDir}/instance.json | cut -d'"' -f4`])).stdout.trim()}`]);
    assert.equal(killed.code, 0, 'a service was killed');
    await telar.apply(pod('after-podman'));
    await telar.k('wait', '--for=condition=Ready', 'pod/after-podman', '--timeout=120s');
    assert.deepEqual(await running(), before);
  });

  it('restores what should run when everything was killed', async () => {
    await telar.kill();
    await execute('sh', ['-c', `pkill -KILL -f 'sleep 424242'; pkill -KILL -f 'qemu-system.*guest'; true`]);
    await telar.up();
    await eventually('containers and guest are back', async () => (await processes(telar.id, '^sleep 424242')).length === 3 && (await processes(telar.id, '^[^ ]*qemu-system.*guest')).length >= 1);
    await telar.k('rollout', 'status', 'deployment/web', '--timeout=180s');
    await telar.k('wait', '--for=condition=Ready', 'pod/lone', 'vm/guest', '--timeout=180s');
  });
});
