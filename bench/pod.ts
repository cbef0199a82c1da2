/**
 * One-container pods from POST to `Running`, against `podman kube play` of the same manifest and `podman run -d` of the
 * same image; then many at once.
 *
 *     node bench/pod.ts [--runs 9] [--burst 50] [--bursts 3]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PODS } from '../src/client/resources.ts';
import type { Pod } from '../src/kinds/generated/core.ts';
import { eventually, TestInstance } from '../test/harness/instance.ts';
import { SHELL } from '../test/harness/manifests.ts';
import { clientOf } from './lib/client.ts';
import { PeerPodman } from './lib/peer-podman.ts';
import { alternating, milliseconds, ratio, summarise } from './lib/stats.ts';

const { values: flags } = parseArgs({ options: { runs: { type: 'string', default: '9' }, burst: { type: 'string', default: '50' }, bursts: { type: 'string', default: '3' } } });

const manifest = (name: string): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: SHELL, imagePullPolicy: 'Never', command: ['sleep', '100000'] }] },
});
const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

const telar = await TestInstance.create();
const podman = await PeerPodman.create();
try {
  await telar.up();
  await telar.telar(['images', 'build', 'shell']);
  const archive = join(podman.dir, 'shell.tar');
  const own = `/run/telar/${(await telar.telar(['status', '-o', 'json'])).stdout.match(/"id":\s*"([a-z0-9]{6})"/)?.[1] ?? ''}/podman.sock`;
  await podman.ok(['--remote', '--url', `unix://${own}`, 'save', '-o', archive, SHELL]);
  await podman.ok(['load', '-i', archive]);
  const client = await clientOf(telar.kubeconfig);

  const ours = async (prefix: string, count: number): Promise<number> => {
    const list = names(prefix, count);
    const until = new Set(list);
    const { metadata } = await client.list(PODS, { namespace: 'default' });
    const begun = process.hrtime.bigint();
    const running = (async () => {
      for await (const event of client.watch(PODS, { namespace: 'default', resourceVersion: metadata.resourceVersion ?? '0' })) {
        if (event.object.status?.phase === 'Running') {
          until.delete(event.object.metadata.name);
          if (until.size === 0) { return; }
        }
      }
    })();
    await Promise.all(list.map((name) => client.create(PODS, manifest(name))));
    await running;
    const took = milliseconds(begun);
    await Promise.all(list.map((name) => client.delete(PODS, name, 'default', { gracePeriodSeconds: 0 })));
    await eventually('gone', async () => (await client.list(PODS, { namespace: 'default' })).items.length === 0);
    return took;
  };
  const kubePlay = async (prefix: string, count: number): Promise<number> => {
    const list = names(prefix, count);
    const begun = process.hrtime.bigint();
    await Promise.all(list.map((name) => podman.ok(['kube', 'play', '-'], JSON.stringify(manifest(name)))));
    const took = milliseconds(begun);
    await podman.ok(['pod', 'rm', '-a', '-f', '-t', '0']);
    return took;
  };
  const runDetached = async (): Promise<number> => {
    const begun = process.hrtime.bigint();
    await podman.ok(['run', '-d', '--name', 'lone', SHELL, 'sleep', '100000']);
    const took = milliseconds(begun);
    await podman.ok(['rm', '-f', '-t', '0', 'lone']);
    return took;
  };

  // First of each: caches of both sides fill.
  await ours('warm', 1);
  await kubePlay('warm', 1);
  await runDetached();

  const run: number[] = [];
  const one = await alternating(Number(flags.runs), (n) => ours(`one${n}`, 1), async (n) => {
    run.push(await runDetached());
    return kubePlay(`one${n}`, 1);
  });
  const burst = await alternating(Number(flags.bursts), (n) => ours(`many${n}`, Number(flags.burst)), (n) => kubePlay(`many${n}`, Number(flags.burst)));
  const lone = summarise(run);
  process.stdout.write(`${JSON.stringify({
    bench: 'pod', unit: 'ms',
    one: { ours: one.ours, kubePlay: one.peer, toKubePlay: one.ratio, podmanRun: lone, toPodmanRun: ratio(one.ours, lone) },
    burst: { pods: Number(flags.burst), ours: burst.ours, kubePlay: burst.peer, toKubePlay: burst.ratio },
    aims: { toKubePlay: 1, toPodmanRun: 1.4, burstToKubePlay: 1 },
  }, null, 2)}\n`);
} finally {
  await podman.remove();
  await telar.remove();
}
