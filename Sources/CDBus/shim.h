#ifndef CDBUS_SHIM_H
#define CDBUS_SHIM_H

#include <dbus/dbus.h>
// The bus thread is woken through an eventfd, which Swift's Glibc module does not have.
#include <sys/eventfd.h>

static inline int CDBus_wakeup_descriptor(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

#endif
