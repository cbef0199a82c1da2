/** Validation of the volumes a container takes as devices instead of as file systems. */
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import type { Container, EphemeralContainer } from '../../generated/core.ts';

export function deviceErrors(field: string, container: Container | EphemeralContainer, volumes: ReadonlySet<string>): FieldError[] {
  const devices = container.volumeDevices ?? [];
  if (devices.length === 0) {
    return [];
  }
  const mounts = container.volumeMounts ?? [];
  const [names, paths] = [new Set<string>(), new Set<string>()];
  return devices.flatMap(({ name, devicePath }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (!name) {
      errors.push(fieldError.required(`${at}.name`));
    } else if (!volumes.has(name)) {
      errors.push(fieldError.notFound(`${at}.name`, name));
    }
    if (!devicePath) {
      errors.push(fieldError.required(`${at}.devicePath`));
    } else if (devicePath.split('/').includes('..')) {
      errors.push(fieldError.invalid(`${at}.devicePath`, devicePath, "must not contain '..'"));
    }
    if (names.has(name) || mounts.some((mount) => mount.name === name)) {
      errors.push(fieldError.invalid(`${at}.name`, name, 'must not already exist in volumeMounts'));
    }
    if (paths.has(devicePath) || mounts.some(({ mountPath }) => mountPath === devicePath)) {
      errors.push(fieldError.invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'));
    }
    names.add(name);
    paths.add(devicePath);
    return errors;
  });
}
