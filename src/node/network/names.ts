/** Names in the kernel: everything of an instance begins with `tl<id>` or is `telar-<id>`, so that it can be found and removed. */
import { join } from 'node:path';
import type { Instance } from '../../apimachinery/instance.ts';

/** IFNAMSIZ is 16 with its final zero. */
const MAX_LINK_NAME = 15;
/** MAC of every host side: each is the only other station on its link, so one for all is enough. */
export const HOST_MAC = 'ee:ee:ee:ee:ee:ee';
/** The next hop of every pod: on-link, never configured anywhere; its permanent neighbour entry is all it takes. */
export const NEXT_HOP = '169.254.1.1';

/** The link that carries the node's and the DNS's addresses. */
export function nodeLink(instance: Pick<Instance, 'id'>): string {
  return `tl${instance.id}`;
}

/** Host side of the pod whose address is the `index`th of the node's range. */
export function podLink(instance: Pick<Instance, 'id'>, index: number): string {
  const name = `tl${instance.id}p${index.toString(16)}`;
  if (name.length > MAX_LINK_NAME) {
    throw new Error(`link name ${name} is longer than ${MAX_LINK_NAME} characters: instance ids have six`);
  }
  return name;
}

/** Matches every host side of the instance's pods in nft. */
export function podLinkPattern(instance: Pick<Instance, 'id'>): string {
  return `tl${instance.id}p*`;
}

export function tableName(instance: Pick<Instance, 'id'>): string {
  return `telar-${instance.id}`;
}

/** `0a:58:` and the address: stable while the address lives, unique on the machine, locally administered. */
export function podMac(address: number): string {
  const octets = [24, 16, 8, 0].map((shift) => ((address >>> shift) & 255).toString(16).padStart(2, '0'));
  return `0a:58:${octets.join(':')}`;
}

export function netnsDir(instance: Pick<Instance, 'runDir'>): string {
  return join(instance.runDir, 'netns');
}

export function recordDir(instance: Pick<Instance, 'runDir'>): string {
  return join(instance.runDir, 'network');
}
