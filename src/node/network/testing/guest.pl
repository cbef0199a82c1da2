# The wire of a guest without a machine around it: attaches to the tap PODTAP of this network namespace as QEMU does, and
# relays its frames to a tap `eth0` in the network namespace at GUESTNS. For tests. Usage: guest.pl PODTAP GUESTNS
use strict;
use warnings;

my ($tap, $space) = @ARGV;
my ($TUNSETIFF, $TAP_NO_PI, $SYS_SETNS) = (0x400454ca, 0x1002, 308);

sub attach {
  my ($name) = @_;
  open(my $handle, '+<', '/dev/net/tun') or die "/dev/net/tun: $!\n";
  my $request = pack('a16sx22', $name, $TAP_NO_PI);
  ioctl($handle, $TUNSETIFF, $request) or die "$name: $!\n";
  return $handle;
}

my $pod = attach($tap);
open(my $target, '<', $space) or die "$space: $!\n";
syscall($SYS_SETNS, fileno($target), 0) == 0 or die "setns: $!\n";
my $guest = attach('eth0');
$| = 1;
print "up\n";
while (1) {
  my $wanted = '';
  vec($wanted, fileno($_), 1) = 1 for $pod, $guest;
  select(my $ready = $wanted, undef, undef, undef);
  for my $pair ([$pod, $guest], [$guest, $pod]) {
    my ($from, $to) = @$pair;
    next unless vec($ready, fileno($from), 1);
    sysread($from, my $frame, 65536) or exit;
    # The other end may still be down: a wire loses such frames too.
    syswrite($to, $frame);
  }
}
