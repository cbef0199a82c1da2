/**
 * The files that keep Telar's Podman apart from the user's: storage, locks, run folder, registries, policy and events
 * are all its own. Written anew at each start, so that a newer Telar's settings take effect.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { missingAs } from '../../apimachinery/errno.ts';

/** Containers get at most this many processes and threads unless the pod says otherwise. */
export const DEFAULT_PIDS_LIMIT = 4096;
/** Podman's own events file is started anew at this size. */
const EVENTS_FILE_SIZE = '4m';

/** Limits every container starts with; absent where Podman's defaults work. */
export interface Ulimits {
  nofile: number;
  nproc: number;
}

export interface RuntimeSettings {
  /** Name or path of the OCI runtime. */
  runtime: string;
  ulimits?: Ulimits;
}

/** Where everything of one Podman lies. */
export interface PodmanPaths {
  /** Survives reboots: images and containers. */
  root: string;
  /** Gone with a reboot: mounts, pid files. */
  run: string;
  socket: string;
  config: string;
  home: string;
  /** Written by conmon when a container ends. */
  exits: string;
}

export function podmanPaths(dataDir: string, runDir: string): PodmanPaths {
  const run = join(runDir, 'podman');
  return {
    root: join(dataDir, 'containers'),
    run,
    socket: join(runDir, 'podman.sock'),
    config: join(run, 'containers.conf'),
    home: join(run, 'home'),
    exits: join(run, 'libpod', 'exits'),
  };
}

/** A TOML basic string; JSON's escapes are a subset of TOML's. */
const toml = (text: string): string => JSON.stringify(text);

export function ulimitLines(ulimits: Ulimits | undefined): string {
  return ulimits === undefined ? '' :
    `default_ulimits = ["nofile=${ulimits.nofile}:${ulimits.nofile}", "nproc=${ulimits.nproc}:${ulimits.nproc}"]\n`;
}

/** static_dir must lie in the storage root: conmon's clean-up process is told only that, and looks for its database there. */
function containersConf(paths: PodmanPaths, settings: RuntimeSettings): string {
  return `[containers]
${ulimitLines(settings.ulimits)}log_driver = "k8s-file"
pids_limit = ${DEFAULT_PIDS_LIMIT}
netns = "host"
http_proxy = false
[engine]
cgroup_manager = "cgroupfs"
runtime = ${toml(settings.runtime)}
detach_keys = ""
exit_command_delay = 5
events_logger = "file"
events_logfile_path = ${toml(join(paths.run, 'events.log'))}
events_logfile_max_size = ${toml(EVENTS_FILE_SIZE)}
image_copy_tmp_dir = ${toml(join(paths.root, 'tmp'))}
lock_type = "file"
tmp_dir = ${toml(join(paths.run, 'libpod'))}
static_dir = ${toml(join(paths.root, 'storage', 'libpod'))}
volume_path = ${toml(join(paths.root, 'storage', 'volumes'))}
[network]
network_config_dir = ${toml(join(paths.root, 'networks'))}
`;
}

function storageConf(paths: PodmanPaths): string {
  return `[storage]
driver = "overlay"
graphroot = ${toml(join(paths.root, 'storage'))}
runroot = ${toml(join(paths.run, 'storage'))}
[storage.options.overlay]
`;
}

/** Docker Hub for unqualified names, as Kubernetes has it. */
const REGISTRIES_CONF = `unqualified-search-registries = ["docker.io"]
short-name-mode = "disabled"
`;

const POLICY = JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] });

/** Id of the machine's current boot; empty where the kernel does not say. */
export async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch (error) {
    return missingAs('')(error);
  }
}

/**
 * Where the run folder lies on a disk, it outlives a reboot, and Podman would take dead containers for running ones:
 * forget it when the machine has booted since.
 */
async function forgetEarlierBoot(paths: PodmanPaths): Promise<void> {
  const marker = join(paths.run, 'boot-id');
  const now = await bootId();
  const before = await readFile(marker, 'utf8').catch(missingAs(''));
  if (before !== '' && before !== now) {
    await rm(paths.run, { recursive: true, force: true });
    await mkdir(paths.run, { recursive: true, mode: 0o700 });
  }
  await writeFile(marker, now);
}

/** Writes the files; answers the environment Podman must be started with. */
export async function writePodmanConfig(paths: PodmanPaths, settings: RuntimeSettings): Promise<NodeJS.ProcessEnv> {
  await mkdir(paths.run, { recursive: true, mode: 0o700 });
  await forgetEarlierBoot(paths);
  const policyDir = join(paths.home, '.config', 'containers');
  await Promise.all([policyDir, join(paths.root, 'tmp'), join(paths.root, 'networks')]
    .map((dir) => mkdir(dir, { recursive: true, mode: 0o700 })));
  const storage = join(paths.run, 'storage.conf');
  const registries = join(paths.run, 'registries.conf');
  await Promise.all([
    writeFile(paths.config, containersConf(paths, settings)),
    writeFile(storage, storageConf(paths)),
    writeFile(registries, REGISTRIES_CONF),
    writeFile(join(policyDir, 'policy.json'), POLICY),
  ]);
  return privateEnvironment(paths.home, { CONTAINERS_CONF: paths.config, CONTAINERS_STORAGE_CONF: storage, CONTAINERS_REGISTRIES_CONF: registries });
}

/** The process's environment without what would lead Podman to the user's containers. */
export function privateEnvironment(home: string, additions: Record<string, string>): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(CONTAINER|DOCKER_|XDG_|STORAGE_|REGISTRY_AUTH_FILE|BUILDAH_|NOTIFY_SOCKET|LISTEN_)/.test(name)) {
      environment[name] = value;
    }
  }
  return { ...environment, HOME: home, ...additions };
}
