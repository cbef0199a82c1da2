/**
 * The launcher container's program: looks at the disk images with the rights QEMU will have, then becomes QEMU. The images are looked
 * at in here because their content is anybody's: nothing outside the container follows their links or reads their headers.
 */
import { DATA, IMAGES, KERNEL_IMAGE, MEMORY_FILE } from './layout.ts';
import { literal, type Word } from './words.ts';

/** Exit code of a launcher that refused its images; what is wrong stands in its log. */
export const EXIT_REFUSED = 64;
/** File descriptor QEMU reads a saved guest's memory from. */
export const MEMORY_FD = 4;

/** A containerDisk to be looked at: sets `P<index>` to its file and `F<index>` to its format. */
export interface ImageDisk {
  index: number;
  volume: string;
  /** `containerDisk.path`, or empty for the only file in /disk. */
  path: string;
}

export interface KernelFiles {
  kernel: string | undefined;
  initrd: string | undefined;
}

const PRELUDE = `set -u
die() { printf 'telar: %s\\n' "$1" >&2; exit ${EXIT_REFUSED}; }
# probe VOLUME FILE: sets format
probe() {
  volume=$1 file=$2 name=\${2##*/}
  case \${file##*/} in *[!A-Za-z0-9._-]*) die "volume $volume: the disk's file name may only have letters, digits, dots, dashes and underscores" ;; esac
  [ -f "$file" ] || die "volume $volume: \${file#${IMAGES}/*/} is not a regular file"
  [ -r "$file" ] || die "volume $volume: the disk in the image is not readable: give it mode 0644 or owner 107"
  set -- $(od -An -v -tx1 -N 80 "$file")
  [ $# = 80 ] || die "volume $volume: the file is too small to be a disk"
  case $1$2$3$4 in
    514649fb)
      case $5$6$7$8 in 00000002|00000003) ;; *) die "volume $volume: qcow2 of an unknown version" ;; esac
      [ "$9\${10}\${11}\${12}\${13}\${14}\${15}\${16}" = 0000000000000000 ] \\
        || die "volume $volume: the qcow2 disk has a backing file: flatten it with qemu-img convert"
      if [ "$8" = 03 ]; then
        case \${80} in
          ?[4567cdef]) die "volume $volume: the qcow2 disk keeps its data in another file: flatten it with qemu-img convert" ;;
        esac
      fi
      format=qcow2 ;;
    1f8b*) die "volume $volume: the disk is compressed with gzip: unpack it before it goes into the image" ;;
    fd377a58) die "volume $volume: the disk is compressed with xz: unpack it before it goes into the image" ;;
    28b52ffd) die "volume $volume: the disk is compressed with zstd: unpack it before it goes into the image" ;;
    4b444d56|76686478|23204469|51454400|636f6e65) die "volume $volume: only raw and qcow2 disks are supported: convert it with qemu-img convert -O qcow2" ;;
    425a68*) die "volume $volume: the disk is compressed with bzip2: unpack it before it goes into the image" ;;
    7f454c46|504b0304|4d5a*) die "volume $volume: $name is no disk but a program or an archive: name a raw or qcow2 disk with containerDisk.path" ;;
    *) format=raw; text "$@" ;;
  esac
}
# text BYTE…: a raw disk's first bytes are never all printable; those of scripts, documents and cpio archives are
text() {
  for byte; do
    case $byte in 09|0a|0d|[2-6]?|7[0-9a-e]) ;; *) return ;; esac
  done
  die "volume $volume: $name is no disk but text or an archive: name a raw or qcow2 disk with containerDisk.path"
}
# image INDEX VOLUME PATH
image() {
  index=$1 root=${IMAGES}/$2
  if [ -n "$3" ]; then
    [ -e "$root/$3" ] || die "volume $2: the image has no file $3"
    file=$root/$3
  else
    volume=$2
    [ -d "$root/disk" ] || die "volume $volume: the image has no folder /disk: a containerDisk has its disk there as the only file"
    set -- "$root/disk"/*
    [ $# = 1 ] && [ -e "$1" ] || die "volume $volume: /disk must hold exactly one file, or containerDisk.path must name it"
    file=$1
    set -- "$index" "$volume"
  fi
  probe "$2" "$file"
  eval "P$index=\\$file F$index=\\$format"
}
# needed WHAT PATH
needed() { [ -r "${IMAGES}/${KERNEL_IMAGE}/$2" ] && [ -f "${IMAGES}/${KERNEL_IMAGE}/$2" ] || die "kernelBoot: the image has no readable file $2 ($1)"; }
`;

/** `command` is QEMU's command line. File descriptor 3 is the container's log, where the console is copied to. */
export function launcherScript(images: readonly ImageDisk[], kernel: KernelFiles, command: readonly Word[], saved = false): string {
  const lines = images.map(({ index, volume, path }) => `image ${index} ${literal(volume).shell} ${literal(path).shell}`);
  if (kernel.kernel !== undefined) {
    lines.push(`needed kernelPath ${literal(kernel.kernel).shell}`);
  }
  if (kernel.initrd !== undefined) {
    lines.push(`needed initrdPath ${literal(kernel.initrd).shell}`);
  }
  return `${PRELUDE}${lines.join('\n')}\nexport TMPDIR=${DATA}\nexec ${command.map(({ shell }) => shell).join(' ')} 3>&1${saved ? ` ${MEMORY_FD}<${DATA}/${MEMORY_FILE}` : ''}\n`;
}
