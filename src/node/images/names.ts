/** What the starter images are called. */
import { LOCAL_REGISTRY } from './reference.ts';

/** The starter images that can be built. */
export const STARTER_NAMES = ['shell', 'web', 'vm', 'llama-server'] as const;
/** Those that serve models or bring them: their images are named as serving runtimes name them. */
const RUNTIMES: readonly string[] = ['telar-onnx', 'llama-server', 'storage-initializer'];

const pathOf = (name: string): string => (RUNTIMES.includes(name) ? name : `starter/${name}`);

/** The full name of what `telar images build NAME` makes. */
export const starterImage = (name: string): string => `${LOCAL_REGISTRY}/${pathOf(name)}:latest`;

/** The starter image with that path below telar.local. */
export const starterOfPath = (path: string): string | undefined => STARTER_NAMES.find((name) => pathOf(name) === path);
