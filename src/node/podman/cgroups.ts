/**
 * A cgroup per pod, in version 1 (a hierarchy per controller, also hybrid) and version 2. Containers lie inside, so the pod's
 * share of the processor and its use of memory are those of one group.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingAs } from '../../apimachinery/errno.ts';

const ROOT = '/sys/fs/cgroup';
const DEPTH = 8;

export const isUnified = (): boolean => existsSync(join(ROOT, 'cgroup.controllers'));

/** Roots of the hierarchies that exist: one in version 2. */
export function hierarchies(): string[] {
  return isUnified() ? [ROOT]
    : readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => join(ROOT, entry.name));
}

function removeTree(folder: string, depth: number): void {
  if (depth > 0) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) {
        removeTree(join(folder, entry.name), depth - 1);
      }
    }
  }
  rmdirSync(folder);
}

/** Removes a group with those inside it in every hierarchy. What still has processes stays; answers whether all went. */
export function removeCgroup(path: string): boolean {
  let gone = true;
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, path);
    if (existsSync(folder)) {
      try {
        removeTree(folder, DEPTH);
      } catch {
        gone = false;
      }
    }
  }
  return gone;
}

/** Names of the groups inside one, in whichever hierarchy they are. */
export function childCgroups(path: string): Set<string> {
  const names = new Set<string>();
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, path);
    if (existsSync(folder)) {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory()) {
          names.add(entry.name);
        }
      }
    }
  }
  return names;
}

/** cpu.shares (2…262144) as cpu.weight (1…10000), by the formula container runtimes use. */
export function sharesToWeight(shares: number): number {
  return Math.max(1, Math.min(10_000, Math.floor(1 + (shares - 2) * 9999 / 262_142)));
}

/** Lets children of the group have these controllers (version 2). */
function delegate(folder: string): void {
  writeFileSync(join(folder, 'cgroup.subtree_control'), '+cpu +memory +pids');
}

/** Makes the pod's group below `parent` with its share of the processor. Idempotent. */
export function prepareCgroup(parent: string, name: string, shares: number): void {
  if (isUnified()) {
    const above = join(ROOT, parent);
    mkdirSync(above, { recursive: true });
    delegate(ROOT);
    delegate(above);
    mkdirSync(join(above, name), { recursive: true });
    writeFileSync(join(above, name, 'cpu.weight'), String(sharesToWeight(shares)));
    return;
  }
  const folder = join(ROOT, 'cpu', parent, name);
  if (existsSync(join(ROOT, 'cpu', 'cpu.shares')) || existsSync(join(ROOT, 'cpu', 'tasks'))) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'cpu.shares'), String(shares));
  }
}

/** The number in a group's file; undefined when there is none. */
export function readCgroupNumber(path: string): number | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    const value = Number(text);
    return text === '' || Number.isNaN(value) ? undefined : value;
  } catch (error) {
    return missingAs(undefined)(error);
  }
}

/** A line `name value` of a group's file such as memory.stat. */
export function readCgroupStat(path: string, name: string): number | undefined {
  try {
    const match = new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(path, 'utf8'));
    return match?.[1] === undefined ? undefined : Number(match[1]);
  } catch (error) {
    return missingAs(undefined)(error);
  }
}
