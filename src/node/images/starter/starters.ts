/** The starter images there are. Add one here, with its builder in a file of its own. */
import { starterImage } from '../names.ts';
import { llamaImage } from './llama.ts';
import type { Packages } from './packages.ts';
import type { Progress } from './progress.ts';
import { shellImage } from './shell.ts';
import { vmImage } from './vm.ts';
import { webImage } from './web.ts';

export interface Starter {
  /** As in `telar images build NAME`. */
  name: string;
  description: string;
  /** The image as an archive that Podman loads, in pieces. */
  build(packages: Packages, image: string, progress: Progress): Promise<readonly Uint8Array[]>;
}

/** Marks what `telar images build` made. */
const labelsOf = (name: string): Record<string, string> => ({ 'telar.local/starter': name });

export const STARTERS: readonly Starter[] = [
  {
    name: 'shell', description: 'a small shell with busybox\' tools',
    build: async (packages, image) => [await shellImage(packages, { name: image, labels: labelsOf('shell') })],
  },
  {
    name: 'web', description: 'a web server showing one page, or what a backend answers',
    build: async (packages, image) => [await webImage(packages, { name: image, labels: labelsOf('web') })],
  },
  {
    name: 'vm', description: 'a virtual machine: disk for containerDisk, kernel for kernelBoot',
    build: async (packages, image, progress) => [await vmImage(packages, { name: image, labels: labelsOf('vm') }, progress)],
  },
  {
    name: 'llama-server', description: 'llama.cpp\'s model server: OpenAI protocol, GGUF',
    build: (packages, image) => llamaImage(packages, { name: image, labels: labelsOf('llama-server') }),
  },
];

export { starterImage };
