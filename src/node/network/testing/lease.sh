#!/bin/sh
# udhcpc's script: prints what it was given.
[ "$1" = bound ] && env
exit 0
