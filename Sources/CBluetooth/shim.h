#ifndef CBLUETOOTH_SHIM_H
#define CBLUETOOTH_SHIM_H

// The kernel's interface to L2CAP sockets, as in Linux' include/net/bluetooth/{bluetooth,l2cap}.h, which no package
// installs: libbluetooth's headers are under the GPL, and nothing of it is linked.

#include <stdint.h>
#include <sys/socket.h>

#define CBLUETOOTH_AF_BLUETOOTH 31
#define CBLUETOOTH_BTPROTO_L2CAP 0
#define CBLUETOOTH_SOL_BLUETOOTH 274
#define CBLUETOOTH_BT_SNDMTU 12
#define CBLUETOOTH_BT_RCVMTU 13

#define CBLUETOOTH_BDADDR_LE_PUBLIC 1
#define CBLUETOOTH_BDADDR_LE_RANDOM 2

// struct sockaddr_l2. Both 16-bit numbers are little-endian; the address begins with its least significant byte.
struct CBluetooth_sockaddr_l2 {
  uint16_t family;
  uint16_t psm;
  uint8_t address[6];
  uint16_t cid;
  uint8_t address_type;
};

_Static_assert(sizeof(struct CBluetooth_sockaddr_l2) == 14, "the kernel's sockaddr_l2 has 14 bytes");

// Declared by <sys/socket.h> for _GNU_SOURCE only, which is not every importer's. Unlike accept and fcntl it leaves no
// moment in which the descriptor blocks or is inherited.
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

static inline int CBluetooth_accept(int descriptor, struct CBluetooth_sockaddr_l2 *address) {
  socklen_t length = sizeof(*address);
  return accept4(descriptor, (struct sockaddr *)address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

#endif
