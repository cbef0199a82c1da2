/** `/version`: which Kubernetes this speaks. */
import type { Answer } from '../types.ts';

/** The Kubernetes release whose API is served; clients choose features by it. */
const KUBERNETES = { major: '1', minor: '36', gitVersion: 'v1.36.0+telar' } as const;

const PLATFORM = `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`;

/** Labels of `kubernetes_build_info`. */
export const BUILD = { major: KUBERNETES.major, minor: KUBERNETES.minor, git_version: KUBERNETES.gitVersion, platform: PLATFORM } as const;

const BODY = JSON.stringify({
  major: KUBERNETES.major, minor: KUBERNETES.minor, gitVersion: KUBERNETES.gitVersion, gitCommit: '', gitTreeState: 'clean', buildDate: '',
  goVersion: '', compiler: 'node', platform: PLATFORM,
}, null, 2);

export const versionAnswer: Answer = { type: 'raw', code: 200, headers: { 'content-type': 'application/json' }, body: BODY };
