/** Amounts of a device's capacities and counters as numbers, and back as quantities. */
import { formatQuantity, quantityToNumber } from '../../apimachinery/quantity.ts';

export type Capacities = ReadonlyMap<string, number>;

/** `memory` of the driver `gpu.nvidia.com` and `gpu.nvidia.com/memory` are the same: the latter, always. */
export const qualified = (name: string, driver: string): string => (name.includes('/') ? name : `${driver}/${name}`);

/** The name as the driver itself writes it. */
export const local = (name: string, driver: string): string => (name.startsWith(`${driver}/`) ? name.slice(driver.length + 1) : name);

export const amountOf = quantityToNumber;

const NANO = 1e9;

/** Bytes where they come in whole units of 1,024 are written so. */
export function amountText(amount: number): string {
  const whole = Number.isInteger(amount);
  return formatQuantity({ nanos: whole ? BigInt(amount) * 1_000_000_000n : BigInt(Math.round(amount * NANO)), format: whole && amount % 1024 === 0 ? 'binary' : 'decimal' });
}
