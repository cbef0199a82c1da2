# Delete UDP entries of the kernel's connection tracking whose service has moved on. Plain perl, no modules.
# Input, one line a service port: ADDRESS PORT [IP:PORT ...]; entries that lead to one of these stay. Output: how many went.
use strict;
use warnings;

my (%allowed);
while (my $line = <STDIN>) {
  my ($address, $port, @backends) = split ' ', $line;
  next unless defined $port;
  $allowed{"$address:$port"} = { map { $_ => 1 } @backends };
}

# Numbers of linux/netlink.h and linux/netfilter/nfnetlink_conntrack.h.
my ($AF_NETLINK, $SOCK_RAW, $NETLINK_NETFILTER) = (16, 3, 12);
my ($GET, $DELETE) = (0x101, 0x102);
my ($REQUEST, $ACK, $DUMP) = (1, 4, 0x300);
my ($ERROR, $DONE) = (2, 3);
my ($AF_INET, $UDP) = (2, 17);
my ($TUPLE_ORIG, $TUPLE_REPLY, $ID) = (1, 2, 12);

socket(my $socket, $AF_NETLINK, $SOCK_RAW, $NETLINK_NETFILTER) or die "netlink: $!\n";
my $sequence = 0;

sub request {
  my ($type, $flags, $attributes) = @_;
  my $body = pack('CCn', $AF_INET, 0, 0) . $attributes;
  my $message = pack('LSSLL', 16 + length $body, $type, $flags, ++$sequence, 0) . $body;
  defined send($socket, $message, 0) or die "netlink send: $!\n";
}

# Attributes of a message: type without its flags => payload.
sub attributes {
  my ($data) = @_;
  my (%found, $at);
  for ($at = 0; $at + 4 <= length $data;) {
    my ($length, $type) = unpack('SS', substr($data, $at, 4));
    last if $length < 4;
    $found{$type & 0x3fff} = substr($data, $at + 4, $length - 4);
    $at += ($length + 3) & ~3;
  }
  return %found;
}

# (source, source port, destination, destination port, protocol) of a tuple.
sub tuple {
  my %tuple = attributes($_[0]);
  my %ip = attributes($tuple{1} // '');
  my %proto = attributes($tuple{2} // '');
  return unless defined $ip{1} && defined $ip{2} && defined $proto{1} && defined $proto{2} && defined $proto{3};
  return (join('.', unpack('C4', $ip{1})), unpack('n', $proto{2}), join('.', unpack('C4', $ip{2})), unpack('n', $proto{3}), unpack('C', $proto{1}));
}

my @doomed;
request($GET, $REQUEST | $DUMP, '');
DUMP: while (1) {
  defined recv($socket, my $buffer, 1 << 20, 0) or die "netlink recv: $!\n";
  for (my $at = 0; $at + 16 <= length $buffer;) {
    my ($length, $type) = unpack('LS', substr($buffer, $at, 6));
    last if $length < 16;
    last DUMP if $type == $DONE;
    die 'netlink: error ' . unpack('l', substr($buffer, $at + 16, 4)) . "\n" if $type == $ERROR;
    my %entry = attributes(substr($buffer, $at + 20, $length - 20));
    my @original = tuple($entry{$TUPLE_ORIG} // '');
    my @reply = tuple($entry{$TUPLE_REPLY} // '');
    if (@original && @reply && $original[4] == $UDP) {
      my $backends = $allowed{"$original[2]:$original[3]"};
      push @doomed, [$entry{$TUPLE_ORIG}, $entry{$ID}] if defined $backends && !$backends->{"$reply[0]:$reply[1]"};
    }
    $at += ($length + 3) & ~3;
  }
}

sub attribute {
  my ($type, $payload) = @_;
  return pack('SS', 4 + length $payload, $type) . $payload . "\0" x (-length($payload) & 3);
}

my $deleted = 0;
for my $doomed (@doomed) {
  my ($original, $id) = @$doomed;
  request($DELETE, $REQUEST | $ACK, attribute($TUPLE_ORIG | 0x8000, $original) . attribute($ID, $id));
  defined recv($socket, my $buffer, 65536, 0) or die "netlink recv: $!\n";
  # ENOENT: it expired meanwhile.
  $deleted++ if unpack('l', substr($buffer, 16, 4)) == 0;
}
print "$deleted\n";
