/**
 * A VirtualMachine from POST to the guest's first console line, against bare QEMU with the same kernel, initial RAM disk,
 * accelerator and size.
 *
 *     node bench/vm.ts [--runs 7]
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { KubeObject } from '../src/apimachinery/object.ts';
import { PODS, VIRTUALMACHINES } from '../src/client/resources.ts';
import { outputOf } from '../src/node/qemu/scrollback.ts';
import { eventually, execute, TestInstance } from '../test/harness/instance.ts';
import { GUEST, virtualMachine } from '../test/harness/manifests.ts';
import { clientOf } from './lib/client.ts';
import { alternating, milliseconds } from './lib/stats.ts';

const { values: flags } = parseArgs({ options: { runs: { type: 'string', default: '7' } } });
const MEMORY_MIB = 192;
const KERNEL_ARGS = 'console=ttyS0 quiet';
/** What the starter guest prints first of its own. */
const FIRST_LINE = 'Telar';

/** Asks every five milliseconds, with nothing that would take the processors from the guest. */
async function soon<T>(what: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await what();
    if (found !== undefined) {
      return found;
    }
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

const telar = await TestInstance.create();
const dir = mkdtempSync(join(tmpdir(), 'telar-bench-vm-'));
try {
  await telar.up();
  await telar.telar(['images', 'build', 'vm']);
  const socket = `/run/telar/${(await telar.telar(['status', '-o', 'json'])).stdout.match(/"id":\s*"([a-z0-9]{6})"/)?.[1] ?? ''}/podman.sock`;
  const podman = (...args: string[]): ReturnType<typeof execute> => execute('podman', ['--remote', '--url', `unix://${socket}`, ...args]);
  await podman('save', '--format', 'docker-archive', '-o', join(dir, 'vm.tar'), GUEST);
  await execute('sh', ['-c', `cd ${dir} && tar xf vm.tar && for layer in *.tar */layer.tar; do [ "$layer" = vm.tar ] || tar xf "$layer" boot 2>&1; done; ls boot`]);

  const client = await clientOf(telar.kubeconfig);
  const ours = async (run: number): Promise<number> => {
    const name = `bench-${run}`;
    const manifest = virtualMachine(name);
    const begun = process.hrtime.bigint();
    const object: KubeObject = { ...manifest, apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name, namespace: 'default' } };
    await client.create(VIRTUALMACHINES, object);
    const uid = await soon(async () => (await client.list(PODS, { namespace: 'default', labelSelector: `vm.kubevirt.io/name=${name}` })).items[0]?.metadata.uid);
    const log = join(telar.dataDir, 'pods', uid, 'logs', 'compute', '0.log');
    // The log holds the console in pieces as small as a letter.
    await soon(async () => (existsSync(log) && outputOf(readFileSync(log)).includes(FIRST_LINE)) || undefined);
    const took = milliseconds(begun);
    await client.delete(VIRTUALMACHINES, name, 'default');
    await eventually('gone', async () => (await client.list(VIRTUALMACHINES, { namespace: 'default' })).items.length === 0);
    return took;
  };
  const bare = (): Promise<number> => new Promise((resolve, reject) => {
    const begun = process.hrtime.bigint();
    const qemu = spawn('qemu-system-x86_64', [
      '-nodefaults', '-no-user-config', '-display', 'none', '-M', 'q35,accel=tcg', '-cpu', 'max', '-m', `${MEMORY_MIB}M`, '-smp', '1',
      '-kernel', join(dir, 'boot/vmlinuz'), '-initrd', join(dir, 'boot/initrd'), '-append', KERNEL_ARGS, '-serial', 'stdio',
    ], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    qemu.once('error', reject);
    qemu.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes(FIRST_LINE)) {
        const took = milliseconds(begun);
        qemu.once('exit', () => { resolve(took); });
        qemu.kill('SIGKILL');
      }
    });
  });
  await ours(-1);
  await bare();
  const result = await alternating(Number(flags.runs), ours, bare);
  process.stdout.write(`${JSON.stringify({ bench: 'vm', unit: 'ms', ours: result.ours, bareQemu: result.peer, ratio: result.ratio, aims: { ratio: 1.25 } }, null, 2)}\n`);
} finally {
  await telar.remove();
  rmSync(dir, { recursive: true, force: true });
}
