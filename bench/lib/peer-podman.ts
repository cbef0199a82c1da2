/** What a Podman with its own pods and bridge network calls: program → Debian package. Telar needs neither. */
const NEEDED: Readonly<Record<string, string>> = { catatonit: 'catatonit', iptables: 'iptables' };

async function requirePrograms(): Promise<void> {
  const found = await Promise.all(Object.keys(NEEDED).map((program) => execute('sh', ['-c', `command -v ${program} || test -x /usr/libexec/podman/${program}`])));
  const missing = Object.values(NEEDED).filter((_, index) => found[index]?.code !== 0);
  if (missing.length > 0) {
    throw new Error(`podman kube play cannot run here: apt-get install -y --no-install-recommends ${missing.join(' ')}`);
  }
}

/** Podman as a user has it: own storage, its default bridge network, the runtime that works here. The peer of our pods. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ulimitLines } from '../../src/node/podman/config.ts';
import { chooseRuntime } from '../../src/node/podman/runtime.ts';
import { execute, type Output } from '../../test/harness/instance.ts';

export class PeerPodman {
  readonly #env: NodeJS.ProcessEnv;
  readonly dir: string;

  private constructor(dir: string, env: NodeJS.ProcessEnv) {
    this.dir = dir;
    this.#env = env;
  }

  static async create(): Promise<PeerPodman> {
    await requirePrograms();
    const dir = mkdtempSync(join(tmpdir(), 'telar-bench-podman-'));
    const runtime = await chooseRuntime();
    for (const folder of ['root', 'run', 'networks', 'tmp']) {
      mkdirSync(join(dir, folder));
    }
    writeFileSync(join(dir, 'containers.conf'), `[containers]\n${ulimitLines(runtime.ulimits)}log_driver = "k8s-file"\n[engine]\ncgroup_manager = "cgroupfs"\nruntime = "${runtime.runtime}"\nlock_type = "file"\nevents_logger = "file"\ntmp_dir = "${dir}/tmp"\ninfra_image = ""\n[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "${dir}/networks"\n`);
    writeFileSync(join(dir, 'storage.conf'), `[storage]\ndriver = "overlay"\ngraphroot = "${dir}/root"\nrunroot = "${dir}/run"\n`);
    return new PeerPodman(dir, { ...process.env, CONTAINERS_CONF: join(dir, 'containers.conf'), CONTAINERS_STORAGE_CONF: join(dir, 'storage.conf') });
  }

  run(args: readonly string[], input?: string): Promise<Output> {
    return execute('podman', args, { env: this.#env, ...(input === undefined ? {} : { input }) });
  }

  /** A command that must succeed. */
  async ok(args: readonly string[], input?: string): Promise<string> {
    const output = await this.run(args, input);
    if (output.code !== 0) {
      throw new Error(`podman ${args.join(' ')}: ${output.stderr}`);
    }
    return output.stdout.trim();
  }

  async remove(): Promise<void> {
    await this.run(['pod', 'rm', '-a', '-f', '-t', '0']);
    await this.run(['rm', '-a', '-f', '-t', '0']);
    await this.run(['unshare', 'true']);
    await execute('sh', ['-c', `umount "${this.dir}/root/overlay" 2>/dev/null; true`]);
    rmSync(this.dir, { recursive: true, force: true });
  }
}
