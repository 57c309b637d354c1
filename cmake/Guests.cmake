# Guest programs: assembled or compiled at build time for the guest's architecture, whatever the
# host's, and embedded in a target as C arrays.
#
# vmaccel_add_guests(<target> <arch> <files...>) takes those of the files that lie in a folder named
# <arch>.  <name>.S (preprocessed, GNU syntax; .code16 and .code32 work) or <name>.c becomes
#     extern const unsigned char vmaccel_guest_<name>[];
#     extern const size_t vmaccel_guest_<name>_size;
# and, in guests.h beside them,
#     VMACCEL_GUEST_<name>_ORG            the address it is linked at and entered at: its first byte;
#                                         0x1000, or from a comment "guest: org=0x7c00"
#     VMACCEL_GUEST_<name>_sym_<label>    for each ".globl sym_<label>": the label's offset in it
# For an architecture other than x86 <name> is preceded by "<arch>_".

# vmaccel_guest_tools(<ARCH> <processors> <triple> <flags...>): VMACCEL_GUEST_<ARCH>_CC, _LD, _OBJCOPY,
# _NM and _CFLAGS: the host's own tools where it is of that architecture, else GNU cross tools, else
# LLVM's. Without any, VMACCEL_GUEST_<ARCH>_CC is empty.
function(vmaccel_guest_tools ARCH processors triple)
    find_program(VMACCEL_GUEST_${ARCH}_GCC ${triple}-gcc)
    find_program(VMACCEL_GUEST_LLD ld.lld)
    mark_as_advanced(VMACCEL_GUEST_${ARCH}_GCC VMACCEL_GUEST_LLD)
    set(cc "")
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(${processors})$" AND CMAKE_EXECUTABLE_FORMAT STREQUAL "ELF")
        set(cc ${CMAKE_C_COMPILER})
        set(ld ${CMAKE_LINKER})
        set(objcopy ${CMAKE_OBJCOPY})
        set(nm ${CMAKE_NM})
    elseif(VMACCEL_GUEST_${ARCH}_GCC)
        set(cc ${VMACCEL_GUEST_${ARCH}_GCC})
        set(ld ${triple}-ld)
        set(objcopy ${triple}-objcopy)
        set(nm ${triple}-nm)
    elseif(VMACCEL_GUEST_LLD)
        set(cc clang -target ${triple})
        set(ld ${VMACCEL_GUEST_LLD})
        set(objcopy llvm-objcopy)
        set(nm llvm-nm)
    else()
        message(WARNING "no ${triple}-gcc and no LLVM: no guest programs of ${ARCH}, which the "
                        "conformance suite needs")
    endif()
    set(of "for guest programs of ${ARCH}")
    set(VMACCEL_GUEST_${ARCH}_CC "${cc}" CACHE STRING "Compiler ${of}, as a list")
    set(VMACCEL_GUEST_${ARCH}_LD "${ld}" CACHE STRING "Linker ${of}")
    set(VMACCEL_GUEST_${ARCH}_OBJCOPY "${objcopy}" CACHE STRING "objcopy ${of}")
    set(VMACCEL_GUEST_${ARCH}_NM "${nm}" CACHE STRING "nm ${of}")
    set(VMACCEL_GUEST_${ARCH}_CFLAGS "${ARGN}" CACHE STRING "Further flags ${of}")
endfunction()

# The software CPU runs x86 guests on every host; AArch64 guests need an AArch64 host.
vmaccel_guest_tools(X86 "x86_64|AMD64" x86_64-linux-gnu
    -m64 -mno-red-zone -mcmodel=small -fcf-protection=none)
set(arm64 "aarch64|arm64|ARM64")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(${arm64})$")
    vmaccel_guest_tools(ARM64 ${arm64} aarch64-linux-gnu -mgeneral-regs-only)
endif()

function(vmaccel_add_guests target arch)
    string(TOUPPER ${arch} ARCH)
    set(gen ${PROJECT_BINARY_DIR}/gen/guests)
    set(script ${PROJECT_SOURCE_DIR}/cmake/guest-build.cmake)
    list(FILTER ARGN INCLUDE REGEX "/${arch}/[^/]*$")
    vmaccel_sources(headers tests/guest/*.h tests/guest/*.inc)
    set(prefix "")
    if(NOT arch STREQUAL "x86")
        set(prefix ${arch}_)
    endif()

    set(includes "#include <stddef.h>\n")
    foreach(source IN LISTS ARGN)
        get_filename_component(name ${source} NAME_WE)
        set(name ${prefix}${name})
        add_custom_command(
            OUTPUT ${gen}/guest_${name}.c ${gen}/guest_${name}.h
            COMMAND ${CMAKE_COMMAND}
                -Dname=${name} -Dsource=${source} -Dout=${gen}
                "-Dcc=${VMACCEL_GUEST_${ARCH}_CC}" "-Dcflags=${VMACCEL_GUEST_${ARCH}_CFLAGS}"
                "-Dld=${VMACCEL_GUEST_${ARCH}_LD}" "-Dobjcopy=${VMACCEL_GUEST_${ARCH}_OBJCOPY}"
                "-Dnm=${VMACCEL_GUEST_${ARCH}_NM}" -P ${script}
            DEPENDS ${source} ${headers} ${script}
            COMMENT "Building guest ${name}" VERBATIM)
        target_sources(${target} PRIVATE ${gen}/guest_${name}.c ${gen}/guest_${name}.h)
        string(APPEND includes "#include \"guest_${name}.h\"\n")
    endforeach()

    file(CONFIGURE OUTPUT ${gen}/guests_${arch}.h CONTENT "${includes}" @ONLY)
    get_property(archs GLOBAL PROPERTY vmaccel_guest_archs)
    list(APPEND archs "#include \"guests_${arch}.h\"")
    set_property(GLOBAL PROPERTY vmaccel_guest_archs "${archs}")
    list(JOIN archs "\n" content)
    file(CONFIGURE OUTPUT ${gen}/guests.h CONTENT "${content}\n" @ONLY)
    target_include_directories(${target} PRIVATE ${gen})
endfunction()
