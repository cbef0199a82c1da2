/**
 * A VirtualMachine from POST to the guest's first console line, against bare QEMU with the same kernel, initial RAM disk,
 * accelerator and size.
 *
 *     node bench/vm.ts [--runs 7]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { KubeObject } from '../src/apimachinery/object.ts';
import { VIRTUALMACHINES } from '../src/client/resources.ts';
import { eventually, execute, TestInstance } from '../test/harness/instance.ts';
import { GUEST, virtualMachine } from '../test/harness/manifests.ts';
import { clientOf } from './lib/client.ts';
import { alternating, milliseconds } from './lib/stats.ts';

const { values: flags } = parseArgs({ options: { runs: { type: 'string', default: '7' } } });
const MEMORY_MIB = 192;
const KERNEL_ARGS = 'console=ttyS0 quiet';
/** What the starter guest prints first of its own. */
const FIRST_LINE = 'Telar';

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
    const pods = await eventually('a launcher', async () => {
      const found = await telar.k('get', 'pods', '-l', `vm.kubevirt.io/name=${name}`, '-o', 'jsonpath={.items[*].metadata.uid}');
      return found !== '' && found;
    });
    const log = await eventually('its log', async () => {
      const found = (await execute('sh', ['-c', `find ${telar.dataDir} -name '*.log' -path '*${pods}*' | head -n 1`])).stdout.trim();
      return found !== '' && found;
    });
    for (;;) {
      if (readFileSync(log, 'utf8').includes(FIRST_LINE)) {
        break;
      }
      await new Promise((resolve) => { setTimeout(resolve, 5); });
    }
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
