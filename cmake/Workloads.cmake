# The workloads of bench/compute, on x86-64 hosts: bench/guest.elf for any x86-64 machine that boots
# by PVH, and bench/native, the same C as a program of the host.  The project's own flags are left
# out, so that both are the same code in every build.

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND CMAKE_EXECUTABLE_FORMAT STREQUAL "ELF"
   AND NOT VMACCEL_SANITIZE AND NOT VMACCEL_FUZZ)
    set(from ${PROJECT_SOURCE_DIR}/bench/guest)
    set(to ${PROJECT_BINARY_DIR}/bench)
    vmaccel_sources(headers bench/guest/*.h)
    set(work integer.c hash.c interpreter.c memory.c float.c smc.c)
    # Ring 0 leaves the vector registers of ring 3 alone.
    set(ring0 main.c system.c work.c)
    list(TRANSFORM work PREPEND ${from}/)
    list(TRANSFORM ring0 PREPEND ${from}/)

    set(flags -std=c17 -O2 -ffreestanding -ffp-contract=off ${vmaccel_warnings}
        ${vmaccel_c_warnings})
    set(guest_flags ${flags} -c -DWORK_GUEST -mno-red-zone -fno-pic -fno-pie -fno-stack-protector
        -fcf-protection=none -fno-asynchronous-unwind-tables)
    set(objects start.S ${work} ${ring0})
    list(TRANSFORM objects REPLACE "^(.*/)?([a-z0-9]+)\\.[cS]$" "guest/\\2.o")

    add_custom_command(
        OUTPUT ${to}/guest.elf
        COMMAND ${CMAKE_COMMAND} -E make_directory guest
        COMMAND ${CMAKE_COMMAND} -E chdir guest ${CMAKE_C_COMPILER} ${guest_flags}
            ${from}/start.S ${work}
        COMMAND ${CMAKE_COMMAND} -E chdir guest ${CMAKE_C_COMPILER} ${guest_flags}
            -mgeneral-regs-only ${ring0}
        COMMAND ${CMAKE_C_COMPILER} -static -nostdlib -Wl,-e,start,-Ttext-segment=0x100000
            -Wl,-z,max-page-size=0x1000,-z,noexecstack,--build-id=none -o guest.elf ${objects}
        DEPENDS ${from}/start.S ${work} ${ring0} ${headers}
        WORKING_DIRECTORY ${to} COMMENT "Building the workloads' guest" VERBATIM)
    add_custom_command(
        OUTPUT ${to}/native
        COMMAND ${CMAKE_C_COMPILER} ${flags} -D_GNU_SOURCE -o native
            ${work} ${from}/work.c ${from}/native.c
        DEPENDS ${work} ${from}/work.c ${from}/native.c ${headers}
        WORKING_DIRECTORY ${to} COMMENT "Building the workloads for the host" VERBATIM)
    file(MAKE_DIRECTORY ${to})
    add_custom_target(vmaccel_workloads ALL DEPENDS ${to}/guest.elf ${to}/native)
endif()
