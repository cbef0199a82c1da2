/** QEMU, and whether KVM makes it fast. */
import { bootTest } from '../qemu/kvm.ts';
import { existsSync } from 'node:fs';
import { attempt } from './command.ts';
import { limited, missing, ok } from './probe.ts';
import type { Probe } from './probe.ts';

/** Emulation boots the test guest in a tenth of a second on an idle machine. */
const EMULATION_LIMIT_MS = 20_000;

export const qemuProbe: Probe = {
  name: 'qemu',
  packages: ['qemu-system-x86', 'qemu-utils'],
  async run() {
    const version = await attempt('qemu-system-x86_64', ['--version']);
    if (!version.ok) {
      return missing(version.why);
    }
    const tools = await attempt('qemu-img', ['--version']);
    if (!tools.ok) {
      return missing(tools.why);
    }
    const booted = await bootTest('tcg', EMULATION_LIMIT_MS);
    const name = /version (\S+)/.exec(version.stdout)?.[1] ?? '';
    return booted.usable ? ok(`QEMU ${name}, ${booted.detail}`) : missing(booted.detail);
  },
};

export const kvmProbe: Probe = {
  name: 'kvm',
  packages: [],
  async run() {
    if (!existsSync('/dev/kvm')) {
      return limited('there is no /dev/kvm, so virtual machines are emulated (slower)');
    }
    if ((await attempt('qemu-system-x86_64', ['--version'])).absent) {
      return limited('not tried: QEMU is not installed');
    }
    const booted = await bootTest('kvm');
    return booted.usable ? ok(booted.detail) : limited(`${booted.detail}; virtual machines are emulated instead (slower)`);
  },
};
