/** The starter images there are. Add one here, with its builder in a file of its own. */
import type { Packages } from './packages.ts';
import type { Progress } from './progress.ts';
import { shellImage } from './shell.ts';
import { vmImage } from './vm.ts';
import { webImage } from './web.ts';

export interface Starter {
  /** As in `telar images build NAME`. */
  name: string;
  description: string;
  /** The image as an archive that Podman loads. */
  build(packages: Packages, image: string, progress: Progress): Promise<Buffer>;
}

/** Marks what `telar images build` made. */
const labelsOf = (name: string): Record<string, string> => ({ 'telar.local/starter': name });

export const STARTERS: readonly Starter[] = [
  {
    name: 'shell', description: 'a small shell with busybox\' tools',
    build: (packages, image) => shellImage(packages, { name: image, labels: labelsOf('shell') }),
  },
  {
    name: 'web', description: 'a web server showing one page, or what a backend answers',
    build: (packages, image) => webImage(packages, { name: image, labels: labelsOf('web') }),
  },
  {
    name: 'vm', description: 'a virtual machine: disk for containerDisk, kernel for kernelBoot',
    build: (packages, image, progress) => vmImage(packages, { name: image, labels: labelsOf('vm') }, progress),
  },
];

export const starterImage = (name: string): string => `telar.local/starter/${name}:latest`;
