/** An audit log from the options of kube-apiserver's names. */
import { readFile } from 'node:fs/promises';
import type { Log } from '../../apimachinery/log.ts';
import { AuditLog, type AuditLogOptions } from './logfile.ts';
import { AuditPolicy, AuditPolicyError } from './policy.ts';

export interface AuditOptions extends AuditLogOptions {
  policyFile: string;
}

/** Reads the policy and opens the log. Throws AuditPolicyError. */
export async function openAudit({ policyFile, ...log }: AuditOptions, serverLog: Log): Promise<{ policy: AuditPolicy; log: AuditLog }> {
  let text: string;
  try {
    text = await readFile(policyFile, 'utf8');
  } catch (error) {
    throw new AuditPolicyError(`the audit policy ${policyFile} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return { policy: AuditPolicy.parse(text), log: await AuditLog.open(log, serverLog) };
}
