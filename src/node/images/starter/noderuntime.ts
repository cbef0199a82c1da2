/**
 * The images of Telar's own programs: Debian's C and C++ libraries, the Node that Telar itself runs on, and sources as they lie in the
 * repository. No shell and no root; they run with a read-only root file system. The images share all layers but the last.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { imageParts } from './archive.ts';
import type { ImageSettings } from './archive.ts';
import { checkLibraries, libraries, systemEntries, withFolders } from './libraries.ts';
import { npmFiles } from './npm.ts';
import type { NpmPackage } from './npm.ts';
import type { Packages } from './packages.ts';
import type { Progress } from './progress.ts';
import { PROGRAM_FOLDER, programSources } from './sources.ts';
import type { TarEntry } from './tar.ts';

const NODE = 'usr/local/bin/node';
/** The account `telar` of the images. */
export const RUNTIME_USER = '1000:1000';
const ONNX_PINS = new URL('../../../runtimes/onnx/packages.json', import.meta.url);

type Named = Pick<ImageSettings, 'name' | 'labels'>;

const pathsOf = (layers: readonly (readonly TarEntry[])[]): Set<string> => new Set(layers.flat().map(({ path }) => path));

/** Libraries and, above them, Node. `built` is the image's time: that of the newest library. */
async function nodeLayers(packages: Packages): Promise<{ layers: TarEntry[][]; built: number }> {
  const { entries, built } = await libraries(packages, ['libc6', 'libgcc-s1', 'libstdc++6']);
  const base = withFolders([...entries, ...await systemEntries(packages)]);
  const node = withFolders([{ type: 'file', path: NODE, mode: 0o755, data: await readFile(process.execPath) }], pathsOf([base]));
  return { layers: [base, node], built };
}

async function programImage(packages: Packages, settings: Named, program: string, more: readonly TarEntry[] = []): Promise<Uint8Array[]> {
  const { layers, built } = await nodeLayers(packages);
  const own = withFolders([...programSources([program]), ...more], pathsOf(layers));
  const all = [...layers, own];
  checkLibraries(all);
  return imageParts({
    ...settings, labels: { ...settings.labels, 'telar.local/node': process.version }, created: built, user: RUNTIME_USER, workingDir: '/tmp',
    env: ['PATH=/usr/local/bin:/usr/bin', 'HOME=/tmp', 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'],
    entrypoint: [`/${NODE}`, `/${PROGRAM_FOLDER}/src/${program}`], exposedPorts: ['8080/tcp'],
  }, all);
}

/** The npm packages that telar-onnx runs on, pinned. */
export function onnxPackages(): NpmPackage[] {
  const pins: unknown = JSON.parse(readFileSync(ONNX_PINS, 'utf8'));
  if (!Array.isArray(pins)) {
    throw new TypeError('packages.json is a list');
  }
  return pins.map((pin: unknown) => {
    if (typeof pin !== 'object' || pin === null || !('name' in pin) || !('version' in pin) || !('integrity' in pin)) {
      throw new TypeError('packages.json names packages with version and integrity');
    }
    return { name: String(pin.name), version: String(pin.version), integrity: String(pin.integrity) };
  });
}

/** Of onnxruntime's packages only what runs on this kind of machine, as node_modules entries below `folder`. */
export async function onnxModules(cache: string, progress: Progress, folder: string): Promise<TarEntry[]> {
  const wanted = (path: string): boolean => /^(?:package\.json|dist\/[^]*\.js|dist\/cjs\/package\.json|bin\/napi-v\d+\/linux\/x64\/[^/]+)$/.test(path)
    && !/^dist\/(?:esm\/|ort\.)/.test(path);
  const lists = await Promise.all(onnxPackages().map(async (pin) => (await npmFiles(pin, cache, progress, wanted))
    .map(({ path, data }): TarEntry => ({ type: 'file', path: `${folder}/${pin.name}/${path}`, mode: 0o644, data }))));
  return lists.flat();
}

export async function telarOnnxImage(packages: Packages, settings: Named, progress: Progress): Promise<Uint8Array[]> {
  const modules = await onnxModules(packages.folder, progress, `${PROGRAM_FOLDER}/node_modules`);
  const [runtime] = onnxPackages();
  return programImage(packages, { ...settings, labels: { ...settings.labels, 'telar.local/onnxruntime': runtime?.version ?? '' } }, 'runtimes/onnx/main.ts', modules);
}

export const storageInitializerImage = (packages: Packages, settings: Named): Promise<Uint8Array[]> => programImage(packages, settings, 'runtimes/storage/main.ts');
