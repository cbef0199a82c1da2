/** An OCI runtime that really runs a container, and the cgroups that hold it to its limits. */
import { readFileSync } from 'node:fs';
import { chooseRuntime } from '../podman/runtime.ts';
import { attempt } from './command.ts';
import { missing, ok } from './probe.ts';
import type { Probe } from './probe.ts';

const CONTROLLERS = ['cpu', 'memory', 'pids'];

export const containerProbe: Probe = {
  name: 'containers',
  packages: ['podman', 'runc', 'crun'],
  async run() {
    const version = await attempt('podman', ['--version']);
    if (!version.ok) {
      return missing(version.why);
    }
    try {
      const { runtime, ulimits } = await chooseRuntime();
      const limits = ulimits === undefined ? '' : ` with at most ${ulimits.nofile} open files`;
      return ok(`${version.stdout.trim()}, ${runtime} ran a container${limits}`);
    } catch (error) {
      return missing(error instanceof Error ? error.message : String(error));
    }
  },
};

/** The controllers of version 2's root, or those of version 1 that are mounted. */
function availableControllers(): { version: string; controllers: string[] } {
  try {
    return { version: 'v2', controllers: readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' ') };
  } catch {
    // Version 1, or none.
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' '));
    const options = mounts.filter(([, , type]) => type === 'cgroup').flatMap(([, , , flags]) => (flags ?? '').split(','));
    return { version: 'v1', controllers: options };
  }
}

export const cgroupsProbe: Probe = {
  name: 'cgroups',
  packages: [],
  run() {
    const { version, controllers } = availableControllers();
    const absent = CONTROLLERS.filter((name) => !controllers.includes(name));
    return Promise.resolve(absent.length === 0
      ? ok(`${version} with ${CONTROLLERS.join(', ')}`)
      : missing(`the controllers ${absent.join(', ')} are not there: enable them on the kernel's command line, or in the container this runs in`));
  },
};
