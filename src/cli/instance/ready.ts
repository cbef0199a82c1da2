/** Whether the instance's server answers, asked as any client would. */
import { existsSync } from 'node:fs';
import { StatusError } from '../../apimachinery/status.ts';
import { httpsTransport } from '../../client/https.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import { kubeconfigPath } from './record.ts';

const ANSWER_LIMIT_MS = 5_000;

/** `ok`, or why not. */
export async function readiness(dataDir: string): Promise<'ok' | { why: string }> {
  const file = kubeconfigPath(dataDir);
  if (!existsSync(file)) {
    return { why: `${file} is not there yet` };
  }
  const { connection } = await loadKubeconfig(file);
  const transport = httpsTransport(connection);
  try {
    const answer = await transport.open({ method: 'GET', path: '/readyz', signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    answer.resume();
    return 'ok';
  } catch (error) {
    return { why: error instanceof StatusError ? error.message : error instanceof Error ? error.message : String(error) };
  } finally {
    transport.close();
  }
}
