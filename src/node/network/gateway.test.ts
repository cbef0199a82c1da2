/** Cluster DNS as pods see it, and its life apart from Telar's. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLog } from '../../apimachinery/log.ts';
import { SERVICES } from '../../client/resources.ts';
import { ensureGateway, stopGateway } from './gatewayprocess.ts';
import type { Sandbox } from './podnetwork.ts';
import { Bed, until } from './testing/bed.ts';

const ENTRY = `import(${JSON.stringify(fileURLToPath(new URL('../../gateway/main.ts', import.meta.url)))}).then(({ runGateway }) => runGateway(process.argv.slice(1))).then(() => process.exit(0))`;
const COMMAND = [process.execPath, '--disable-warning=ExperimentalWarning', '--max-old-space-size=48', '--max-semi-space-size=1', '-e', ENTRY, '--', 'gateway'];

describe('cluster DNS', () => {
  const bed = new Bed(62);
  let pod: Sandbox;
  const statePath = (): string => join(bed.instance.runDir, 'gateway.json');
  const pid = (): number => {
    const state: unknown = JSON.parse(readFileSync(statePath(), 'utf8'));
    return typeof state === 'object' && state !== null && 'pid' in state ? Number(state.pid) : 0;
  };
  const lookup = async (name: string, type = 'a'): Promise<string> => {
    const { stdout, stderr } = await bed.inPod(pod, 'busybox', 'nslookup', `-type=${type}`, name, bed.instance.dnsAddress);
    return `${stdout}${stderr}`;
  };

  before(async () => {
    await bed.prepare();
    pod = await bed.pod('client');
    await bed.service('web', { clusterIP: '10.63.1.1', ports: [{ name: 'http', port: 80 }] });
    await bed.service('db', { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }] });
    await bed.endpoints('db', [pod.ip], { hostname: 'db-0' });
    // As the launcher does.
    process.env['NODE_COMPILE_CACHE'] ??= join(bed.instance.dataDir, 'cache');
    await bed.startProxy(COMMAND);
    await until(async () => existsSync(statePath()), (there) => there);
  });
  after(() => bed.remove());

  it('resolves services, endpoints, ports and addresses from a pod', async () => {
    assert.match(await lookup('web.default.svc.cluster.local'), /Address: 10\.63\.1\.1/);
    assert.match(await lookup('db-0.db.default.svc.cluster.local'), new RegExp(`Address: ${pod.ip}`));
    assert.match(await lookup('_http._tcp.web.default.svc.cluster.local', 'srv'), /web\.default\.svc\.cluster\.local/);
    assert.match(await lookup('1.1.63.10.in-addr.arpa', 'ptr'), /web\.default\.svc\.cluster\.local/);
    assert.match(await lookup('nope.default.svc.cluster.local'), /NXDOMAIN/);
  });

  it('learns of changes', async () => {
    await bed.service('late', { clusterIP: '10.63.1.9', ports: [{ port: 80 }] });
    assert.match(await until(() => lookup('late.default.svc.cluster.local'), (text) => text.includes('10.63.1.9')), /10\.63\.1\.9/);
    await bed.client.delete(SERVICES, 'late', 'default');
    assert.match(await until(() => lookup('late.default.svc.cluster.local'), (text) => text.includes('NXDOMAIN')), /NXDOMAIN/);
  });

  it('is left alone while its code is the same, and comes back when it was killed', async () => {
    const options = { instance: bed.instance, command: COMMAND, log: silentLog };
    const first = pid();
    assert.equal(await ensureGateway(options), false);
    process.kill(first, 'SIGKILL');
    // The running proxy notices by itself.
    await until(async () => readFile(statePath(), 'utf8').then(() => pid(), () => first), (now) => now !== first);
    assert.match(await until(() => lookup('web.default.svc.cluster.local'), (text) => text.includes('10.63.1.1')), /10\.63\.1\.1/);
  });

  it('replaces a process of another version', async () => {
    const before = pid();
    const state = readFileSync(statePath(), 'utf8');
    await writeFile(statePath(), state.replace(/"version":"[^"]*"/, '"version":"older"'));
    assert.equal(await ensureGateway({ instance: bed.instance, command: COMMAND, log: silentLog }), true);
    assert.notEqual(pid(), before);
    assert.throws(() => process.kill(before, 0));
  });

  it('goes on when the process that started it is killed', async () => {
    bed.stopProxy();
    await stopGateway(bed.instance);
    const script = `import(${JSON.stringify(fileURLToPath(new URL('gatewayprocess.ts', import.meta.url)))}).then(async ({ ensureGateway }) => {
      const log = { debug() {}, info() {}, warn() {}, error() {}, child() { return log; } };
      await ensureGateway({ instance: ${JSON.stringify(bed.instance)}, command: ${JSON.stringify(COMMAND)}, log });
      console.log('started'); setInterval(() => {}, 1000); })`;
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve, reject) => {
      parent.stdout.once('data', () => { resolve(); });
      parent.once('exit', (code) => { reject(new Error(`the parent ended: ${code}`)); });
    });
    parent.removeAllListeners('exit');
    const gone = new Promise((resolve) => { parent.once('exit', resolve); });
    parent.kill('SIGKILL');
    await gone;
    assert.match(await lookup('web.default.svc.cluster.local'), /10\.63\.1\.1/);
  });

  it('serves on a port of its own where another program has port 53', async () => {
    await stopGateway(bed.instance);
    const greedy = createServer().listen(53, bed.instance.dnsAddress);
    await new Promise((resolve) => { greedy.once('listening', resolve); });
    await bed.startProxy(COMMAND);
    assert.match(await until(() => lookup('web.default.svc.cluster.local'), (text) => text.includes('10.63.1.1')), /10\.63\.1\.1/);
    await new Promise((resolve) => { greedy.close(resolve); });
    await stopGateway(bed.instance);
    await until(() => lookup('web.default.svc.cluster.local'), (text) => text.includes('10.63.1.1'));
    assert.match(await lookup('web.default.svc.cluster.local'), /10\.63\.1\.1/, 'and on 53 again');
    bed.stopProxy();
  });

  it('keeps a small footprint', async () => {
    const rollup = await readFile(`/proc/${pid()}/smaps_rollup`, 'utf8');
    const kib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(rollup)?.[1]);
    console.log(`gateway: PSS ${Math.round(kib('Pss') / 1024)} MiB, private ${Math.round((kib('Private_Dirty') + kib('Private_Clean')) / 1024)} MiB`);
    assert.ok(kib('Private_Dirty') < 24 * 1024, `${kib('Private_Dirty')} KiB`);
  });
});
