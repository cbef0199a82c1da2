/** Completion indexes of an Indexed Job: written as `1,3-5` in its status, and on its pods as a label and annotation. */
import type { Job } from '../../kinds/generated/batch.ts';
import type { Pod } from '../../kinds/generated/core.ts';

export const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';

export function isIndexed(job: Job): boolean {
  return job.spec.completionMode === 'Indexed' && job.spec.completions !== undefined;
}

/** The indexes a text names, below `limit`. What cannot be read is skipped: the text is the controller's own. */
export function parseIndexes(text: string | undefined, limit: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) {
      continue;
    }
    const last = Math.min(Number(match[2] ?? match[1]), limit - 1);
    for (let index = Number(match[1]); index <= last; index += 1) {
      indexes.add(index);
    }
  }
  return indexes;
}

/** Two neighbours stay apart by a comma (`1,2`), three and more become a range: Kubernetes writes them so. */
export function formatIndexes(indexes: Iterable<number>): string {
  const parts: string[] = [];
  const sorted = [...indexes].sort((a, b) => a - b);
  for (let at = 0; at < sorted.length;) {
    const first = sorted[at] ?? 0;
    let end = at;
    while (sorted[end + 1] === first + (end + 1 - at)) {
      end += 1;
    }
    const last = sorted[end] ?? first;
    parts.push(end === at ? `${first}` : `${first}${end === at + 1 ? ',' : '-'}${last}`);
    at = end + 1;
  }
  return parts.join(',');
}

/** Undefined for a pod without a valid index. */
export function indexOfPod(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[COMPLETION_INDEX] ?? pod.metadata.labels?.[COMPLETION_INDEX] ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
