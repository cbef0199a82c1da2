/** Image archives as `docker save` writes them, made so that the same layers and settings give the same image id. */
import { createHash } from 'node:crypto';
import { memberParts, tarParts } from './tar.ts';
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
  /** `uid:gid`, in numbers so that runAsNonRoot can be checked; root otherwise. */
  user?: string;
}

const digestOf = (parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256');
  parts.forEach((part) => hash.update(part));
  return hash.digest('hex');
};

/** The archive's bytes. Each layer is a list of entries, lowest first. */
export function imageArchive(settings: ImageSettings, layers: readonly (readonly TarEntry[])[]): Buffer {
  return Buffer.concat(imageParts(settings, layers));
}

/** The same bytes piece by piece, for images with large files. */
export function imageParts(settings: ImageSettings, layers: readonly (readonly TarEntry[])[]): Uint8Array[] {
  const tars = layers.map((layer) => tarParts(layer, settings.created));
  const digests = tars.map(digestOf);
  const created = new Date(settings.created * 1000).toISOString();
  const config = Buffer.from(JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    created,
    config: {
      ...(settings.user === undefined ? {} : { User: settings.user }),
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
  const configName = `${digestOf([config])}.json`;
  const manifest = Buffer.from(JSON.stringify([{
    Config: configName, RepoTags: [settings.name], Layers: digests.map((digest) => `${digest}.tar`),
  }]));
  return [
    ...tars.flatMap((tar, index) => memberParts(`${digests[index] ?? ''}.tar`, tar, settings.created)),
    ...tarParts([
      { type: 'file', path: configName, mode: 0o644, data: config },
      { type: 'file', path: 'manifest.json', mode: 0o644, data: manifest },
    ], settings.created),
  ];
}
