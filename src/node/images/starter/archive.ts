/** Image archives as `docker save` writes them, made so that the same layers and settings give the same image id. */
import { createHash } from 'node:crypto';
import { writeTar } from './tar.ts';
import type { TarEntry } from './tar.ts';

export interface ImageSettings {
  /** Full name with tag, e.g. telar.local/starter/shell:latest. */
  name: string;
  /** Seconds since 1970, the same for everything in the image. */
  created: number;
  labels: Record<string, string>;
  env?: readonly string[];
  entrypoint?: readonly string[];
  cmd?: readonly string[];
  workingDir?: string;
  exposedPorts?: readonly string[];
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** The archive's bytes. Each layer is a list of entries, lowest first. */
export function imageArchive(settings: ImageSettings, layers: readonly (readonly TarEntry[])[]): Buffer {
  const tars = layers.map((layer) => writeTar(layer, settings.created));
  const digests = tars.map(sha256);
  const created = new Date(settings.created * 1000).toISOString();
  const config = Buffer.from(JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    created,
    config: {
      Env: settings.env ?? [],
      ...(settings.entrypoint === undefined ? {} : { Entrypoint: settings.entrypoint }),
      ...(settings.cmd === undefined ? {} : { Cmd: settings.cmd }),
      WorkingDir: settings.workingDir ?? '/',
      Labels: settings.labels,
      ...(settings.exposedPorts === undefined ? {} : { ExposedPorts: Object.fromEntries(settings.exposedPorts.map((port) => [port, {}])) }),
    },
    rootfs: { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) },
    history: digests.map(() => ({ created, created_by: 'telar images build' })),
  }));
  const configName = `${sha256(config)}.json`;
  const manifest = Buffer.from(JSON.stringify([{
    Config: configName, RepoTags: [settings.name], Layers: digests.map((digest) => `${digest}.tar`),
  }]));
  const file = (path: string, data: Uint8Array): TarEntry => ({ type: 'file', path, mode: 0o644, data });
  return writeTar([
    ...tars.map((tar, index) => file(`${digests[index] ?? ''}.tar`, tar)),
    file(configName, config),
    file('manifest.json', manifest),
  ], settings.created);
}
