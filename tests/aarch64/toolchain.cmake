# SPDX-License-Identifier: MIT
# Debian's cross compiler, the libraries that sysroot.sh unpacked, and qemu-user to run what comes out.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
# The C++ compiler is a package of its own, for one file of bench/ that is not built here.
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER_FORCED ON)

set(PN_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../../build/aarch64-sysroot)
set(CMAKE_FIND_ROOT_PATH ${PN_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${PN_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${PN_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${PN_SYSROOT}/usr/share/pkgconfig)

# -L: where the cross package keeps the C library.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
# hwloc keeps one header there; Debian's own compilers look by themselves.
set(CMAKE_C_FLAGS_INIT "-isystem ${PN_SYSROOT}/usr/include/aarch64-linux-gnu")
# What those libraries need in turn (udev behind hwloc) is not unpacked: nothing that runs here calls it.
set(CMAKE_EXE_LINKER_FLAGS_INIT -Wl,--unresolved-symbols=ignore-in-shared-libs)
