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

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND CMAKE_EXECUTABLE_FORMAT STREQUAL "ELF")
    set(cc ${CMAKE_C_COMPILER})
    set(ld ${CMAKE_LINKER})
    set(objcopy ${CMAKE_OBJCOPY})
    set(nm ${CMAKE_NM})
else()
    find_program(vmaccel_x86_gcc x86_64-linux-gnu-gcc)
    if(vmaccel_x86_gcc)
        set(cc ${vmaccel_x86_gcc})
        set(ld x86_64-linux-gnu-ld)
        set(objcopy x86_64-linux-gnu-objcopy)
        set(nm x86_64-linux-gnu-nm)
    else()
        set(cc clang -target x86_64-linux-gnu)
        set(ld ld.lld)
        set(objcopy llvm-objcopy)
        set(nm llvm-nm)
    endif()
endif()
set(VMACCEL_GUEST_X86_CC "${cc}" CACHE STRING "Compiler for x86 guest programs, as a list")
set(VMACCEL_GUEST_X86_LD "${ld}" CACHE STRING "Linker for x86 guest programs")
set(VMACCEL_GUEST_X86_OBJCOPY "${objcopy}" CACHE STRING "objcopy for x86 guest programs")
set(VMACCEL_GUEST_X86_NM "${nm}" CACHE STRING "nm for x86 guest programs")
set(VMACCEL_GUEST_X86_CFLAGS -m64 -mno-red-zone -mcmodel=small CACHE STRING
    "Further flags for x86 guest programs")

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
